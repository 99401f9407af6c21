"""From those found for audiences to their members: everybody who may not be in one is taken out, and is told why.

Nobody moves up: what is refused makes room for nobody. Of several reasons the first is told, consent before all.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.audiences.consent import is_permitted
from strata.audiences.holdout import is_held_out
from strata.audiences.sample import holds
from strata.contract.columns import Type
from strata.expression import Expression, Name, compile_expression
from strata.project.audiences import Audience
from strata.project.policies import Purpose

NOT_ELIGIBLE, EXPIRED = "not eligible", "expired"
ASKED_DAYS = 84
_KNOWN, _ENTERED, _EXPIRES, _FIRST = "~known", "~entered", "~expires", "~first"


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms one audience is delivered: its purpose, and who is left out (words and condition)."""

    audience: Audience
    purpose: Purpose
    exclude: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of customers when audiences are delivered.

    Attributes:
        customers: those of the base, as of the date, with all that exclusions name.
        said: what they allow and object to (`consent.permissions`, of all purposes of the audiences).
        before: members.audience_membership of the release looked back at.
        sent: how often they were written to (`count_sent`); None: no source tells.
        rivals: audience, customer_id: members of audiences that come first; None: there is none.
    """

    customers: DataFrame
    said: DataFrame
    before: DataFrame
    sent: DataFrame | None = None
    rivals: DataFrame | None = None


def compile_terms(audience: Audience, purposes: Iterable[Purpose], names: Mapping[str, Name]) -> Terms:
    """Compile what an audience excludes.

    Raises:
        ProjectError: a condition cannot be used.
    """
    purpose = next(p for p in purposes if p.name == audience.purpose)
    exclude = tuple((text.words, compile_expression(text, names, Type.BOOLEAN)) for text in audience.exclude)
    return Terms(audience, purpose, exclude)


def count_sent(communications: DataFrame, days: Iterable[int], as_of: date) -> DataFrame:
    """How often customers were written to in the last days up to the as-of date, controls not counted.

    Args:
        communications: valid rows of silver.communications; those without a day do not count.
        days: lengths of windows, at least one.
        as_of: their last day.

    Returns:
        customer_id, and `~sent:<days>` (BIGINT) per window; only those who were written to in the longest.
    """
    age = F.date_diff(F.lit(as_of), F.col("sent_on"))
    windows = sorted(set(days))
    sent = communications.where(~F.col("is_control") & age.between(0, windows[-1] - 1))
    return sent.groupBy("customer_id").agg(*[F.count_if(age < n).alias(_sent(n)) for n in windows])


def judge(picks: DataFrame | None, terms: Sequence[Terms], facts: Facts, as_of: date) -> DataFrame:
    """Everybody found, and every member of the release before, with the reason why not to be a member.

    Who expires is out for one release, and may be found anew by the next: the membership then begins again.
    The last members are judged too, for the case that an audience is withheld: of these nobody is refused for contact
    pressure, as nothing new is to be sent.

    Args:
        picks: `selection.PICKS`, of which `place` may lack; of any of the audiences; None: nobody was found.
        terms: of all audiences, at least one.
        facts: what is known.
        as_of: the as-of date.

    Returns:
        audience, customer_id, score, origin, place, entered_on, expires_on, holdout, stale (TRUE for the last
        members), asked (whether they were written to in the last 84 days), reason (NULL: nothing is against it).
    """
    met = _beside(_everybody(picks, [t.audience.name for t in terms], facts), facts)
    entered = F.least(F.col(_ENTERED), F.lit(as_of))  # looks past NULL; a later day began no earlier membership
    met = met.withColumn(_ENTERED, entered).withColumn(_EXPIRES, _case(terms, _last_day))
    own = {name: F.col(f"~{name}") for name in ("audience", "score", "origin", "place", "stale")}
    made = {
        "entered_on": F.col(_ENTERED),
        "expires_on": F.col(_EXPIRES),
        "holdout": _case(terms, lambda t: is_held_out(t.audience.holdout, t.audience.name)),
        "asked": _times_sent(facts, ASKED_DAYS) > 0,
        "reason": _case(terms, lambda t: _refusal(t, facts, as_of)),
    }
    return met.select("customer_id", *[column.alias(name) for name, column in {**own, **made}.items()])


def count_judged(judged: DataFrame) -> DataFrame:
    """How many of those judged are refused why, held out, asked.

    Returns:
        audience, stale, reason (NULL: members), customers, holdout, asked.
    """
    sums = [F.count_if(F.col(name)).alias(name) for name in ("holdout", "asked")]
    return judged.groupBy("audience", "stale", "reason").agg(F.count("*").alias("customers"), *sums)


def _everybody(picks: DataFrame | None, names: Sequence[str], facts: Facts) -> DataFrame:
    """Picks and the last members; columns begin with ~, as no feature does."""
    last = facts.before.where(F.col("audience").isin(*names))
    parts = [last.withColumns({"place": F.col("audience_rank"), "stale": F.lit(True)})]
    if picks is not None:
        found = picks if "place" in picks.columns else picks.withColumn("place", F.lit(None).cast("bigint"))
        parts.append(found.withColumn("stale", F.lit(False)))
    kept = [F.col(name).alias(f"~{name}") for name in ("audience", "score", "origin", "place", "stale")]
    return reduce(DataFrame.unionByName, [part.select("customer_id", *kept) for part in parts])


def _beside(everybody: DataFrame, facts: Facts) -> DataFrame:
    """Everybody with what is known of them; who is not of the base any more stays, without `~known`."""
    met = everybody.join(facts.customers.withColumn(_KNOWN, F.lit(True)), "customer_id", "left")
    met = met.join(facts.said, "customer_id", "left")
    if facts.sent is not None:
        met = met.join(facts.sent, "customer_id", "left")
    if facts.rivals is not None:
        first = F.collect_set("audience").alias(_FIRST)
        met = met.join(facts.rivals.groupBy("customer_id").agg(first), "customer_id", "left")
    since = facts.before.select(
        "customer_id", F.col("audience").alias("~audience"), F.col("entered_on").alias(_ENTERED)
    )
    return met.join(since, ["customer_id", "~audience"], "left")


def _case(terms: Sequence[Terms], of: Callable[[Terms], Column]) -> Column:
    """What each audience's terms say of its own rows."""
    return F.coalesce(*[F.when(F.col("~audience") == F.lit(t.audience.name), of(t)) for t in terms])


def _last_day(terms: Terms) -> Column:
    expires = terms.audience.expires
    if expires is not None and expires.after_days is not None:
        return F.date_add(F.col(_ENTERED), expires.after_days - 1)
    return F.lit(expires.on if expires else None).cast("date")


def _refusal(terms: Terms, facts: Facts, as_of: date) -> Column:
    """Why somebody is not a member, the first reason that holds; NULL: there is none."""
    is_eligible = F.col(_KNOWN).isNotNull() & is_permitted(terms.purpose)
    reasons = [F.when(~is_eligible, F.lit(NOT_ELIGIBLE))]
    reasons += [F.when(holds(condition), F.lit(f"excluded: {words}")) for words, condition in terms.exclude]
    if (pressure := terms.audience.pressure) is not None:
        is_full = ~F.col("~stale") & (_times_sent(facts, pressure.days) >= pressure.at_most)
        reasons.append(F.when(is_full, F.lit(f"contact pressure: {pressure.at_most} in {pressure.days} days")))
    if facts.rivals is not None:
        goes = [(name, F.array_contains(F.col(_FIRST), name)) for name in terms.audience.ahead]
        reasons += [F.when(is_there, F.lit(f"goes to audience {name}")) for name, is_there in goes]
    reasons.append(F.when(F.col(_EXPIRES) < F.lit(as_of), F.lit(EXPIRED)))
    return F.coalesce(*reasons)


def _times_sent(facts: Facts, days: int) -> Column:
    return F.lit(0) if facts.sent is None else F.coalesce(F.col(f"`{_sent(days)}`"), F.lit(0))


def _sent(days: int) -> str:
    return f"~sent:{days}"
