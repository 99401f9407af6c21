"""`strata explain` of audiences: the first condition that fails, and the nearest change that leads in or out."""

from decimal import Decimal

import pytest
from tests.preview.delivered import WINE, deliver, listed, member, put_vault
from tests.preview.kit import Stored
from tests.preview.test_audiences import RULE, bought, declare
from tests.preview.test_bases import OBJECTIONS, said_row
from tests.segments.definitions import customer

from strata.contract.silver import consents


def explained(shop: Stored, place: int, audience: str) -> str:
    """What is said of one audience, indented by nothing."""
    said = shop.strata("explain", "--customer", customer(place))
    assert said.code == 0, said.err
    part = said.out.partition(f"  audience {audience}: ")[2].partition("\n\n")[0]
    return "\n".join(line.strip() for line in part.splitlines())


def test_the_first_part_of_a_rule_that_fails_is_told_with_its_values_and_the_way_in(shop: Stored) -> None:
    rule = RULE.replace('"purchase_days_182d >= 1"', '"purchase_days_182d >= 3 and wine_days_182d > 0"')
    declare(shop, "buyers", rule + 'exclude: ["purchase_days_84d = 0"]\n')
    shop.put_snapshot([
        bought(1, wine_days_182d=2, purchase_days_84d=1), bought(5, purchase_days_84d=1), bought(5, wine_days_182d=1),
        bought(5, wine_days_182d=1, purchase_days_84d=2), bought(0),
    ])  # fmt: skip
    assert explained(shop, 0, "buyers") == (
        "no member, does not meet the rule\nbecause  not: purchase_days_182d >= 3\npurchase_days_182d = 1\n"
        "way in   2 more purchase_days_182d (3): member"
    )
    assert "because  not: wine_days_182d > 0\nwine_days_182d = 0\nway in   1 more wine_days" in explained(
        shop, 1, "buyers"
    )
    assert explained(shop, 2, "buyers") == (
        "no member, excluded: purchase_days_84d = 0\nbecause  purchase_days_84d = 0\npurchase_days_84d = 0\n"
        "way in   1 more purchase_days_84d (1): member"
    )
    inside = explained(shop, 3, "buyers")
    assert inside.startswith(
        "member\nbecause  purchase_days_182d >= 3 and wine_days_182d > 0\npurchase_days_182d = 5\nwine_days_182d = 1\n"
    )
    assert "way out  " in inside
    assert "does not meet the rule" in inside
    # two things fail: no one change leads in
    assert "way in" not in explained(shop, 4, "buyers")


def test_below_the_cut_the_place_and_what_it_takes_are_told(shop: Stored) -> None:
    declare(shop, "best", RULE + "size: {share: 0.5, order: spend_182d}\n")
    shop.put_snapshot([bought(1, spend) for spend in ("4.00", "3.00", "2.00", "1.00")])
    assert explained(shop, 2, "best") == (
        "no member, below the cut\nbecause  purchase_days_182d >= 1\npurchase_days_182d = 1\n"
        "place 3 by spend_182d, and the first 2 are taken\nway in   1.01 more spend_182d (3.01): member"
    )
    inside = explained(shop, 0, "best")
    assert "place 1 by spend_182d, and the first 2 are taken" in inside
    # with as much as the third, or less, it would not be of the first two
    first, _ = sorted([customer(0), customer(2)])
    less = "2.01 less spend_182d (1.99)" if first == customer(0) else "2.00 less spend_182d (2.00)"
    assert f"way out  1 fewer purchase_days_182d (0): does not meet the rule\n{less}: below the cut" in inside


def test_consent_and_objection_are_told_by_the_same_words(shop: Stored) -> None:
    declare(shop, "buyers")
    declare(shop, "agreed", RULE.replace("direct_mail", "news"))
    shop.edit("privacy.yml", "  direct_mail:", "  news: {basis: consent, description: News}\n  direct_mail:")
    shop.put_snapshot([bought(2)] * 3)
    (shop.folder / "sources" / "objections.yml").write_text(OBJECTIONS)
    shop.put(consents, [said_row(0, "direct_mail", "objection", True, 1, 0),
                        said_row(1, "news", "consent", False, 1, 1)])  # fmt: skip
    refused = explained(shop, 0, "buyers")
    assert refused == "no member, not eligible"
    assert {explained(shop, place, "agreed") for place in (0, 1, 2)} == {refused}


def test_a_look_alike_tells_seed_candidates_rank_and_cut(shop: Stored) -> None:
    # 0 is of the seed, 1 a member, 2 below the cut, 3 excluded, 4 no member before anything is released
    declare(shop, WINE, (shop.folder / "audiences" / f"{WINE}.yml").read_text().partition("\n")[2].replace(
        'candidates: "wine_days_182d = 0"', 'candidates: "wine_days_182d = 0 and purchase_days_182d > 0"')
        + 'exclude: ["purchase_days_84d > 9"]\n')  # fmt: skip
    shop.put_snapshot([bought(1, wine_days_182d=1), bought(1), bought(1), bought(1, purchase_days_84d=10), bought(0)])
    assert explained(shop, 1, WINE).startswith("no member, not learned yet")
    deliver(shop, [member(1, audience_rank=7, score=0.25)], catalog=[listed(shop)])
    assert explained(shop, 0, WINE).startswith(
        "no member, of the seed, whom nobody returns\nbecause  seed: wine_days_182d > 0\nwine_days_182d = 1"
    )
    inside = explained(shop, 1, WINE)
    assert inside.startswith("member\n")
    assert "rank 7 of 1 in the release, score 0.25, since 2017-12-31" in inside
    assert "way out  1 fewer purchase_days_182d (0): not a candidate" in inside
    assert explained(shop, 2, WINE).startswith("no member, below the cut\n")
    assert explained(shop, 3, WINE).startswith("no member, excluded: purchase_days_84d > 9\n")
    assert explained(shop, 4, WINE) == (
        "no member, not a candidate\nbecause  not: purchase_days_182d > 0\npurchase_days_182d = 0\n"
        "way in   1 more purchase_days_182d (1): below the cut"
    )


def test_lists_holdouts_and_what_cannot_be_told(shop: Stored) -> None:
    (shop.folder / "vip.csv").write_text("id\n017\n")
    declare(shop, "vip", "kind: list\nowner: o\npurpose: direct_mail\nholdout: 0.9\n"
            "list: {path: vip.csv, column: id, identity: plain}\n")  # fmt: skip
    shop.put_snapshot([{}] * 2)
    said = shop.strata("explain", "--customer", customer(0))
    assert "audience.vip: restricted.identity_vault: there is no such table" in said.out
    put_vault(shop, {0: "17"})
    held_out = explained(shop, 0, "vip")
    assert held_out.startswith("member")
    assert "held out for comparison" in held_out
    assert explained(shop, 1, "vip") == "no member, not in the list"


@pytest.mark.parametrize("spend", ["0.00", "3.00"])
def test_a_way_in_leads_where_it_says(shop: Stored, spend: str) -> None:
    declare(shop, "best", RULE + "size: {share: 0.5, order: spend_182d, best: low}\n")
    others = [bought(1, s) for s in ("1.00", "2.00", "4.00")]
    shop.put_snapshot([bought(1, spend), *others])
    told = explained(shop, 0, "best")
    changed = Decimal(told.rpartition("spend_182d (")[2].partition(")")[0])
    shop.put_snapshot([bought(1, str(changed)), *others])
    assert explained(shop, 0, "best").startswith("no member" if told.startswith("member") else "member")
