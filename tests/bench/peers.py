"""The same snapshot by other engines: each reads the same Parquet files and writes one Parquet file.

The definitions of project/features.yml are written once more here. Peers take the rows as they stand: corrected,
deleted and late rows, which strata looks out for, are not in the data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

WINDOWS = (28, 84, 182, 364)
MEASURES = (
    "spend", "purchases", "purchase_days", "least", "most", "units", "discount", "app_events", "calls", "web_spend",
)  # fmt: skip
MONEY = ("spend", "least", "most", "discount", "web_spend")
NULL_WITHOUT_ROWS = ("least", "most")
COLUMNS = [f"{measure}_{days}d" for measure in MEASURES for days in WINDOWS]


@dataclass(frozen=True)
class Task:
    """A snapshot to make.

    Attributes:
        files: the Parquet files of silver.events.
        as_of: the last day of the windows.
        to: the file to write.
        cores: threads to use.
        memory: bytes an engine that can be told is told to keep within; None: its own choice.
        scratch: a folder for what does not fit in memory.
    """

    files: Sequence[str]
    as_of: date
    to: Path
    cores: int
    memory: int | None
    scratch: Path


BUYS = "event_type = 'purchase'"
SQL = {
    "spend": ("sum(amount)", BUYS, "sum"),
    "purchases": ("count(*)", BUYS, "sum"),
    "purchase_days": ("count(DISTINCT event_date)", BUYS, "sum"),
    "least": ("min(amount)", BUYS, "min"),
    "most": ("max(amount)", BUYS, "max"),
    "units": ("sum(quantity)", BUYS, "sum"),
    "discount": ("sum(discount_amount)", BUYS, "sum"),
    "app_events": ("count(*)", "event_type = 'app'", "sum"),
    "calls": ("count(*)", "event_type = 'call'", "sum"),
    "web_spend": ("sum(amount)", f"{BUYS} AND channel = 'web'", "sum"),
}
"""Measure -> aggregate of events, which events, aggregate of days."""


def _filled(measure: str, aggregate: str) -> str:
    filled = aggregate if measure in NULL_WITHOUT_ROWS else f"coalesce({aggregate}, 0)"
    # The sum of whole numbers is a HUGEINT, which Parquet would make a double.
    return filled if measure in MONEY else f"({filled})::BIGINT"


def sql_in_one_step(files: Sequence[str], as_of: date) -> str:
    """One group-by with a FILTER per column: what most people write."""
    columns = [
        _filled(measure, f"{aggregate} FILTER (WHERE {where} AND event_date > DATE '{as_of}' - {days})")
        + f" AS {measure}_{days}d"
        for measure, (aggregate, where, _) in SQL.items()
        for days in WINDOWS
    ]
    return f"SELECT customer_id, {', '.join(columns)} FROM ({_year(files, as_of)}) GROUP BY customer_id"


def sql_by_day_first(files: Sequence[str], as_of: date) -> str:
    """Days first, windows from days: no DISTINCT is left, and DuckDB is faster by it."""
    daily = ", ".join(
        f"{'max(1)' if measure == 'purchase_days' else aggregate} FILTER (WHERE {where}) AS {measure}"
        for measure, (aggregate, where, _) in SQL.items()
    )
    columns = [
        _filled(measure, f"{merge}({measure}) FILTER (WHERE event_date > DATE '{as_of}' - {days})")
        + f" AS {measure}_{days}d"
        for measure, (_, _, merge) in SQL.items()
        for days in WINDOWS
    ]
    days = f"SELECT customer_id, event_date, {daily} FROM ({_year(files, as_of)}) GROUP BY customer_id, event_date"
    return f"SELECT customer_id, {', '.join(columns)} FROM ({days}) GROUP BY customer_id"


def _year(files: Sequence[str], as_of: date) -> str:
    last = f"DATE '{as_of}'"
    return f"FROM read_parquet({list(files)!r}) WHERE event_date > {last} - {max(WINDOWS)} AND event_date <= {last}"


def duckdb_in_one_step(task: Task) -> None:
    """DuckDB with `sql_in_one_step`."""
    _run_duckdb(task, sql_in_one_step(task.files, task.as_of))


def duckdb_by_day_first(task: Task) -> None:
    """DuckDB with `sql_by_day_first`."""
    _run_duckdb(task, sql_by_day_first(task.files, task.as_of))


def _run_duckdb(task: Task, query: str) -> None:
    import duckdb  # noqa: PLC0415 - a process loads only the engine it measures

    settings = {"threads": task.cores, "temp_directory": str(task.scratch)}
    if task.memory is not None:
        settings["memory_limit"] = f"{task.memory // 1024}KiB"
    with duckdb.connect(config=settings) as db:
        db.execute(f"COPY ({query}) TO '{task.to}' (FORMAT parquet, COMPRESSION zstd)")


def polars_lazy(task: Task) -> None:
    """Polars: one lazy group-by, streamed into the file. Days first would take it twice as long."""
    import polars as pl  # noqa: PLC0415

    kind, buys = pl.col("event_type"), pl.col("event_type") == "purchase"
    measures = {
        "spend": (pl.col("amount"), buys, pl.Expr.sum),
        "purchases": (kind, buys, pl.Expr.len),
        "purchase_days": (pl.col("event_date"), buys, pl.Expr.n_unique),
        "least": (pl.col("amount"), buys, pl.Expr.min),
        "most": (pl.col("amount"), buys, pl.Expr.max),
        "units": (pl.col("quantity"), buys, pl.Expr.sum),
        "discount": (pl.col("discount_amount"), buys, pl.Expr.sum),
        "app_events": (kind, kind == "app", pl.Expr.len),
        "calls": (kind, kind == "call", pl.Expr.len),
        "web_spend": (pl.col("amount"), buys & (pl.col("channel") == "web"), pl.Expr.sum),
    }
    columns = []
    for measure, (of, where, aggregate) in measures.items():
        for days in WINDOWS:
            since = pl.col("event_date") > task.as_of - timedelta(days=days)
            value = aggregate(of.filter(where & since))
            filled = value if measure in NULL_WITHOUT_ROWS else value.fill_null(0)
            columns.append(filled.alias(f"{measure}_{days}d"))
    first = task.as_of - timedelta(days=max(WINDOWS) - 1)
    events = pl.scan_parquet(task.files).filter(pl.col("event_date").is_between(first, task.as_of))
    events.group_by("customer_id").agg(columns).sink_parquet(task.to)


def pandas_groupby(task: Task) -> None:
    """Pandas as a careful person writes it: a group-by per window, money as float, words as categories."""
    import pandas as pd  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    pa.set_cpu_count(task.cores)
    read = ["customer_id", "event_date", "event_type", "channel", "quantity", "amount", "discount_amount"]
    events = pd.read_parquet(task.files, columns=read, dtype_backend="pyarrow")
    for name in ("amount", "discount_amount", "quantity"):
        events[name] = events[name].astype("float64[pyarrow]").astype("float64")
    for name in ("customer_id", "event_type", "channel"):
        events[name] = events[name].astype("category")
    events["event_date"] = pd.to_datetime(events["event_date"])
    by = {"by": "customer_id", "observed": True}
    columns = {}
    for days in WINDOWS:
        after = pd.Timestamp(task.as_of - timedelta(days=days))
        window = events[(events["event_date"] > after) & (events["event_date"] <= pd.Timestamp(task.as_of))]
        purchases = window[window["event_type"] == "purchase"]
        bought = purchases.groupby(**by)
        columns[f"spend_{days}d"] = bought["amount"].sum()
        columns[f"purchases_{days}d"] = bought.size()
        columns[f"purchase_days_{days}d"] = bought["event_date"].nunique()
        columns[f"least_{days}d"] = bought["amount"].min()
        columns[f"most_{days}d"] = bought["amount"].max()
        columns[f"units_{days}d"] = bought["quantity"].sum()
        columns[f"discount_{days}d"] = bought["discount_amount"].sum()
        columns[f"app_events_{days}d"] = window[window["event_type"] == "app"].groupby(**by).size()
        columns[f"calls_{days}d"] = window[window["event_type"] == "call"].groupby(**by).size()
        columns[f"web_spend_{days}d"] = purchases[purchases["channel"] == "web"].groupby(**by)["amount"].sum()
    of_year = events[events["event_date"] <= pd.Timestamp(task.as_of)]["customer_id"].unique()
    snapshot = pd.DataFrame(columns).reindex(of_year).rename_axis("customer_id")
    filled = [name for name in snapshot if name.rpartition("_")[0] not in NULL_WITHOUT_ROWS]
    snapshot = snapshot.fillna(dict.fromkeys(filled, 0)).reset_index()
    snapshot.astype({"customer_id": "str"}).to_parquet(task.to, compression="zstd")


PEERS: dict[str, Callable[[Task], None]] = {
    "DuckDB": duckdb_in_one_step,
    "DuckDB, days first": duckdb_by_day_first,
    "Polars": polars_lazy,
    "pandas": pandas_groupby,
}
