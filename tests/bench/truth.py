"""What definitions find in a generated telco, against what was planted there and what can be found at best."""

import hashlib
import hmac
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from sklearn.metrics import cohen_kappa_score
from tests.bench.bench import Bench, Goal
from tests.bench.frequency import kappa_without_luck
from tests.bench.measure import ROOT

from strata.console import Console
from strata.project.load import load_project
from strata.project.names import names_of_features

if TYPE_CHECKING:
    from strata.audiences.model import LookalikeModel
    from strata.pipeline.context import Run

TELCO = ROOT / "conf" / "telco"
STARTS_ON = date(2024, 10, 1)
DAYS = 457
"""15 months to the end of a year: two times Christmas, and a whole year behind every window."""
KEY = "7a" * 32
MINIMUM = 0.9
"""The share of the attainable kappa that a definition has to reach."""
CUSTOMERS, SEED = 2_000, 3


@dataclass(frozen=True)
class Technique:
    """Which definition finds which trait.

    Attributes:
        segmentation: the definition.
        trait: what was planted.
        meant: segment -> value of the trait, where these are called differently.
        silent: segments that say that nothing is known; their customers are counted apart.
    """

    segmentation: str
    trait: str
    meant: Mapping[str, str]
    silent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What a definition found among the customers of whom it says something.

    Attributes:
        technique: which.
        confusion: a row per planted value, a column per found one.
        kappa: of the definition against the truth.
        attainable: of the judge who knows the model, on the same customers.
        spoken: share of the base of whom the definition says something.
        aside: what else there is to say, in words.
    """

    technique: Technique
    confusion: pl.DataFrame
    kappa: float
    attainable: float
    spoken: float
    aside: str = ""

    @property
    def ratio(self) -> float:
        """The share of the attainable that is reached."""
        return self.kappa / self.attainable


TECHNIQUES = (
    Technique("purchase_frequency", "purchase_class", {"lost": "low", "new": "medium"}),
    Technique("purchase_habit", "purchase_class", {}),
    Technique("christmas", "season", {"middle": "none"}, ("season_open",)),
    Technique("message_channel", "message_channel", {}, ("no_answers",)),
    Technique("purchase_channel", "purchase_channel", {}, ("no_purchases",)),
    Technique("benefit_sought", "benefit", {}),
    Technique("life_stage", "life_stage", {"others": "family"}),
    Technique("risk_tolerance", "risk_tolerance", {}, ("not_investor",)),
    Technique("content_preference", "genre", {}, ("no_content",)),
    Technique("platform", "platform", {}, ("no_use",)),
    Technique("learning_style", "learning_style", {}, ("no_lessons",)),
    Technique("psychographic", "psychographic", {}, ("not_asked",)),
    Technique("recharge_tier", "value_tier", {}),
)


def make_world(place: Path, customers: int, seed: int, days: int = DAYS) -> None:
    """Let strata generate a world and split it as of its last day; what is there already is used.

    Args:
        place: for files and tables.
        customers: how many; the judge guesses for the first 2,000, others are not judged.
        seed: another seed is another world.
        days: from the project's first day.

    Raises:
        CalledProcessError: strata did not finish.
    """
    as_of = ("--as-of", str(last_day(days)))
    size = ("--customers", str(customers), "--days", str(days), "--seed", str(seed))
    for job, *words in (
        ("generate", *size),
        ("ingest",),
        *((job, *as_of) for job in ("features", "segments", "audiences")),
    ):
        told = [sys.executable, "-W", "ignore", "-m", "strata", job, "--project", str(TELCO), *words]
        told += ["--set", f"storage.root={place / 'warehouse'}", "--set", f"variables.landing={place / 'landing'}"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib"), "STRATA_IDENTITY_KEY": KEY}
        subprocess.run(told, check=True, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)


def last_day(days: int = DAYS) -> date:
    """The last generated day."""
    return STARTS_ON + timedelta(days=days - 1)


@dataclass(frozen=True)
class Likeness:
    """A look-alike against the truth: how many were returned and could be, and of each how many are what was sought."""

    members: int
    members_meant: int
    candidates: int
    candidates_meant: int

    @property
    def lift(self) -> float:
        """Share of those meant among the members over that among the candidates."""
        return (self.members_meant / self.members) / (self.candidates_meant / self.candidates)


def likeness(place: Path) -> Likeness:
    """Who seeks health by what they buy, learned from a survey: of those whom no survey has asked.

    They are picked by the model of `health_minded`, whether or not that was sure enough to be published.
    """
    truth = pl.read_parquet(f"{place}/landing-truth/customers/*.parquet")
    meant = truth.select(_ids(truth), is_meant=pl.col("benefit") == "health")
    with _session(place) as run:
        model, candidates = _learned(run)
    values = candidates.select(pl.col(model.features).cast(pl.Float64)).to_numpy()
    scored = candidates.select("customer_id").with_columns(score=-model.score(values)).join(meant, "customer_id")
    picked = scored.sort("score", "customer_id").head(round(0.2 * len(scored)))
    return Likeness(len(picked), picked["is_meant"].sum(), len(scored), scored["is_meant"].sum())


@contextmanager
def _session(place: Path) -> "Iterator[Run]":
    from strata.pipeline.start import start_run  # noqa: PLC0415 - only this needs a JVM

    project = load_project(TELCO, {"storage.root": f"{place}/warehouse", "variables.landing": f"{place}/landing"})
    moment = datetime.combine(last_day(), time(), UTC)
    run = start_run(project, lambda: moment, Console(sys.stderr), os.getpid())
    yield run
    run.lakehouse.spark.stop()


def _learned(run: "Run") -> "tuple[LookalikeModel, pl.DataFrame]":
    """The model of health_minded, and its candidates: customer_id and what it reads."""
    from strata.pipeline.context import aim  # noqa: PLC0415
    from strata.pipeline.customers import read_customers  # noqa: PLC0415
    from strata.pipeline.found import Customers  # noqa: PLC0415
    from strata.pipeline.ingest import read_books  # noqa: PLC0415
    from strata.pipeline.lookalikes import find_lookalikes  # noqa: PLC0415

    target = aim(run, last_day(), max(b["ingested_at"] for b in read_books(run.lakehouse)))
    customers = Customers(read_customers(run, target, back=True), names_of_features(run.project))
    (audience,) = (a for a in run.project.audiences if a.name == "health_minded")
    (found,) = find_lookalikes(run, target, [audience], customers, {})
    if found.learned is None or found.learned.model is None:
        raise ValueError(f"health_minded has no model: {found.withheld}")
    model = found.learned.model
    candidates = customers.as_of(target.as_of).where("surveys_728d = 0").select("customer_id", *model.features)
    return model, pl.DataFrame(pl.from_arrow(candidates.toArrow()))


def judged(place: Path) -> pl.DataFrame:
    """Customers of the base for whom the judge has guessed: `customer_id`, per trait `<trait>` and `<trait>_guess`."""
    truth = pl.read_parquet(f"{place}/landing-truth/customers/*.parquet")
    guesses = pl.read_parquet(f"{place}/landing-truth/guesses/*.parquet")
    return truth.with_columns(_ids(truth)).join(guesses, "customer", suffix="_guess")


def _ids(truth: pl.DataFrame) -> pl.Series:
    key = bytes.fromhex(KEY)
    ids = [hmac.new(key, str(number).encode(), hashlib.sha256).hexdigest()[:32] for number in truth["msisdn"]]
    return pl.Series("customer_id", ids)


def verdicts(place: Path) -> Iterator[Verdict]:
    """What every technique found, in their order."""
    known = judged(place)
    found = pl.read_delta(f"{place}/warehouse/staging/segment_membership").select(
        "as_of_date", "customer_id", "segmentation", "segment"
    )
    for technique in TECHNIQUES:
        segments = found.filter(segmentation=technique.segmentation)
        if len(segments):
            yield _verdict(technique, segments.join(known, "customer_id"))


def _verdict(technique: Technique, base: pl.DataFrame) -> Verdict:
    spoken = base.filter(~pl.col("segment").is_in(technique.silent))
    spoken = spoken.with_columns(pl.col("segment").replace(technique.meant).alias("found"))
    planted, guessed = spoken[technique.trait], spoken[f"{technique.trait}_guess"]
    table = spoken.pivot("found", index=technique.trait, values="customer_id", aggregate_function="len")
    ordered = table.select(technique.trait, *sorted(set(table.columns) - {technique.trait})).sort(technique.trait)
    return Verdict(
        technique, ordered.fill_null(0), float(cohen_kappa_score(planted, spoken["found"])),
        float(cohen_kappa_score(planted, guessed)), len(spoken) / len(base),
        _luck_aside(spoken) if technique.segmentation == "purchase_frequency" else "",
    )  # fmt: skip


def _luck_aside(people: pl.DataFrame) -> str:
    """What the contract's cuts reach on expected days: on the last day, and before the presents of the last season."""
    as_of: date = people["as_of_date"].max()
    before = date(as_of.year, 10, 31)
    now, then = (kappa_without_luck(people, STARTS_ON, day) for day in (as_of, before))
    return (
        f"The contract's cuts, on the days that were to be expected of each instead of those counted: kappa {now:.3f};"
        f" as of {before}, without presents in the window: {then:.3f}."
    )


def compare_with_truth(bench: Bench, to: Path) -> None:
    """(t) Techniques against the truth, in a world of their own; `to`: where the confusion tables are written."""
    place = bench.folder / f"telco-{CUSTOMERS}-{DAYS}-{SEED}"
    bench.tell(f"(t) {CUSTOMERS:,} subscribers on {DAYS} days")
    make_world(place, CUSTOMERS, SEED)
    found = list(verdicts(place))
    to.write_text("\n\n".join([_HEAD, *map(describe, found)]) + "\n", encoding="utf-8")
    for verdict in found:
        what = f"{verdict.technique.segmentation}: kappa against the attainable one"
        said = f"{verdict.kappa:.3f} / {verdict.attainable:.3f} = {verdict.ratio:.2f}"
        bench.goals.append(Goal("t", 0, what, said, f"≥ {MINIMUM}", verdict.ratio >= MINIMUM))
        bench.tell(f"  t {what}: {said} (goal ≥ {MINIMUM})\n{describe(verdict)}")


_HEAD = f"""\
# Techniques against the truth

conf/telco, {CUSTOMERS:,} subscribers on {DAYS} days, seed {SEED}; definitions as of the last day. Rows are what was
planted, columns what the definition says, over the subscribers of the base of whom it says something.
Attainable is the kappa of a judge who knows every table of the generator and sees all days, on the same subscribers."""


def describe(verdict: Verdict) -> str:
    """A verdict as Markdown: the figures, then the confusion table."""
    table, name = verdict.confusion, verdict.technique.segmentation
    found = [c for c in table.columns if c != verdict.technique.trait]
    rows = [[str(row[c]) for c in table.columns] for row in table.to_dicts()]
    lines = [["planted", *found], ["---", *("---:" for _ in found)], *rows]
    figures = (
        f"kappa {verdict.kappa:.3f}, attainable {verdict.attainable:.3f}, ratio {verdict.ratio:.2f};"
        f" says something of {verdict.spoken:.0%}"
    )
    said = [figures, verdict.aside] if verdict.aside else [figures]
    return "\n".join([f"## {name}", "", *said, "", *("| " + " | ".join(line) + " |" for line in lines)])
