"""Checks against history: what was measured now against what released dates had. Pure: numbers in, findings out.

A value is out when it lies beyond both the trend of the earlier dates and the latest three. The trend is the median of
all slopes (Theil 1950, Sen 1968), so that one bad date does not bend it; far is more than five robust standard
deviations of what the trend leaves (1.4826 x MAD, as Iglewicz & Hoaglin 1993 do; at their 3.5 a year of real days
alarms three times as often), but never less than the tolerance of the metric and what chance does to so few rows. The
latest three are compared with because a window that has just filled leaves its trend; so what holds on for three dates
is the new normal. Deequ's RelativeRateOfChange looks at the date before only, its OnlineNormal at a mean and deviation
that every outlier moves.

Gross is beyond argument: a tenth or ten times of what was usual, a segment that is gone, a column without values.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, pairwise
from statistics import median

DEVIATIONS, NORMAL = 5.0, 1.4826
TO_WARN, TO_FAIL = 3, 7
"""Earlier dates that are needed before anything is said, and before anything is called gross."""
NEAR, MOST, FEW, LATEST = timedelta(days=35), 35, 4, 3
KindOf = Callable[[date], str]
"""Which kind of days a date is of, such as a payday; empty: it is like others."""
TEN, GONE, FLOOD, FEWEST, MANY = 10.0, 0.05, 0.5, 30, 100


@dataclass(frozen=True, slots=True)
class Rule:
    """How far a metric may be from where it was expected.

    Attributes:
        relative: share of what was expected.
        absolute: in units of the metric.
        chance: what chance may do: to a share so many of its deviations, to the root of a total so much; else in units
            of what was expected (without `relative`: of the metric) for one row, less by the root of the rows.
        is_total: a number of things that come one by one.
        is_share: lies between 0 and 1, and gross by what is gone or has come; else by tens.
    """

    relative: float = 0.0
    absolute: float = 0.0
    chance: float = 0.0
    is_total: bool = False
    is_share: bool = False


RULES: Mapping[str, Rule] = {
    "row_count": Rule(relative=0.15, absolute=20, is_total=True),
    "share": Rule(absolute=0.05, chance=4, is_share=True),
    "null_share": Rule(absolute=0.05, chance=4, is_share=True),
    "mean": Rule(relative=0.25, chance=8),
    "events": Rule(relative=0.3, chance=2.2, is_total=True),
    "customers": Rule(relative=0.3, chance=2.2, is_total=True),
    "distinct": Rule(relative=0.5, chance=1.5, is_total=True),
    "hour": Rule(absolute=1.25, chance=20),
    "rejected_share": Rule(absolute=0.02, chance=4, is_share=True),
}
"""By metric; the tolerance that quality.yml may set is the absolute one of shares and hours, else the relative one."""


@dataclass(frozen=True, slots=True)
class Series:
    """One number over dates.

    Attributes:
        past: earlier dates with their values, ascending; one value a date.
        value: the new one.
        rows: how many rows it was measured on.
    """

    past: Sequence[tuple[date, float]]
    value: float
    rows: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A series held against its past: where it was expected, by which dates, and whether it is out."""

    low: float
    high: float
    dates: tuple[date, ...]
    is_out: bool
    is_gross: bool


def ordinary(_: date) -> str:
    """No date is unlike others."""
    return ""


def compare(series: Series, day: date, rule: Rule, kind_of: KindOf = ordinary) -> Finding | None:
    """Hold the newest value against the earlier ones; None while there are too few.

    Args:
        series: the values.
        day: the date of the newest.
        rule: how much is too much.
        kind_of: which dates are unlike others.
    """
    earlier = [p for p in series.past if p[0] < day]
    found = [_held_against(past, series, day, rule) for past in references(earlier, day, kind_of)]
    if not found:
        return None
    low, high = min(f.low for f in found), max(f.high for f in found)
    return Finding(low, high, found[0].dates, not low <= series.value <= high, all(f.is_gross for f in found))


def references(
    past: Sequence[tuple[date, float]], day: date, kind_of: KindOf = ordinary
) -> list[list[tuple[date, float]]]:
    """The earlier values that a date is compared with, as they would be on its weekday, or on a day of its kind.

    Those of the last five weeks; where four of these are of its weekday, or of its kind, every value is moved by how
    much weekdays and kinds differ (the difference of their medians). By fewer of its kind that is not known well: a
    value may fit either them or all others; by none nothing is said. Of dates that lie further apart, such as
    month-ends, the latest.

    Returns:
        None, one or two lists of at least three values.
    """
    recent = [p for p in past if day - p[0] <= NEAR]
    kind, likes = kind_of(day), {d: kind_of(d) or f"weekday {d.weekday()}" for d, _ in recent}
    here = kind or f"weekday {day.weekday()}"
    usual = {like: median([value for d, value in recent if likes[d] == like]) for like in likes.values()}
    alike = list(likes.values()).count(here)
    if len(recent) < TO_WARN:
        found = [list(past[-MOST:])]
    elif alike >= FEW or (kind and alike):
        moved = [(d, value - usual[likes[d]] + usual[here]) for d, value in recent]
        found = [moved] if alike >= FEW else [moved, recent]
    else:
        found = [] if kind else [[p for p in recent if not kind_of(p[0])]]
    return [values for values in found if len(values) >= TO_WARN]


def _held_against(past: Sequence[tuple[date, float]], series: Series, day: date, rule: Rule) -> Finding:
    expected, spread = _trend(past, day)
    latest = median([value for _, value in past[-LATEST:]])
    steps = min(spread, _deviation([b - a for (_, a), (_, b) in pairwise(past)]))
    off, near = _slack(rule, expected, series.rows), _slack(rule, latest, series.rows)
    low = min(expected - max(DEVIATIONS * spread, off[0]), latest - max(DEVIATIONS * steps, near[0]))
    high = max(expected + max(DEVIATIONS * spread, off[1]), latest + max(DEVIATIONS * steps, near[1]))
    is_out = not low <= series.value <= high
    usual = median([value for _, value in past])
    is_gross = is_out and len(past) >= TO_FAIL and all(_is_gross(rule, v, series) for v in (usual, latest))
    low, high = (max(low, 0.0), min(high, 1.0)) if rule.is_share else (low, high)
    return Finding(max(low, 0.0) if rule.is_total else low, high, tuple(d for d, _ in past), is_out, is_gross)


def _trend(past: Sequence[tuple[date, float]], day: date) -> tuple[float, float]:
    """Where the trend leads on `day`, and the deviation of the earlier values from it."""
    slope = median([(b[1] - a[1]) / (b[0] - a[0]).days for a, b in combinations(past, 2)])
    led = [value + slope * (day - d).days for d, value in past]
    return median(led), _deviation(led)


def _deviation(values: Sequence[float]) -> float:
    """The standard deviation of most of them."""
    middle = median(values)
    return NORMAL * median([abs(v - middle) for v in values])


def _slack(rule: Rule, expected: float, rows: float) -> tuple[float, float]:
    """How far below and above is never too far: the tolerance, and what chance does to so few rows."""
    rows = max(rows, 1.0)
    if rule.is_share:
        # A share of which none was seen may be that of one row in as many.
        p = min(max(expected, 1 / rows), 1 - 1 / rows) if rows > 1 else 0.5
        slack = max(rule.absolute, rule.chance * math.sqrt(p * (1 - p) / rows))
    elif rule.is_total:
        root = math.sqrt(max(expected, 0.0))  # of what comes by chance the root varies alike, however much it is
        least = max(rule.absolute, rule.relative * expected)
        below, above = expected - max(root - rule.chance, 0) ** 2, (root + rule.chance) ** 2 - expected
        return max(least, below), max(least, above)
    elif rule.relative:
        # Twice as much is as far as half as much.
        # A mean of fewer than a hundred is what its largest values make of it.
        times = 1 + max(rule.relative, rule.chance / math.sqrt(rows)) if rows >= MANY else TEN
        inside, outside = abs(expected) * (1 - 1 / times), abs(expected) * (times - 1)
        return (inside, outside) if expected >= 0 else (outside, inside)
    else:
        slack = max(rule.absolute, rule.chance / math.sqrt(rows))
    return slack, slack


def _is_gross(rule: Rule, usual: float, series: Series) -> bool:
    value = series.value
    if rule.is_share:
        return (usual > GONE and value == 0) or value - usual >= FLOOD
    if rule.relative == 0 or usual == 0 or max(series.rows, usual if rule.is_total else 0) < FEWEST:
        return False
    return not 1 / TEN < value / usual < TEN
