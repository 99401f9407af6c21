"""`strata explain`: the segments of one customer, what put it there, and what would put it elsewhere."""

from collections.abc import Callable, Sequence
from typing import Any

from strata.console import Console
from strata.errors import InputError
from strata.expression import compile_expression
from strata.ingest.pseudonyms import possible_ids, pseudonym_of
from strata.preview.audience_explanation import outcomes_of, say_audience, ways_of_audience
from strata.preview.audience_reasons import bounds_of_audience
from strata.preview.evaluation import Evaluation, evaluate
from strata.preview.reasons import (
    WAYS_SHOWN,
    Way,
    all_bounds,
    all_variants,
    extremes_among,
    in_words,
    rule_that_held,
    shown,
    ways_out,
)
from strata.preview.state import State
from strata.preview.variants import PLACE, Bound, Variant, variants_query
from strata.project.models import Segmentation
from strata.project.names import names_of_scores
from strata.project.references import declared_segments, key_of
from strata.segments.duckdb import base_column, helper, layered, score_column
from strata.segments.literals import quoted
from strata.storage.local import Row

HEX_DIGITS, ID_LENGTH = frozenset("0123456789abcdef"), 32


def show_explanation(state: State, written: str, read_key: Callable[[], bytes], console: Console) -> None:
    """Every segmentation and every audience of one customer.

    Args:
        state: what is stored.
        written: an id of the source, or 32 hex digits of a customer id.
        read_key: the identity key, asked for only when it is needed.
        console: where to say it.

    Raises:
        InputError: nobody of this id is in the base.
    """
    customer_id = find_customer(state, written, read_key)
    evaluation = evaluate(state, state.project.segmentations, audiences=state.project.audiences, beside=customer_id)
    rows, variants = _rows(state, evaluation, customer_id)
    console.say(f"customer {customer_id}, as of {state.as_of}")
    for segmentation in evaluation.segmentations:
        _say(segmentation, evaluation, rows[0], console)
        # what moves somebody to another centre is no literal that a person has written
        ways = () if segmentation.kind in ("clusters", "attribute") else ways_out(segmentation.name, rows, variants)
        _say_ways("way out" if rows[0][base_column(segmentation.name)] else "way in", ways, console)
    for audience in evaluation.asked_audiences:
        say_audience(state, evaluation, audience, rows[0], console)
        _say_ways(*ways_of_audience(audience, rows, variants), console)
    for name, why in evaluation.missing.items():
        console.say(f"\n  {name}: {why}")


def _say_ways(word: str, ways: Sequence[Way], console: Console) -> None:
    for place, way in enumerate(ways[:WAYS_SHOWN]):
        console.say(f"    {'' if place else word:<9}{in_words(way)}")


def find_customer(state: State, written: str, read_key: Callable[[], bytes]) -> str:
    """The customer id that a person means.

    Raises:
        ProjectError: it takes the identity key to know, and there is none.
        InputError: nobody of this id is in the base.
    """
    looks_hashed = len(written) == ID_LENGTH and set(written) <= HEX_DIGITS
    possible = [written] if looks_hashed else []
    if not looks_hashed:
        key = read_key()
        possible = [pseudonym_of(text, key) for text in possible_ids(state.project.sources, written)]
    for customer_id in possible:
        if state.tables.rows(f"SELECT 1 FROM {state.customers([], customer_id)}"):
            return customer_id
    found = f"looked for {', '.join(possible)}" if possible else "no source has ids like this"
    raise InputError(
        f"--customer {written}: not in the base as of {state.as_of} ({found});"
        " expected an id as the sources deliver it, made with this identity key, or 32 hex digits of a customer_id"
    )


def _rows(state: State, evaluation: Evaluation, customer_id: str) -> tuple[list[Row], tuple[Variant, ...]]:
    """The customer as it is, and once per variant, with all features, helpers and segments."""
    features = evaluation.features
    customer = state.customers(features.stored, customer_id)
    extremes = extremes_among(state.project.features, state.names)
    of_audiences = [
        bound
        for audience in evaluation.asked_audiences
        for bound in bounds_of_audience(audience, evaluation.audiences[key_of(audience)], evaluation.names)
    ]
    bounds = all_bounds(evaluation.segmentations, evaluation.names, state.names.keys(), extremes, of_audiences)
    as_it_is = f"({layered(customer, features.layers)})"
    row = state.tables.rows(f"SELECT * FROM {as_it_is}")[0]
    variants = all_variants(bounds, _values(state, as_it_is, bounds), row, state.project.features, state.names)
    kinds = {variant.feature: state.names[variant.feature].type for variant in variants}
    query = evaluation.over(f"({variants_query(customer, features.layers, variants, kinds)})")
    query = layered(f"({query})", [outcomes_of(evaluation)])
    return state.tables.rows(f"SELECT * FROM ({query}) ORDER BY {PLACE}"), variants


def _values(state: State, customer: str, bounds: Sequence[Bound]) -> list[Any]:
    if not bounds:
        return []
    listed = ", ".join(f"{bound.against} AS {quoted(str(place))}" for place, bound in enumerate(bounds))
    return list(state.tables.rows(f"SELECT {listed} FROM {customer}")[0].values())


def _say(segmentation: Segmentation, evaluation: Evaluation, row: Row, console: Console) -> None:
    segment = row[segmentation.name]
    if not row[base_column(segmentation.name)]:
        console.say(f"\n  {segmentation.name}: not in its base")
        return
    labels = {s.segment: s.label for s in declared_segments(segmentation)}
    label = f" ({labels[segment]})" if segment in labels else ""
    console.say(f"\n  {segmentation.name}: {segment or 'no segment'}{label}")
    why = {"clusters": _of_clusters, "attribute": _of_attribute}.get(segmentation.kind, _of_rules)
    for place, line in enumerate(why(segmentation, evaluation, row)):
        console.say(f"    {'' if place else 'because':<9}{line}")


def _of_attribute(segmentation: Segmentation, _: Evaluation, row: Row) -> list[str]:
    why = [f"{segmentation.of} = {shown(row[str(segmentation.of)])}"]
    return [*why, f"strata preview {segmentation.name} shows what was measured"] if segmentation.measure else why


def _of_clusters(segmentation: Segmentation, evaluation: Evaluation, row: Row) -> list[str]:
    ranked, score = row[helper(segmentation, "centres")], row[score_column(segmentation.name)]
    own, *others = (segmentation.segments[each["index"] - 1].segment for each in ranked)
    nearest = f"{own} is the nearest of {len(ranked)} centres"
    if score is not None:
        nearest += f", before {others[0]}: score {score:.2f}, where 1 is at the centre and 0 on the border"
    return [nearest, *(f"{name} = {shown(row[name])}" for name in sorted(evaluation.sql[segmentation.name].reads))]


def _of_rules(segmentation: Segmentation, evaluation: Evaluation, row: Row) -> list[str]:
    held = rule_that_held(segmentation, evaluation.sql[segmentation.name].rules, row)
    if held is None or held.when is None:
        return ["no rule holds"]
    cut = {s.score: s for s in segmentation.scores}
    names = names_of_scores(segmentation, evaluation.names) if cut else evaluation.names
    values = []
    for name in sorted(compile_expression(held.when, names).names):
        if name in cut:
            score = shown(row[helper(segmentation, name)])
            values.append(f"{name} = {score}, as {cut[name].of} = {shown(row[cut[name].of])}")
        else:
            values.append(f"{name} = {shown(row[name])}")
    return [held.when.words, *values]
