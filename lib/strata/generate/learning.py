"""Lessons: subjects, formats and levels, by how people learn and what they can already."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.generate.catalogue import LEVELS
from strata.generate.days import by_date, ids, moment, record_id, waking_second
from strata.generate.draws import Dice, place_of
from strata.generate.people import fading, phone_number
from strata.generate.traits import LEARNING_STYLE, SKILLS, SUBJECTS, Mix, Trait, leaning
from strata.generate.world import World, weekday_factor

LEARNERS = 35
"""Percent of the customers who take lessons."""
_FORMAT = dict(LEARNING_STYLE.shares)
FORMATS = Mix("format", LEARNING_STYLE, _FORMAT, {f: leaning(_FORMAT, {f: 84}) for f in LEARNING_STYLE.values})
_LEVEL = {"beginner": 45, "intermediate": 35, "advanced": 20}
TAKEN_LEVELS = Mix(
    "level",
    Trait("skill", next(iter(SKILLS.values())).shares),
    _LEVEL,
    {
        "beginner": {"beginner": 85, "intermediate": 13, "advanced": 2},
        "intermediate": {"beginner": 14, "intermediate": 76, "advanced": 10},
        "advanced": {"beginner": 4, "intermediate": 20, "advanced": 76},
    },
)
"""By the person's skill in the subject of the lesson."""
COMPLETED = {True: 45, False: 82}
"""Percent of lessons that are finished: above one's own level, and up to it."""
_SUBJECT = dict(zip(SUBJECTS, (50, 28, 22), strict=True))
_PER_DAY = 0.3
_WEEK = (1.15, 1.1, 1.1, 1.0, 0.7, 0.9, 1.05)


def taught(days: DataFrame, world: World) -> DataFrame:
    """A row per lesson, at most one a day: `subject`, `format`, `level`, `is_completed`."""
    dice, who = Dice(world.seed), (F.col("customer"), F.col("day"))
    rate = by_date(world, lambda day: _PER_DAY * weekday_factor(day, _WEEK)) * fading()
    learners = days.filter(dice.chance("learns", LEARNERS, F.col("customer")))
    rows = learners.filter(dice.uniform("lesson", *who) < rate).withColumn("i", F.lit(1))
    rows = rows.withColumn("subject", dice.symbol("subject", _SUBJECT, *ids()))
    rows = rows.withColumn("format", dice.mixed(FORMATS, *ids()))
    skill = {"skill": _of_subject(""), "skill_strength": _of_subject("_strength")}
    rows = rows.withColumns(skill).withColumn("level", dice.mixed(TAKEN_LEVELS, *ids()))
    is_above = place_of(LEVELS, F.col("level")) > F.col("skill")
    above, within = (dice.chance("completed", COMPLETED[above], *ids()) for above in (True, False))
    return rows.withColumn("is_completed", F.when(is_above, above).otherwise(within))


def _of_subject(suffix: str) -> Column:
    """The person's skill in the subject of the row, or its strength."""
    chosen = F.lit(None)
    for subject, skill in SKILLS.items():
        chosen = F.when(F.col("subject") == subject, F.col(f"{skill.name}{suffix}")).otherwise(chosen)
    return chosen


def raw(lessons: DataFrame, world: World) -> DataFrame:
    """The log of the lessons."""
    dice = Dice(world.seed)
    return lessons.select(
        "day",
        record_id().alias("attempt_id"),
        phone_number(F.col("customer")).alias("msisdn"),
        moment(world, waking_second(dice, "lesson")).alias("began_at"),
        F.concat_ws("-", F.lit("L"), "subject", "level", "format").alias("lesson_id"),
        dice.whole("lesson seconds", 300, 3_600, *ids()).alias("seconds"),
        F.col("is_completed").cast("bigint").alias("completed"),
    )
