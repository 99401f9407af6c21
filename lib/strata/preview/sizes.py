"""`strata preview`: how large segments are, and what each rule does, before anything is built."""

from collections.abc import Mapping, Sequence

from strata.console import Console
from strata.preview.evaluation import Evaluation, evaluate, segments_of_all
from strata.preview.funnel import (
    Funnel,
    Size,
    funnel_query,
    read_funnel,
    read_sizes,
    sizes_query,
    unknown_query,
)
from strata.preview.state import State
from strata.project.measures import Growth
from strata.project.models import Segmentation
from strata.project.references import declared_segments
from strata.segments.groups import Group

GROWTH = "growth: beyond the base's; shrunk: what of it is not chance, which decides; before: one period earlier"
INDEX = "index: spent per customer, where the rest spends 100; from: the lower end of its 95 % interval, which decides"


def show_sizes(state: State, console: Console) -> None:
    """One table: every segment of every segmentation."""
    evaluation = evaluate(state, state.project.segmentations)
    _say_notes(evaluation, console)
    if not evaluation.segmentations:
        return
    names = [s.name for s in evaluation.segmentations]
    query = sizes_query(segments_of_all(state, evaluation), names)
    found = state.tables.rows(query)
    base = sum(r["customers"] for r in found if r["segmentation"] == evaluation.segmentations[0].name)
    console.say(f"{state.project.name} as of {state.as_of}: {base:,} customers in the base\n")
    lines, narrower = [], []
    for segmentation in evaluation.segmentations:
        sizes = read_sizes(found, segmentation)
        split = sum(size.customers for size in sizes)
        if split < base:
            narrower.append(f"{segmentation.name} splits {split:,} of them; its shares are of these")
        lines += [
            [segmentation.name, *_words_of(size, segmentation), size.customers, _percent(size.customers, split)]
            for size in sizes
        ]
    console.table(["segmentation", "segment", "label", "customers", "share %"], lines)
    if narrower:
        console.say()
    for line in narrower:
        console.say(f"  note: {line}")


def show_segmentation(state: State, segmentation: Segmentation, console: Console) -> None:
    """A segmentation, rule by rule."""
    evaluation = evaluate(state, [segmentation])
    _say_notes(evaluation, console)
    if evaluation.missing:
        return
    (segmentation,) = evaluation.segmentations
    if segmentation.kind in ("rules", "scores"):
        _show_rules(state, segmentation, evaluation, console)
    else:
        _show_groups(state, segmentation, evaluation, console)


def _show_rules(state: State, segmentation: Segmentation, evaluation: Evaluation, console: Console) -> None:
    sql = evaluation.sql[segmentation.name]
    funnel = read_funnel(
        state.tables.rows(funnel_query(segments_of_all(state, evaluation), segmentation.name, sql))[0], sql
    )
    _say_head(state, segmentation, funnel.base, console)
    labels = {s.segment: s.label for s in segmentation.segments}
    words = {s.segment: s.when.words for s in segmentation.segments if s.when is not None}
    lines: list[list[object]] = [
        [s.segment, labels[s.segment], s.takes, _percent(s.takes, funnel.base), s.alone, s.remaining, words[s.segment]]
        for s in funnel.steps
    ]
    if segmentation.otherwise in labels:
        rest = [funnel.rest, _percent(funnel.rest, funnel.base), None, 0, "otherwise"]
        lines.append([segmentation.otherwise, labels[segmentation.otherwise], *rest])
    console.table(["segment", "label", "customers", "share %", "rule alone", "still left", "rule"], lines)
    console.say()
    _say_about_rules(segmentation, funnel, console)


def _say_about_rules(segmentation: Segmentation, funnel: Funnel, console: Console) -> None:
    share = _percent(funnel.overlap, funnel.base)
    console.say(f"  {funnel.overlap:,} customers ({share:.1f} %) fulfil more than one rule; the first takes them")
    _say_unknown(funnel.unknown, funnel.base, console)
    for step in (s for s in funnel.steps if not s.takes):
        why = f"{step.alone:,} fulfil its rule, all taken before" if step.alone else "nobody fulfils its rule"
        console.say(f"  note: `{step.segment}` takes nobody: {why}")
    if funnel.rest and segmentation.otherwise not in {s.segment for s in segmentation.segments}:
        console.say(f"  note: {funnel.rest:,} customers fulfil no rule: `otherwise: error` would close the gate")


def _show_groups(state: State, segmentation: Segmentation, evaluation: Evaluation, console: Console) -> None:
    query = segments_of_all(state, evaluation)
    sizes = read_sizes(state.tables.rows(sizes_query(query, [segmentation.name])), segmentation)
    sql = evaluation.sql[segmentation.name]
    unknown = state.tables.rows(unknown_query(query, segmentation.name, sql))[0]
    base = sum(size.customers for size in sizes)
    _say_head(state, segmentation, base, console)
    is_scored = segmentation.kind == "clusters"
    lines = [
        [*_words_of(size, segmentation), size.customers, _percent(size.customers, base), size.score][: 4 + is_scored]
        for size in sizes
    ]
    console.table(["segment", "label", "customers", "share %", "mean score"][: 4 + is_scored], lines)
    console.say()
    if segmentation.measure is not None:
        _show_measured(segmentation, state.cuts[segmentation.name].groups, console)
    _say_unknown(unknown, base, console)


def _show_measured(segmentation: Segmentation, groups: Sequence[Group], console: Console) -> None:
    """The groups as they were measured: which segment each is in, and why."""
    grow = isinstance(segmentation.measure, Growth)
    header = ["growth %", "shrunk %", "before, shrunk %"] if grow else ["index", "index from"]
    lines: list[list[object]] = []
    for group in groups:
        growth = (group.growth, group.growth_shrunk, group.growth_shrunk_before)
        index = (group.index_100, group.index_low)
        figures = [None if g is None else 100 * g for g in growth] if grow else index
        segment = group.segment or segmentation.otherwise
        value = "(not listed)" if group.value is None else group.value
        lines.append([value, segment, group.customers, 100 * group.share, *figures])
    console.table([str(segmentation.of), "segment", "customers", "share %", *header], lines)
    console.say(f"  {GROWTH if grow else INDEX}\n")


def _say_head(state: State, segmentation: Segmentation, base: int, console: Console) -> None:
    console.say(
        f"{segmentation.name}: {segmentation.kind}, version {segmentation.version},"
        f" as of {state.as_of}, {base:,} customers in the base\n"
    )


def _say_unknown(found: Mapping[str, int], base: int, console: Console) -> None:
    told = [f"{name} of {n:,} ({_percent(n, base):.1f} %)" for name, n in found.items() if n]
    known = sum(1 for n in found.values() if not n)
    console.say(f"  not known: {', '.join(told) or 'nothing'}; {known} of {len(found)} features known of everybody")


def _say_notes(evaluation: Evaluation, console: Console) -> None:
    for name, note in (*evaluation.missing.items(), *evaluation.notes.items()):
        console.say(f"note: {name}: {note}\n")


def _words_of(size: Size, segmentation: Segmentation) -> tuple[str, str]:
    labels = {s.segment: s.label for s in declared_segments(segmentation)}
    if size.segment is None:
        return "(none)", "No rule holds"
    return size.segment, labels.get(size.segment, "")


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
