"""`strata explain`: reasons and ways out, worked out by hand; and a way out leads where it says."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.preview.kit import KEY, MOMENT, Stored
from tests.segments.definitions import HERE, cluster_model, customer, plain_preparation

from strata.contract.columns import Type
from strata.expression import Name, compile_expression
from strata.ingest.pseudonyms import pseudonym_of
from strata.preview.reasons import Way, in_words
from strata.preview.variants import Bound, Variant, bounds_of, distance, variants_of
from strata.project.models import Text

LONG_AGO = date(2017, 1, 1)
TYPES = {"days": Type.BIGINT, "other": Type.BIGINT, "spend": Type.MONEY, "share": Type.DOUBLE, "city": Type.STRING,
         "since": Type.DATE, "flag": Type.BOOLEAN}  # fmt: skip
NAMES = {name: Name(kind, True) for name, kind in TYPES.items()}


def buyer(days: int, since_last: int = 10, spend: str = "300.00", since_first: int = 300) -> dict[str, object]:
    return {
        "first_purchase_on": LONG_AGO, "days_since_first_purchase": since_first, "days_since_last_purchase": since_last,
        "purchase_days_182d": days, "spend_182d": Decimal(spend),
    }  # fmt: skip


def told(out: str, segmentation: str) -> list[str]:
    """What is said about a segmentation: its segment, then the lines below, the words before them left out."""
    blocks = {block.strip().split(":")[0]: block for block in out.split("\n\n")[1:]}
    return [line.replace("because", "").replace("way out", "").strip() for line in blocks[segmentation].splitlines()]


def test_the_greatest_of_features_moves_by_one_of_them(shop: Stored) -> None:
    shop.define(
        "best",
        """kind: rules
needs:
  - {name: best_index, kind: expression, of: "greatest(own_brand_share_182d, discount_share_182d)", description: Best}
segments:
  - {segment: low, label: Low, when: "best_index < 0.5 or best_index is null"}
  - {segment: own, label: Own brands, when: "own_brand_share_182d = best_index"}
  - {segment: discounts, label: Discounts}
otherwise: discounts
""",
    )
    shop.put_snapshot([{"own_brand_spend_182d": Decimal(20), "spend_182d": Decimal(80), "discount_182d": Decimal(20)}])
    said = told(shop.strata("explain", "--customer", customer(0)).out, "best")
    assert said[0] == "best: low (Low)"
    assert said[3:] == ["own_brand_share_182d 0.5 (now 0.25): own", "discount_share_182d 0.5 (now 0.2): discounts"]


def test_the_rule_its_values_and_the_two_nearest_ways_out(shop: Stored) -> None:
    shop.put_snapshot([buyer(23)])
    said = shop.strata("explain", "--customer", customer(0))
    assert said.code == 0, said.err
    assert said.out.startswith(f"customer {customer(0)}, as of 2017-12-31\n")
    assert told(said.out, "purchase_frequency") == [
        "purchase_frequency: medium (Monthly to weekly)",
        "purchase_days_182d >= 6",
        "purchase_days_182d = 23",
        "3 more purchase_days_182d (26): high",
        "18 fewer purchase_days_182d (5): low",
    ]
    # r 4 from 8 to 14 days, f 4 from 13 to 25, m 3 from 200 to 599.99
    assert told(said.out, "rfm") == [
        "rfm: loyal (Loyal)",
        "r >= 3 and f >= 4",
        "f = 4, as purchase_days_182d = 23",
        "r = 4, as days_since_last_purchase = 10",
        "300.00 more spend_182d (600.00): champions",
        "19 more days_since_last_purchase (29): at_risk",
    ]


def test_a_source_id_is_hashed_with_the_key_of_the_project(shop: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_IDENTITY_KEY", KEY)
    known = pseudonym_of("17", KEY.encode())
    shop.put_snapshot([buyer(23), {**buyer(3), "customer_id": known}])
    said = shop.strata("explain", "--customer", "17")
    assert (said.code, said.out.split(",")[0]) == (0, f"customer {known}")
    unknown = shop.strata("explain", "--customer", "18")
    assert unknown.code == 3
    assert (
        f"--customer 18: not in the base as of 2017-12-31 (looked for {pseudonym_of('18', KEY.encode())})"
        in unknown.err
    )
    assert "no source has ids like this" in shop.strata("explain", "--customer", "anna").err


def test_without_a_key_only_a_customer_id_is_found(shop: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRATA_IDENTITY_KEY", raising=False)
    shop.put_snapshot([buyer(23)])
    assert shop.strata("explain", "--customer", customer(0)).code == 0
    assert shop.strata("explain", "--customer", customer(1)).code == 3
    said = shop.strata("explain", "--customer", "17")
    assert (said.code, "there is no identity key" in said.err) == (2, True)


def test_what_never_changes_again_is_no_way_out(shop: Stored) -> None:
    shop.put_snapshot([buyer(23, since_first=90), buyer(23, since_first=92), {}])
    newcomer = told(shop.strata("explain", "--customer", customer(0)).out, "purchase_frequency")
    assert newcomer[3:] == ["1 more days_since_first_purchase (91): medium", "23 fewer purchase_days_182d (0): lost"]
    # one day too late: nobody becomes new again, although only two days are missing
    later = told(shop.strata("explain", "--customer", customer(1)).out, "purchase_frequency")
    assert [line.rpartition(": ")[2] for line in later[3:]] == ["high", "low"]
    never = told(shop.strata("explain", "--customer", customer(2)).out, "purchase_frequency")
    assert never == [
        "purchase_frequency: never (Never bought)",
        "first_purchase_on is null",
        "first_purchase_on = not known",
    ]


def test_no_count_goes_below_nothing(shop: Stored) -> None:
    shop.define("odd", 'kind: rules\nsegments:\n'
                '  - {segment: less, label: Less, when: "purchase_days_182d < 0"}\n'
                '  - {segment: debt, label: Debt, when: "spend_182d < 0"}\n'
                '  - {segment: rest, label: Rest}\notherwise: rest\n')  # fmt: skip
    shop.put_snapshot([buyer(1, spend="1.00")])
    lines = told(shop.strata("explain", "--customer", customer(0)).out, "odd")
    assert lines[2:] == ["1.01 less spend_182d (-0.01): debt"]  # returns can make a sum negative


def test_features_that_follow_from_the_changed_one_follow_it(shop: Stored) -> None:
    shop.define("value", 'kind: rules\nsegments:\n'
                '  - {segment: large, label: Large, when: "spend_per_day_182d >= 60"}\n'
                '  - {segment: small, label: Small, when: "purchase_days_182d >= 4"}\n'
                '  - {segment: rest, label: Rest}\notherwise: rest\n')  # fmt: skip
    shop.put_snapshot([buyer(5, spend="236.00")])  # 47.20 a day; on 3 days it would be 78.67, so large and not rest
    lines = told(shop.strata("explain", "--customer", customer(0)).out, "value")
    assert lines[3:] == ["spend_per_day_182d 60 (now 47.2): large", "5 fewer purchase_days_182d (0): rest"]


def test_a_cluster_says_which_centre_is_nearest_and_how_sure(shop: Stored) -> None:
    shop.only("nothing")
    shop.define("style", "kind: clusters\nclusters: 2\nseed: 1\nfeatures:\n  - {feature: purchase_days_182d}\n")
    shop.put_snapshot([buyer(3)])
    found = shop.project.definition_hashes["segmentation.style"]
    preparation = plain_preparation("purchase_days_182d")
    shop.put_model(
        cluster_model(preparation, (1,), (9,), labels=["Rare", "Often"], definition_hash=found, known_at=MOMENT)
    )
    assert told(shop.strata("explain", "--customer", customer(0)).out, "style") == [
        "style: c1 (Rare)",
        "c1 is the nearest of 2 centres, before c2: score 0.67, where 1 is at the centre and 0 on the border",
        "purchase_days_182d = 3",
    ]


@pytest.mark.parametrize(
    ("condition", "bounds"),
    [
        ("days >= 26", {("days", "CAST(26 AS bigint)")}),
        ("26 <= days", {("days", "CAST(26 AS bigint)")}),
        ("spend > 10", {("spend", "CAST(10 AS decimal(18,2))")}),
        ("spend > 0.125", {("spend", "(0.125e0)")}),
        ("city in ('a', 'b')", {("city", "'a'"), ("city", "'b'")}),
        ("days between 2 and other", {("days", "CAST(2 AS bigint)"), ("days", '"other"'), ("other", '"days"'),
                                      ("other", "CAST(2 AS bigint)")}),
        ("flag or city is null", {("flag", "true"), ("flag", "false")}),
        ("days + days > 7 or starts_with(city, 'x')", set()),
        ("(case when days > 3 then 1 else 2 end) = 2", {("days", "CAST(3 AS bigint)")}),
    ],
)  # fmt: skip
def test_comparisons_of_a_bare_feature_bound_it(condition: str, bounds: set[tuple[str, str]]) -> None:
    compiled = compile_expression(Text(condition, HERE), NAMES, Type.BOOLEAN)
    assert {(b.feature, b.against) for b in bounds_of(compiled)} == bounds


def test_values_are_one_step_of_the_type_around_the_bound() -> None:
    def values(name: str, at: object) -> list[object]:
        return [v.new for v in variants_of(Bound(name, ""), at, None, TYPES[name])]

    assert values("days", 26) == [25, 26, 27]
    assert values("days", 2.5) == [1, 2, 3, 4]
    assert values("spend", Decimal("9.99")) == [Decimal("9.98"), Decimal("9.99"), Decimal("10.00")]
    assert values("spend", 0.125) == [Decimal(x) for x in ("0.11", "0.12", "0.13", "0.14")]
    assert values("since", date(2017, 1, 1)) == [date(2016, 12, 31), date(2017, 1, 1), date(2017, 1, 2)]
    assert values("share", 0.5) == [0.49999999999999994, 0.5, 0.5000000000000001]
    assert values("city", "a") == ["a"]
    assert values("days", None) == values("days", float("inf")) == values("days", 1e300) == []


def test_nearness_is_relative_to_the_bound() -> None:
    assert distance(23, 26, 26, Type.BIGINT) == pytest.approx(3 / 26)
    assert distance(153, 0, 0, Type.BIGINT) == 153
    assert distance(Decimal(300), Decimal(600), Decimal(600), Type.MONEY) == 0.5
    assert distance(date(2017, 1, 1), date(2017, 3, 15), date(2017, 3, 15), Type.DATE) == 0.2
    assert distance(None, 7, 7, Type.BIGINT) == distance("a", "b", "b", Type.STRING) == 1


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (23, 26, "3 more x (26): to"),
        (1300, 6, "1,294 fewer x (6): to"),
        (Decimal("300.00"), Decimal("299.99"), "0.01 less x (299.99): to"),
        (date(2017, 1, 1), date(2017, 1, 3), "x 2 days later (2017-01-03): to"),
        (date(2017, 1, 1), date(2016, 12, 31), "x 1 day earlier (2016-12-31): to"),
        (0.25, 0.6000000000000001, "x above 0.6 (now 0.25): to"),
        (0.75, 0.5999999999999999, "x below 0.6 (now 0.75): to"),
        (None, 0.6, "x 0.6 (now not known): to"),
        (None, 7, "x 7 (now not known): to"),
        (False, True, "x yes (now no): to"),
        ("Kyiv", "Lviv", "x Lviv (now Kyiv): to"),
    ],
)
def test_a_way_out_in_words(old: object, new: object, words: str) -> None:
    assert in_words(Way("to", Variant("x", old, new, 1.0))) == words


@settings(max_examples=6, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(days=st.integers(0, 40), since=st.integers(0, 100), spend=st.integers(0, 200_000))
def test_a_way_out_leads_where_it_says(shop: Stored, days: int, since: int, spend: int) -> None:
    """Take the way: the customer is then in that segment, by the preview of a snapshot where it has been taken."""
    at = buyer(days, since, f"{spend / 100:.2f}")
    shop.put_snapshot([at])
    lines = told(shop.strata("explain", "--customer", customer(0)).out, "rfm")
    own = lines[0].split()[1]
    for line in (line for line in lines if line.partition(" ")[2].startswith(("more", "fewer", "less"))):
        feature = line.split()[2]
        value = line.partition("(")[2].partition(")")[0].replace(",", "")
        goal = line.rpartition(": ")[2]
        assert goal != own
        shop.put_snapshot([{**at, feature: Decimal(value) if "spend" in feature else int(value)}])
        again = told(shop.strata("explain", "--customer", customer(0)).out, "rfm")
        assert again[0].split()[1] == goal
