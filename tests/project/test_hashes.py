"""Hashes follow the meaning of a definition: another spelling keeps them, another meaning changes them."""

import shutil
from pathlib import Path

import pytest
import yaml
from tests.ingest.kit import FEATURES, HEADER, PURCHASES

from strata.project.load import load_project
from strata.project.models import Project

from .grocery import GROCERY, change, copy_of_grocery, loaded

FREQUENCY, RFM, STYLE = (
    "segmentations/purchase_frequency.yml",
    "segmentations/rfm.yml",
    "segmentations/shopping_style.yml",
)
WINE = "audiences/next_wine_buyers.yml"
CATEGORY = "recommendations/next_category.yml"
HEX_DIGITS = 32


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return loaded(copy_of_grocery(tmp_path_factory.mktemp("before")))


def after(tmp_path: Path, file: str, replace: str, by: str) -> Project:
    folder = copy_of_grocery(tmp_path)
    change(folder / file, replace, by)
    return loaded(folder)


def changed(before: Project, now: Project) -> set[str]:
    """The definitions whose hash differs, with `config` for the whole."""
    keys = {*before.definition_hashes, *now.definition_hashes}
    found = {k for k in keys if before.definition_hashes.get(k) != now.definition_hashes.get(k)}
    return found | ({"config"} if before.config_hash != now.config_hash else set())


def test_every_definition_has_a_hash_of_32_hex_digits(before: Project) -> None:
    assert set(before.definition_hashes) == {
        "features",
        "kpis",
        "audience.next_wine_buyers",
        "recommendation.next_category",
        *(f"segmentation.{s.name}" for s in before.segmentations),
        *(f"sources.{s.name}" for s in before.sources),
    }
    for value in (*before.definition_hashes.values(), before.config_hash):
        assert len(value) == HEX_DIGITS
        assert int(value, 16) >= 0


@pytest.mark.parametrize(
    ("file", "replace", "by"),
    [
        (FREQUENCY, "purchase_days_182d >= 26", "  purchase_days_182d>=26 "),
        (FREQUENCY, "first_purchase_on is null", "(first_purchase_on IS NULL)"),
        (FREQUENCY, "# The source's gaps", "# Those gaps"),
        (CATEGORY, "[repeat, new]", "[new, repeat]"),
        (CATEGORY, "event_type = 'purchase'", "(event_type='purchase')"),
        ("kpis.yml", "purchase_days_84d > 0", "(purchase_days_84d>0)"),
        (FREQUENCY, "version: 1\ntechnique: purchase frequency\n", "technique: purchase frequency\nversion: 1\n"),
        (RFM, "{score: r, of: days_since_last_purchase,", "{of: days_since_last_purchase, score: r,"),
        (RFM, "[50, 200, 600, 1500]", "[50.0, 200, 6e2, 1500.00]"),
        ("sources/transactions.yml", "description: Purchase lines", "description: Lines of receipts"),
        (
            "sources/transactions.yml",
            "  store_id: BIGINT\n  basket_id: BIGINT",
            "  basket_id: BIGINT\n  store_id: BIGINT",
        ),
        ("project.yml", "root: warehouse/grocery", "root: /mnt/grocery"),
        ("project.yml", "key_file: .strata/identity.key", "key_file: /run/secrets/key"),
        ("project.yml", "key_env: STRATA_IDENTITY_KEY", "key_env: THE_KEY"),
        ("project.yml", "retention_days: 90", "retention_days: 30"),
        ("project.yml", "retention_days: 90", "retention_days: 90\nkeep: {daily_days: 7, then: nothing}"),
        ("quality.yml", "history: {", "history: {drift: warn, gross: fail, "),
        # It decides whether there is a result, not which.
        ("sources/transactions.yml", "delivery: {mode: append}", "delivery: {mode: append, every_day: true}"),
    ],
)
def test_spelling_and_places_change_no_hash(before: Project, tmp_path: Path, file: str, replace: str, by: str) -> None:
    assert changed(before, after(tmp_path, file, replace, by)) == set()


@pytest.mark.parametrize(
    ("file", "replace", "by"),
    [
        (FREQUENCY, "label: Lost", "label: Gone"),
        (FREQUENCY, "Buys on 26 or more of", "Buys on at least 26 of"),
        (FREQUENCY, "offer: keep_habit", "offer: win_back"),
        (FREQUENCY, "owner: crm", "owner: insights"),
        (FREQUENCY, "task: Choose", "task: Decide"),
        ("offers.yml", "Voucher for coming back", "Voucher"),
        ("privacy.yml", "seed: 100", "seed: 200"),
        ("quality.yml", "min_value: 1900", "min_value: 1000"),
        ("quality.yml", "history: {", "history: {tolerance: {mean: 0.5}, "),
        ("quality.yml", "history: {", "history: {days: {paydays: [5, 20]}, "),
        ("project.yml", "key_id: demo-1", "key_id: demo-2"),
        ("features.yml", "unit: coupons", "unit: tickets"),
        ("features.yml", "  - children_count", "  - lines_182d"),
        (WINE, "owner: crm", "owner: insights"),
        (CATEGORY, "owner: crm", "owner: insights"),
        (CATEGORY, "task: Choose", "task: Pick"),
    ],
)
def test_what_is_published_in_words_changes_only_the_whole(
    before: Project, tmp_path: Path, file: str, replace: str, by: str
) -> None:
    assert changed(before, after(tmp_path, file, replace, by)) == {"config"}


@pytest.mark.parametrize(
    ("file", "replace", "by", "whose"),
    [
        (FREQUENCY, "purchase_days_182d >= 26", "purchase_days_182d >= 27", {"segmentation.purchase_frequency"}),
        (FREQUENCY, "version: 1", "version: 2", {"segmentation.purchase_frequency"}),
        (FREQUENCY, "segment: lost", "segment: gone", {"segmentation.purchase_frequency"}),
        (FREQUENCY, "otherwise: error", "otherwise: low", {"segmentation.purchase_frequency"}),
        (RFM, "[7, 14, 28, 84]", "[7, 14, 28, 91]", {"segmentation.rfm"}),
        (RFM, "f >= 3 or m >= 3)\", description: Were good customers and stay away for a month",
         "f >= 2 or m >= 3)\", description: Were good customers and stay away for a month", {"segmentation.rfm"}),
        (STYLE, "seed: 17", "seed: 18", {"segmentation.shopping_style"}),
        (STYLE, "{feature: own_brand_share_182d, transform: none,", "{feature: own_brand_share_182d, transform: log1p,",
         {"segmentation.shopping_style"}),
        (WINE, "share: 0.1", "share: 0.2", {"audience.next_wine_buyers"}),
        (WINE, "wine_days_182d > 0", "wine_days_182d > 1", {"audience.next_wine_buyers"}),
        (CATEGORY, "of: category", "of: subcategory", {"recommendation.next_category"}),
        (CATEGORY, "'purchase'", "'redemption'", {"recommendation.next_category"}),
        (CATEGORY, "days: 364\n", "days: 182\n", {"recommendation.next_category"}),
        (CATEGORY, "holdout_days: 31", "holdout_days: 28", {"recommendation.next_category"}),
        (CATEGORY, "[repeat, new]", "[new]", {"recommendation.next_category"}),
        (CATEGORY, "top: 10", "top: 5", {"recommendation.next_category"}),
        (CATEGORY, "seed: 1", "seed: 2", {"recommendation.next_category"}),
        (CATEGORY, "alpha: 1", "alpha: 2", {"recommendation.next_category"}),
        ("kpis.yml", "purchase_days_84d > 0", "purchase_days_84d > 1", {"kpis"}),
        ("kpis.yml", "period: 364d", "period: 365d", {"kpis"}),
        ("sources/redemptions.yml", "'redemption'", "'coupon'", {"sources.redemptions"}),
        ("sources/products.yml", "Private: own", "Private: national", {"sources.products"}),
        ("sources/transactions.yml", "amount < 0", "amount <= 0", {"sources.transactions"}),
        ("sources/transactions.yml", "key: [b", "event_types: [purchase]\nkey: [b", {"sources.transactions"}),
        ("sources/transactions.yml", "append}", "append, late_days: 7}", {"sources.transactions"}),
        ("sources/transactions.yml", "several: greatest", "several: least", {"sources.transactions"}),
    ],
)  # fmt: skip
def test_another_meaning_changes_the_definition(
    before: Project, tmp_path: Path, file: str, replace: str, by: str, whose: set[str]
) -> None:
    assert changed(before, after(tmp_path, file, replace, by)) == {*whose, "config"}


def test_a_feature_changes_whatever_is_computed_from_it_however_indirectly(before: Project, tmp_path: Path) -> None:
    now = after(tmp_path, "features.yml", "of: discount_amount, where: \"event_type = 'purchase'\"",
                "of: discount_amount, where: \"event_type = 'purchase' and quantity > 0\"")  # fmt: skip

    # shopping_style uses discount_share_182d, which is computed from discount_182d; rfm uses neither
    assert changed(before, now) == {"features", "segmentation.shopping_style", "config"}


def test_a_feature_of_the_audience_patterns_changes_the_audience(before: Project, tmp_path: Path) -> None:
    now = after(tmp_path, "features.yml", "keep: 150", "keep: 100")

    assert changed(before, now) == {"features", "audience.next_wine_buyers", "config"}


def test_an_audience_changes_the_segmentations_that_name_it_and_an_audience_what_names_them(tmp_path: Path) -> None:
    folder = copy_of_grocery(tmp_path)
    change(folder / FREQUENCY, "purchase_days_182d >= 26", "audience.next_wine_buyers")
    change(folder / WINE, "wine_days_182d = 0", "rfm = 'lost'")
    named = loaded(folder)
    change(folder / RFM, "[50, 200, 600, 1500]", "[50, 200, 600, 1501]")
    assert changed(named, loaded(folder)) == {
        "segmentation.rfm", "audience.next_wine_buyers", "segmentation.purchase_frequency", "config",
    }  # fmt: skip


def test_the_order_of_segments_is_meaning_and_the_order_of_features_is_not(before: Project, tmp_path: Path) -> None:
    folder = copy_of_grocery(tmp_path)
    features = yaml.safe_load((folder / "features.yml").read_text())
    features["features"].reverse()
    (folder / "features.yml").write_text(yaml.safe_dump(features))
    assert changed(before, loaded(folder)) == set()

    frequency = yaml.safe_load((folder / FREQUENCY).read_text())
    frequency["segments"][1:3] = reversed(frequency["segments"][1:3])
    (folder / FREQUENCY).write_text(yaml.safe_dump(frequency))
    assert changed(before, loaded(folder)) == {"segmentation.purchase_frequency", "config"}


def test_the_folder_does_not_matter(before: Project, tmp_path: Path) -> None:
    folder = copy_of_grocery(tmp_path).rename(tmp_path / "elsewhere")

    assert changed(before, loaded(folder)) == set()


UNITS = """units:
  - {unit: basket, of: basket_id, where: "event_type = 'purchase'", days: 364, description: A basket}
  - {unit: shop, of: place_id, days: 364, description: A shop}
features:
  - {name: basket_spend, kind: sum, of: amount, per: basket, description: Paid}
  - {name: basket_part, kind: expression, of: "basket_spend / spend_28d", per: basket, description: Part of spend}
  - {name: shop_days, kind: active_days, per: shop, description: Days}
"""
BASKETS = """segmentation: baskets
version: 1
technique: baskets
owner: crm
task: See what baskets are for
kind: rules
per: basket
roll_up: {by: highest, without: no_basket}
segments:
  - {segment: no_basket, label: None}
  - {segment: large, label: Large, when: "basket_part >= 0.5"}
  - {segment: small, label: Small}
otherwise: small
"""


def with_units(to: Path, replace: str = "", by: str = "") -> Project:
    folder = copy_of_grocery(to)
    change(folder / "features.yml", "features:\n", UNITS)
    (folder / "segmentations/baskets.yml").write_text(BASKETS, "utf-8")
    for file in ("features.yml", "segmentations/baskets.yml"):
        text = (folder / file).read_text("utf-8")
        (folder / file).write_text(text.replace(replace, by) if replace else text, "utf-8")
    return loaded(folder)


@pytest.mark.parametrize(
    ("replace", "by", "whose"),
    [
        ("where: \"event_type = 'purchase'\", days: 364, description: A", "days: 364, description: A",
         {"units", "segmentation.baskets", "config"}),
        ("of: place_id", "of: channel", {"units", "config"}),
        ("kind: sum, of: amount, per", "kind: max, of: amount, per", {"features", "segmentation.baskets", "config"}),
        ("kind: active_days, per: shop", "kind: count, per: shop", {"features", "config"}),
        ("by: highest", "by: last", {"segmentation.baskets", "config"}),
        ("description: A basket", "description: Baskets", set()),
    ],
)  # fmt: skip
def test_a_segmentation_per_unit_follows_its_unit_its_features_and_its_roll_up(
    tmp_path: Path, replace: str, by: str, whose: set[str]
) -> None:
    assert changed(with_units(tmp_path / "before"), with_units(tmp_path / "now", replace, by)) == whose


PINNED = """segmentation: pace
version: 3
technique: rhythm
owner: crm
task: Write less often
kind: rules
base: "spend_28d > 0"
segments:
  - {segment: often, label: Often, when: "spend_28d >= 50 or previous.pace = 'often'"}
  - {segment: seldom, label: Seldom}
otherwise: seldom
"""


def test_a_hash_stays_what_it_was_for_ever(tmp_path: Path) -> None:
    """Another way to hash would make every released definition look changed, and `run` would refuse them all."""
    (tmp_path / "project.yml").write_text(HEADER)
    (tmp_path / "features.yml").write_text(FEATURES)
    for folder, name, text in (("sources", "purchases", PURCHASES), ("segmentations", "pace", PINNED)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.yml").write_text(text)
    assert load_project(tmp_path).definition_hashes["segmentation.pace"] == "c073546c671381949e7d25694a17b8dc"


CLUSTERS = """segmentation: style
version: 1
technique: clusters
owner: crm
task: See who there is
kind: clusters
clusters: 3
seed: 17
features:
  - {feature: spend_28d, transform: log1p}
"""


@pytest.mark.parametrize(
    ("replace", "by", "is_another"),
    [
        ("seed: 17", "seed: 17\nsmallest: 10", False),
        ("log1p}", "log1p, weight: 1, zeros: plain, unknown: median}", False),
        ("seed: 17", "seed: 17\nrefit: {every_days: 90}\nnames: {c1: Regulars}", False),
        ("log1p}", "log1p, high: big spenders, low: small spenders}", False),
        ("seed: 17", "seed: 17\nsmallest: 20", True),
        ("clusters: 3", "clusters: {from: 2, to: 4}", True),
        ("log1p}", "log1p, weight: 2}", True),
        ("log1p}", "log1p, zeros: apart}", True),
        ("log1p}", "log1p, unknown: zero}", True),
        ("log1p}", "rank}", True),
    ],
)
def test_a_clustering_is_another_when_its_fit_would_be(tmp_path: Path, replace: str, by: str, is_another: bool) -> None:
    found = []
    for folder, text in (("before", CLUSTERS), ("now", CLUSTERS.replace(replace, by))):
        place = tmp_path / folder
        for file, words in (
            ("project.yml", HEADER), ("features.yml", FEATURES), ("sources/purchases.yml", PURCHASES),
            ("segmentations/style.yml", text),
        ):  # fmt: skip
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_text(words)
        found.append(load_project(place).definition_hashes["segmentation.style"])
    assert (found[0] != found[1]) == is_another


@pytest.mark.parametrize(
    ("file", "replace", "by", "whose"),
    [
        ("growth_group", "growing: 0.02", "growing: 0.03", {"segmentation.growth_group"}),
        ("growth_group", "earlier: revenue_84d_earlier", "earlier: revenue_84d_before", {"segmentation.growth_group"}),
        ("niche", "share_at_most: 0.05", "share_at_most: 0.04", {"segmentation.niche"}),
        ("income", "version: 1", "version: 2",
         {"segmentation.income", "segmentation.growth_group", "segmentation.niche"}),
    ],
)  # fmt: skip
def test_what_is_measured_of_groups_is_part_of_the_meaning(
    tmp_path: Path, file: str, replace: str, by: str, whose: set[str]
) -> None:
    for part in ("grocery", "catalogue"):
        shutil.copytree(GROCERY.parent / part, tmp_path / part)
    before = loaded(tmp_path / "grocery")
    change(tmp_path / "catalogue" / f"{file}.yml", replace, by)
    assert changed(before, loaded(tmp_path / "grocery")) == {*whose, "config"}
