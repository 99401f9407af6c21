"""The keys the grocery project does not use: other readers, wide sheets, extra columns, values of a column."""

from pathlib import Path

import pytest

from strata.contract.columns import Personal, Type
from strata.project.sources import Source

from .grocery import change, copy_of_grocery, loaded, problems_of

RECHARGES = """
source: recharges
description: Top-ups from billing
feeds: events
read: {format: csv, path: "${landing}/recharges/*.csv", delimiter: ";", encoding: windows-1251, header: true}
schema: {recharge_id: BIGINT, msisdn: STRING, created_at: STRING, sum_uah: MONEY, pay_channel: BIGINT, op: STRING}
delivery: {mode: append, ready_when: _SUCCESS, late_days: 7, complete_through: 2026-05-31}
key: [recharge_id]
event_type: "'recharge'"
columns:
  customer_id: {from: msisdn, identity: msisdn}
  occurred_at: {from: created_at, type: local, zone: Europe/Kyiv, format: "dd.MM.yyyy HH:mm"}
  amount:      {from: sum_uah}
  channel:     {from: pay_channel, map: {1: app, 2: kiosk, no: bank}}
extra:
  kiosk_operator: {from: op, type: string, description: Operator of the kiosk}
  seen_at: {from: created_at, type: local, zone: Europe/Kyiv, description: Seen by the operator}
  fee: {value: "sum_uah * 0.01", type: double, unit: currency, description: Fee of the operator}
reject:
  - {reason: amount_not_positive, when: "amount <= 0"}
  - {reason: own_kiosk, when: "kiosk_operator = 'own'"}
"""
SURVEY = """
source: survey
description: Answers, a column each
feeds: events
read: {format: json, path: "${landing}/survey", multiLine: true}
schema: {person: STRING, answered_on: DATE, q1_price: DOUBLE, q2_health: DOUBLE}
delivery: {mode: snapshot}
key: [person, value_text]
unpivot: {columns: [q1_price, q2_health], name: value_text, value: value_number}
event_type: "'answer'"
columns:
  customer_id: {from: person, identity: email}
  occurred_at: {from: answered_on, type: date}
"""
DATABASE = """
source: database
description: Shops
feeds: places
read: {format: jdbc, url: "jdbc:sqlite:${landing}/x.db", dbtable: shops, user: reader, password_env: SHOPS_PASSWORD}
schema: {id: BIGINT, "Name of shop": STRING}
delivery: {mode: changes}
key: [id]
columns: {place_id: {from: id}, name: {from: Name of shop}}
"""
CATALOG = """
source: catalog
description: Consents
feeds: consents
read: {format: table, table: crm.consents}
schema: {customer: STRING, purpose: STRING, yes: BOOLEAN, since: DATE}
delivery: {mode: changes}
key: [customer, purpose, since]
columns:
  customer_id: {from: customer, identity: plain}
  purpose: {from: purpose}
  basis: {value: "'consent'"}
  granted: {from: yes}
  valid_from: {from: since}
"""


def sources(tmp_path: Path, *texts: str) -> dict[str, Source]:
    folder = copy_of_grocery(tmp_path)
    for text in texts:
        name = text.split("source: ")[1].split("\n")[0]
        (folder / "sources" / f"{name}.yml").write_text(text)
    return {s.name: s for s in loaded(folder).sources}


def test_a_source_with_every_key_of_the_design(tmp_path: Path) -> None:
    source = sources(tmp_path, RECHARGES)["recharges"]

    assert source.read.options == {"delimiter": ";", "encoding": "windows-1251", "header": "true"}
    assert str(source.delivery.complete_through) == "2026-05-31"
    mapped = {m.name: m for m in source.columns}
    assert (mapped["occurred_at"].moment, mapped["occurred_at"].zone) == ("local", "Europe/Kyiv")
    assert mapped["occurred_at"].pattern == "dd.MM.yyyy HH:mm"
    extra = {column: (m.moment, column.type, column.personal) for m, column in source.extra}
    assert extra == {
        "kiosk_operator": (None, Type.STRING, Personal.BEHAVIOUR),
        "seen_at": ("local", Type.INSTANT, Personal.BEHAVIOUR),
        "fee": (None, Type.DOUBLE, Personal.BEHAVIOUR),
    }


def test_no_is_a_word_and_not_false(tmp_path: Path) -> None:
    channel = next(m for m in sources(tmp_path, RECHARGES)["recharges"].columns if m.name == "channel")

    assert channel.recode == {"1": "app", "2": "kiosk", "no": "bank"}


def test_the_two_columns_of_a_wide_sheet_are_mapped_when_silver_has_them(tmp_path: Path) -> None:
    source = sources(tmp_path, SURVEY)["survey"]

    assert source.unpivot is not None
    assert {m.name: m.source for m in source.columns}["value_number"] == "value_number"
    assert {m.name: m.source for m in source.columns}["value_text"] == "value_text"


def test_databases_and_catalogue_tables_have_no_path(tmp_path: Path) -> None:
    read = {name: s.read for name, s in sources(tmp_path, DATABASE, CATALOG).items()}

    assert read["database"].path is None
    assert read["database"].options["url"] == "jdbc:sqlite:/data/x.db"
    assert read["catalog"].options == {"table": "crm.consents"}


def test_two_sources_may_share_an_extra_column_if_they_mean_the_same(tmp_path: Path) -> None:
    folder = copy_of_grocery(tmp_path)
    (folder / "sources/recharges.yml").write_text(RECHARGES)
    other = RECHARGES.replace("source: recharges", "source: more")
    (folder / "sources/more.yml").write_text(other)
    assert problems_of(folder) == []

    (folder / "sources/more.yml").write_text(other.replace("from: op, type: string", "from: recharge_id, type: bigint"))
    # the first by file name is taken as the meaning, the mistake is told at the other
    assert "extra column `kiosk_operator` is STRING here and BIGINT elsewhere" in [p.what for p in problems_of(folder)]


def test_extra_columns_can_be_used_by_features_and_a_broken_source_makes_no_noise(tmp_path: Path) -> None:
    folder = copy_of_grocery(tmp_path)
    (folder / "sources/recharges.yml").write_text(RECHARGES)
    change(folder / "features.yml", "event_type = 'redemption'", "kiosk_operator = 'x'")
    assert problems_of(folder) == []

    change(folder / "sources/recharges.yml", "mode: append", "mode: appended")
    assert [p.what for p in problems_of(folder)] == ["mode: found `appended`"]


def test_chosen_values_of_a_column_become_features_with_known_columns(tmp_path: Path) -> None:
    folder = copy_of_grocery(tmp_path)
    change(folder / "features.yml", "keep: 150", "values: [DOMESTIC WINE, BEER/ALE, Пиво]")
    change(folder / "features.yml", "  - spend_28d", "  - spend_28d\n  - spend_beer_ale_182d\n  - spend_пиво_182d")

    assert "spend_beer_ale_182d" in loaded(folder).published_features


@pytest.mark.parametrize("days", [30, 1, 365])
def test_other_windows_are_allowed_when_asked_for(tmp_path: Path, days: int) -> None:
    folder = copy_of_grocery(tmp_path)
    line = "name: redemptions_182d, kind: count, where: \"event_type = 'redemption'\", days: "
    change(folder / "features.yml", f"{line}182", f"{line}{days}, any_window: true")

    assert problems_of(folder) == []


def test_otherwise_may_be_a_segment_without_a_rule(tmp_path: Path) -> None:
    folder = copy_of_grocery(tmp_path)
    change(folder / "segmentations/rfm.yml", 'when: "r = 1", ', "")
    change(folder / "segmentations/rfm.yml", "otherwise: error", "otherwise: lost")

    assert {s.name: s.otherwise for s in loaded(folder).segmentations}["rfm"] == "lost"
