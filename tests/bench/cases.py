"""What is compared, one function per row of the issue: (a) to (g); the others in clustering.py and likeness.py."""

from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise
from math import log10
from pathlib import Path

from tests.bench import thirty
from tests.bench.bench import CHECKED_BY, CUSTOMERS, STRATA, Bench, Failed, Figure, ratio
from tests.bench.clustering import compare_choice, compare_nearest
from tests.bench.data import DAY_AFTER, DAY_BEFORE, LAST_DAY, MONTH_ENDS
from tests.bench.likeness import compare_categories, compare_lookalikes
from tests.bench.lookups import compare_lookups
from tests.bench.measure import GIB, Answer
from tests.bench.peers import PEERS
from tests.bench.quality import compare_quality

OF_DUCKDB, FEWER_READ, EMPTY_DAY, FLAT, TWO_CORES, PER_DECADE, TWELVE = 2.5, 20.0, 20.0, 1.15, 1.7, 10.5, 6.0
REFRESH = {50_000_000: 3.0, 500_000_000: 12.0}
"""Events -> how many times faster a refresh has to be than building all."""


def compare_with_peers(bench: Bench, events: int) -> None:
    """(a) The full snapshot: strata and the peers in turn; before that each peer's snapshot against strata's."""
    place, to = bench.tables(events), bench.work / "checked"
    bench.build(place, [[LAST_DAY]], 2, to=to)
    answers: dict[str, list[Answer]] = {STRATA: []}
    for peer in PEERS:
        answers[peer] = [failed] if (failed := bench.check(to, events, [LAST_DAY], peer)) else []
    for _ in range(bench.repeats):
        answers[STRATA].append(bench.build(place, [[LAST_DAY]], 2, turns=2))
        for peer in PEERS:
            if not any(answer.failed for answer in answers[peer]):
                answers[peer].append(bench.ask(peer, events, turns=2))
    figures = {name: bench.keep_turns("a", events, name, found) for name, found in answers.items()}
    for turn in ("cold", "warm"):
        _judge_snapshot(bench, events, turn, {name: found[turn] for name, found in figures.items()})


def _judge_snapshot(bench: Bench, events: int, turn: str, figures: dict[str, Figure]) -> None:
    ours = figures[STRATA].median
    finished = {name: figure.median for name, figure in figures.items() if not figure.failed and name != STRATA}
    ducks = {name: seconds for name, seconds in finished.items() if name.startswith("DuckDB")}
    if ducks:
        best = min(ducks, key=lambda name: ducks[name])
        found = ratio(ours, ducks[best])
        what = f"full snapshot, {turn}: strata against the faster of the two ({best})"
        bench.judge("a", events, what, found, f"≤ {OF_DUCKDB}×", ours <= OF_DUCKDB * ducks[best])
    for name, seconds in ducks.items():
        if name != best:
            bench.judge("a", events, f"full snapshot, {turn}: strata against {name}", ratio(ours, seconds))
    for peer in ("pandas", "Polars"):
        if peer in finished:
            found = ratio(ours, finished[peer])
        else:
            found = f"{ours:.1f} s; {peer} does not finish: {figures[peer].failed}"
        ahead = peer not in finished or ours < finished[peer]
        wanted, met = ("< 1×", ahead) if peer == "pandas" else ("", None)
        bench.judge("a", events, f"full snapshot, {turn}: strata against {peer}", found, wanted, met)


def compare_refresh(bench: Bench, events: int) -> None:
    """(b) One day on 363 days, against building all 364; and a day without an event."""
    place, before, after = bench.tables(events), bench.work / "before", bench.work / "after"
    bench.build(place, [[DAY_BEFORE]], 1, to=before)
    refreshed = bench.build(before, [[LAST_DAY]], 2, to=after, log=True)
    _require_checked(bench, after, events, [LAST_DAY])
    full = bench.build(place, [[LAST_DAY]], 2, log=True)
    for name in ("rows", "bytes"):
        read, of = refreshed.reads[name], full.reads[name]
        found = f"{of:,} / {read:,} = {of / max(read, 1):.0f}×"
        what = f"{name} of events read: all 364 days against one day"
        bench.judge("b", events, what, found, f"≥ {FEWER_READ:.0f}×", of >= FEWER_READ * read)
    answers: dict[str, list[Answer]] = {"all 364 days": [], "one day": []}
    empty = []
    for _ in range(bench.repeats):
        answers["all 364 days"].append(bench.build(place, [[LAST_DAY]], 2, turns=2))
        answers["one day"].append(bench.build(before, [[LAST_DAY]], 2, turns=2))
        empty.append(bench.build(after, [[DAY_AFTER]], 3).whole)
    figures = {name: bench.keep_turns("b", events, name, found) for name, found in answers.items()}
    for turn in ("cold", "warm"):
        goal = REFRESH.get(events) if turn == "warm" else None
        whole, day = figures["all 364 days"][turn].median, figures["one day"][turn].median
        found, wanted = ratio(whole, day), f"≥ {goal:.0f}×" if goal else ""
        met = whole >= goal * day if goal else None
        bench.judge("b", events, f"wall, {turn}: all 364 days against one day", found, wanted, met)
    seconds = bench.keep(Figure("b", events, "an empty day, process with start-up", "s", tuple(empty))).median
    what = "an empty day, process with start-up"
    bench.judge("b", events, what, f"{seconds:.1f} s", f"< {EMPTY_DAY:.0f} s", seconds < EMPTY_DAY)


def measure_memory(bench: Bench, events: int) -> None:
    """(c) Peak memory with a heap of 4 GiB, and which peers finish within what strata took."""
    place = bench.tables(events)
    ours = [bench.build(place, [[LAST_DAY]], 2).peak for _ in range(bench.repeats)]
    bench.keep(Figure("c", events, f"{STRATA}, peak memory", "bytes", tuple(ours)))
    limit = max(ours)
    for peer in PEERS:
        answer = bench.ask(peer, events, limit=limit)
        found = f"does not finish: {answer.failed}" if answer.failed else f"finishes, peak {answer.peak / GIB:.2f} GiB"
        what = f"{peer} within what strata took at most ({limit / GIB:.2f} GiB)"
        bench.judge("c", events, what, found)


def compare_cores(bench: Bench, events: int) -> None:
    """(d) One core against two: processes bound to as many, master local[1] and local[2]."""
    place = bench.tables(events)
    answers: dict[int, list[Answer]] = {1: [], 2: []}
    for _ in range(bench.repeats):
        for cores, found in answers.items():
            found.append(bench.build(place, [[LAST_DAY]], 2, turns=2, cores=cores))
    figures = {n: bench.keep_turns("d", events, f"cores: {n}", found) for n, found in answers.items()}
    for turn in ("cold", "warm"):
        one, two = figures[1][turn].median, figures[2][turn].median
        found = ratio(one, two)
        what = f"full snapshot, {turn}: 1 core against 2"
        bench.judge("d", events, what, found, f"≥ {TWO_CORES}×", one >= TWO_CORES * two)


def compare_month_ends(bench: Bench, events: int) -> None:
    """(f) Twelve month-ends by one call, against twelve processes and twelve calls, each from events on.

    The twelve share tables: the first makes the tiles, the others find them, as twelve runs of the job would.
    """
    place, apart = bench.tables(events), bench.work / "apart"
    bench.build(place, [MONTH_ENDS], 2, to=apart)
    _require_checked(bench, apart, events, MONTH_ENDS)
    together: list[Answer] = []
    processes, calls = [], []
    for _ in range(bench.repeats):
        together.append(bench.build(place, [MONTH_ENDS], 2))
        processes.append(sum(answer.whole for answer in _twelve_processes(bench, place, apart)))
        calls.append(bench.build(place, [[day] for day in MONTH_ENDS], 2).seconds[0])
    measured = {
        "one process, one call, with start-up": [answer.whole for answer in together],
        "twelve processes, with start-up": processes,
        "one call": [answer.seconds[0] for answer in together],
        "twelve calls in one process": calls,
    }
    one, many, one_call, many_calls = (
        bench.keep(Figure("f", events, f"twelve month-ends: {what}", "s", tuple(values))).median
        for what, values in measured.items()
    )
    for what, apart_s, together_s in (("processes", many, one), ("calls in one process", many_calls, one_call)):
        found = ratio(apart_s, together_s)
        met = apart_s >= TWELVE * together_s
        said = f"twelve {what} against one for twelve month-ends"
        bench.judge("f", events, said, found, f"≥ {TWELVE:.0f}×", met)


def _twelve_processes(bench: Bench, place: Path, to: Path) -> list[Answer]:
    first = bench.build(place, [MONTH_ENDS[:1]], 2, to=to)
    return [first, *(bench.build(to, [[day]], 2, to=to) for day in MONTH_ENDS[1:])]


def compare_segmentations(bench: Bench, events: int) -> None:
    """(g) Thirty segmentations by rules of a million customers, as columns, against one DuckDB query; then as rows."""
    customers = min(events, CUSTOMERS)
    place = bench.work / f"snapshot-{customers}.parquet"
    thirty.make_snapshot(place, customers)
    shapes = {"wide": STRATA, "duckdb": "DuckDB", "long": f"{STRATA}, a row each"}
    answers: dict[str, list[Answer]] = {shape: [] for shape in shapes}
    for _ in range(bench.repeats):
        for shape, found in answers.items():
            found.append(bench.assign(place, bench.work / f"{shape}.parquet", shape))
    agreed = thirty.require_equal(bench.work / "wide.parquet", bench.work / "duckdb.parquet")
    bench.tell(f"    strata and DuckDB agree on {agreed:,} customers")
    figures = {shape: bench.keep_turns("g", events, shapes[shape], found) for shape, found in answers.items()}
    for turn in ("cold", "warm"):
        ours, theirs, rows = (figures[shape][turn].median for shape in ("wide", "duckdb", "long"))
        met = ours <= OF_DUCKDB * theirs if turn == "warm" else None
        wanted = f"≤ {OF_DUCKDB}×" if turn == "warm" else ""
        bench.judge("g", events, f"30 segmentations as columns, {turn}", ratio(ours, theirs), wanted, met)
        bench.judge("g", events, f"30 segmentations as rows, {turn}", f"{rows:.1f} s")


def compare_sizes(bench: Bench) -> None:
    """(e) Cost per ten times the data, from (a); and of (c) whether memory is flat."""
    for turn in ("cold", "warm"):
        for small, large in _neighbours(bench, "a", f"{STRATA}, {turn}"):
            per_decade = (large.median / small.median) ** (1 / log10(large.events / small.events))
            found = f"{small.median:.1f} s to {large.median:.1f} s = {per_decade:.2f}× per decade"
            what = f"full snapshot, {turn}: from {small.events:,} events"
            bench.judge("e", large.events, what, found, f"≤ {PER_DECADE}×", per_decade <= PER_DECADE)
    for small, large in _neighbours(bench, "c", f"{STRATA}, peak memory"):
        low, high = sorted((small.median, large.median))
        found = f"{small.median / GIB:.2f} GiB to {large.median / GIB:.2f} GiB = {high / low:.2f}×"
        what = f"peak memory: from {small.events:,} events"
        bench.judge("c", large.events, what, found, f"≤ {FLAT}×", high <= FLAT * low)


def _require_checked(bench: Bench, root: Path, events: int, dates: Sequence[date]) -> None:
    """Compare with DuckDB, or say that nothing could be compared with."""
    if failed := bench.check(root, events, dates):
        raise Failed(f"{CHECKED_BY}, which results are compared with: {failed.failed}")


def _neighbours(bench: Bench, case: str, what: str) -> Sequence[tuple[Figure, Figure]]:
    sizes = sorted((f for f in bench.figures if (f.case, f.what) == (case, what)), key=lambda figure: figure.events)
    return list(pairwise(sizes))


CASES: dict[str, Callable[[Bench, int], None]] = {
    "a": compare_with_peers,
    "b": compare_refresh,
    "c": measure_memory,
    "d": compare_cores,
    "f": compare_month_ends,
    "g": compare_segmentations,
    "j": compare_categories,
    "k": compare_choice,
    "l": compare_lookalikes,
    "n": compare_nearest,
    "q": compare_quality,
    "r": compare_lookups,
}
"""By letter; (e) follows from (a) of several sizes."""
