"""The techniques on the Complete Journey: sizes known from outside, and the same rules asked of DuckDB on raw files."""

from collections.abc import Iterator

import duckdb
import polars as pl
import pytest
from tests.end_to_end.kit import Shop

pytestmark = [pytest.mark.long, pytest.mark.soak]

NOVEMBER, DECEMBER = "2017-11-30", "2017-12-31"
LIFE_STAGE = {
    "young_adult": 108, "young_family": 166, "established_family": 107, "mid_life": 108, "empty_nest": 240,
    "senior": 72, "unknown": 1_668,
}  # fmt: skip
CHRISTMAS_HOUSEHOLDS = 472


def sizes(shop: Shop, segmentation: str, day: str) -> dict[str, int]:
    rows = shop.read("members/segment_membership").filter(
        (pl.col("segmentation") == segmentation) & (pl.col("as_of_date") == pl.lit(day).str.to_date())
    )
    return dict(rows.group_by("segment").len().iter_rows())


@pytest.fixture(scope="module")
def raw(grocery: Shop) -> Iterator[duckdb.DuckDBPyConnection]:
    """`lines`: purchase lines of the 364 days up to the last day of 2017, money in cents, beside their products."""
    con = duckdb.connect()
    con.execute(f"""
        create table lines as
        select household_id as household,
               (transaction_timestamp::timestamptz at time zone 'America/New_York')::date as day,
               round(sales_value * 100)::bigint as paid, round(retail_disc * 100)::bigint as card,
               round(coupon_disc * 100)::bigint as coupon, round(coupon_match_disc * 100)::bigint as matched,
               department, brand, product_category as category, coalesce(product_type, '') as type
        from '{grocery.landing}/transactions.parquet' left join '{grocery.landing}/products.parquet' using (product_id)
        where day > date '2017-12-31' - 364""")
    yield con
    con.close()


def test_life_stages_have_the_known_sizes(grocery: Shop) -> None:
    assert sizes(grocery, "life_stage", DECEMBER) == LIFE_STAGE


def test_christmas_has_the_known_households_and_the_leads_of_whole_cents(
    grocery: Shop, raw: duckdb.DuckDBPyConnection
) -> None:
    """Early and late by integers: 221 and 97 elsewhere counted four unpaid lines as early and lost ties at 7 days."""
    early, late, middle = raw.execute("""
        with season as (
            select household, sum(paid + card + matched) as price,
                   sum((paid + card + matched) * datediff('day', day, date '2017-12-25')) as days
            from lines where day between date '2017-10-15' and date '2017-12-24'
             and (category = 'CHRISTMAS  SEASONAL' or type like '%CHRISTMAS%' or type like '%XMAS%')
            group by household)
        select count(*) filter (price > 0 and days >= 21 * price), count(*) filter (price > 0 and days <= 7 * price),
               count(*) filter (price = 0 or (days < 21 * price and days > 7 * price)) from season""").fetchall()[0]
    assert early + late + middle == CHRISTMAS_HOUSEHOLDS
    found = sizes(grocery, "christmas", DECEMBER)
    assert found == {"early": early, "late": late, "middle": middle, "none": 2_469 - CHRISTMAS_HOUSEHOLDS}
    assert abs(early - 221) <= 4
    assert abs(late - 97) <= 4


def test_key_customers_are_the_fewest_who_bring_half(grocery: Shop, raw: duckdb.DuckDBPyConnection) -> None:
    key, cooling = raw.execute("""
        with spent as (
            select household, sum(paid) as paid, coalesce(sum(paid) filter (day > date '2017-12-31' - 84), 0) as late,
                   coalesce(sum(paid) filter (day between date '2017-12-31' - 251 and date '2017-12-31' - 84), 0)
                   as before
            from lines group by household),
        ranked as (
            select *, sum(paid) over (order by paid desc, household) as reached, sum(paid) over () as total from spent)
        select count(*), count(*) filter (late / 84.0 < 0.8 * before / 168.0) from ranked
        where reached - paid < total / 2.0""").fetchall()[0]
    assert (key, cooling) == (427, 98)
    assert sizes(grocery, "value_tier", DECEMBER)["key"] == key
    assert sizes(grocery, "cooling", DECEMBER) == {
        "key_cooling": cooling, "key_steady": key - cooling, "not_key": 2_469 - key,
    }  # fmt: skip


def test_while_the_season_lasts_nobody_is_late(grocery: Shop) -> None:
    assert sizes(grocery, "christmas", NOVEMBER) == {"season_open": 2_463}


def test_benefits_are_those_that_duckdb_finds(grocery: Shop, raw: duckdb.DuckDBPyConnection) -> None:
    rows = raw.execute("""
        with shares as (
            select household, count(distinct day) as days, sum(paid) filter (g) as all_paid,
                   sum(paid) filter (category in ('FRZN MEAT/MEAT DINNERS', 'FROZEN PIZZA', 'SALAD BAR',
                       'PREPARED FOOD', 'HEAT/SERVE', 'CONVENIENT BRKFST/WHLSM SNACKS', 'FRZN BREAKFAST FOODS',
                       'VALUE ADDED FRUIT', 'SANDWICHES', 'FRZN POTATOES')) as ready,
                   sum(paid) filter (g and brand = 'Private') as own, sum(card + coupon + matched) filter (g) as saved,
                   sum(paid) filter (g and brand = 'National' and card + coupon + matched = 0) as full_price,
                   sum(paid) filter (department in ('PRODUCE', 'NUTRITION')) as healthy
            from (select *, coalesce(department not in ('FUEL', 'MISCELLANEOUS', 'COUPON'), false) as g from lines)
            group by household),
        indexed as (
            select days, (coalesce(ready, 0) / all_paid - 0.075) / 0.057 as convenience,
                   ((coalesce(own, 0) / all_paid - 0.225) / 0.104
                    + (saved / (all_paid + saved) - 0.163) / 0.057) / 2 as affordability,
                   (coalesce(full_price, 0) / all_paid - 0.419) / 0.128 as quality,
                   (coalesce(healthy, 0) / all_paid - 0.09) / 0.072 as health from shares where all_paid > 0)
        select case when days < 6 or greatest(convenience, affordability, quality, health) < 1
                    then 'no_clear_preference'
                    when convenience >= greatest(affordability, quality, health) then 'convenience'
                    when affordability >= greatest(quality, health) then 'affordability'
                    when quality >= health then 'quality' else 'health' end as benefit, count(*) from indexed group by 1
        """).fetchall()
    expected = dict(rows)
    expected["no_clear_preference"] += 2_469 - sum(expected.values())  # who bought no groceries at all
    assert sizes(grocery, "benefit_sought", DECEMBER) == expected
    assert min(expected.values()) > 200


def test_response_channels_are_those_that_duckdb_finds(grocery: Shop) -> None:
    """By the promotions of 20.9 million rows, of which 12,785 come as a second row that says where the display was."""
    con, files = duckdb.connect(), grocery.landing
    con.execute(f"""
        create table sold as
        select household_id as household, product_id, store_id, week, round(sales_value * 100)::bigint as paid,
               (transaction_timestamp::timestamptz at time zone 'America/New_York')::date as day
        from '{files}/transactions.parquet' where day > date '2017-12-31' - 364""")
    con.execute(f"""
        create table promoted as
        select product_id, store_id, week, bool_or(mailer_location <> '0') as mailer,
               bool_or(display_location <> '0') as display
        from '{files}/promotions.parquet' semi join sold using (product_id, store_id, week) group by all""")
    con.execute(f"""
        create table shares as
        select household, count(distinct day) as days, coalesce(sum(paid) filter (mailer), 0) / sum(paid) as mailer,
               coalesce(sum(paid) filter (display), 0) / sum(paid) as display, any_value(redeemed) as redeemed
        from sold left join promoted using (product_id, store_id, week) left join (
            select household_id as household, count(*) as redeemed from '{files}/coupon_redemptions.parquet'
            where redemption_date::date between date '2017-12-31' - 181 and date '2017-12-31' group by all)
            using (household)
        group by household""")
    expected = dict(con.execute("""
        select case when redeemed >= 1 then 'coupon'
                    when days < 6 or greatest((mailer - 0.157) / 0.089, (display - 0.096) / 0.056) < 1 then 'no_channel'
                    when (mailer - 0.157) / 0.089 >= (display - 0.096) / 0.056 then 'mailer_led' else 'display_led' end,
               count(*) from shares group by 1""").fetchall())  # fmt: skip
    assert sizes(grocery, "response_channel", DECEMBER) == expected
    assert min(expected.values()) > 200
    features = grocery.read("members/customer_features").filter(pl.col("as_of_date") == pl.lit(DECEMBER).str.to_date())
    for column, share in (("mailer_share_364d", "mailer"), ("display_share_364d", "display")):
        found, wanted = features[column].drop_nulls(), con.execute(f"select {share} from shares").fetchnumpy()[share]
        assert sorted(found.to_list()) == pytest.approx(sorted(wanted), abs=1e-12)


def test_groups_by_income_are_measured_as_duckdb_measures_them(grocery: Shop, raw: duckdb.DuckDBPyConnection) -> None:
    """Of the 801 households that told it; the five of 200-249K are too few, and others hide them."""
    last = "date '2017-12-31'"
    raw.execute(f"""
        create table told as
        select trim(regexp_replace(lower(income), '[^a-z0-9]+', '_', 'g'), '_') as income, household_id as household,
               coalesce(sum(paid) filter (day > {last} - 84), 0) / 100 as late,
               coalesce(sum(paid) filter (day > {last} - 168 and day <= {last} - 84), 0) / 100 as before,
               coalesce(sum(paid), 0) / 100 as year
        from '{grocery.landing}/demographics.parquet' left join lines on household = household_id group by all""")
    expected = {
        income: (customers, growth, index, low)
        for income, customers, growth, index, low in raw.execute("""
        with groups as (
            select income, count(*) as n, sum(late) / sum(before) as growth, avg(year) as mean, var_samp(year) as var
            from told group by income),
        rest as (
            select g.income, avg(year) as mean, var_samp(year) / count(*) as var
            from groups g join told t on t.income <> g.income group by g.income)
        select income, n, growth / (select sum(late) / sum(before) from told) - 1, 100 * g.mean / r.mean,
               100 * exp(ln(g.mean / r.mean) - 1.959963984540054 * sqrt(g.var / n / g.mean ** 2 + r.var / r.mean ** 2))
        from groups g join rest r using (income)""").fetchall()
    }
    rows = grocery.read("publish/segment_groups").filter(pl.col("as_of_date") == pl.lit(DECEMBER).str.to_date())
    found = {(r["segmentation"], r["group_value"]): r for r in rows.to_dicts()}
    withheld = {value for (name, value), r in found.items() if r["is_suppressed"] and name == "growth_group"}
    assert ("growth_group", "other") not in found
    assert len(withheld) == 1
    shown = sorted(expected.keys() - withheld - {"200_249k"})
    assert len(shown) == len(expected) - 2
    for value in shown:
        customers, growth, index, low = expected[value]
        grown, measured = found["growth_group", value], found["niche", value]
        assert (grown["customers"], measured["customers"]) == (customers, customers)
        assert grown["growth"] == pytest.approx(growth, abs=1e-8)
        assert abs(grown["growth_shrunk"]) <= abs(growth)
        assert grown["growth_shrunk"] * growth >= 0
        assert (measured["index_100"], measured["index_low"]) == pytest.approx((index, low), abs=1e-6)
        assert measured["segment"] == ("niche" if customers <= 0.05 * 801 and low >= 110 else "mainstream")
        limits = {"growing": grown["growth_shrunk"] >= 0.02, "shrinking": grown["growth_shrunk"] <= -0.02}
        assert grown["segment"] == next((name for name, holds in limits.items() if holds), "steady")
    assert sum(sizes(grocery, "niche", DECEMBER).values()) == 801
    assert set(sizes(grocery, "growth_group", DECEMBER)) == {"growing", "shrinking", "steady"}
