"""DuckDB and numpy prepare features alike to the last bit; Spark's part is in `test_columns`."""

import duckdb
import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.segments.random_definitions import CUTS, preparations

from strata.segments.duckdb_columns import known_sql, prepared_sql
from strata.segments.literals import quoted
from strata.segments.preparation import Preparation, prepare

FEATURES = ("spend", "wine", "visits")
VALUES = st.none() | st.sampled_from([-0.0, *CUTS, np.nan, np.inf, -np.inf, 1e100, 1.1e100, 5e-324]) | st.floats()
ROWS = st.lists(st.tuples(*(VALUES for _ in FEATURES)), min_size=40, max_size=40)


def table_of(rows: list[tuple[float | None, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table({name: pa.array(column, pa.float64()) for name, column in zip(FEATURES, columns, strict=True)})


def matrix_of(table: pa.Table) -> np.ndarray:
    """NULL as NaN."""
    return np.column_stack([table[name].to_numpy(zero_copy_only=False) for name in FEATURES]).astype(float)


def by_duckdb(table: pa.Table, preparation: Preparation) -> np.ndarray:
    known = ", ".join(f"{known_sql(name)} AS {quoted(name)}" for name in FEATURES)
    columns = ", ".join(prepared_sql(d, quoted(d.feature)) for d in preparation.dimensions)
    with duckdb.connect() as connection:
        connection.register("t", table)
        return np.array(connection.sql(f"SELECT {columns} FROM (SELECT {known} FROM t)").fetchall(), dtype=float)


@settings(deadline=None, derandomize=True, database=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(preparations(FEATURES), ROWS)
def test_duckdb_and_numpy_agree_bit_for_bit(preparation: Preparation, rows: list[tuple[float | None, ...]]) -> None:
    table = table_of(rows)
    expected = prepare(matrix_of(table), preparation)
    assert by_duckdb(table, preparation).tobytes() == expected.tobytes()
