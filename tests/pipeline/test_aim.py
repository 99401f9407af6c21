"""Which release a run works towards, what it looks back at, and what of it can still be read. No Spark."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from strata import __version__
from strata.contract.published import segment_catalog, segment_membership
from strata.errors import InputError, ProjectError, StrataError
from strata.pipeline import context, jobs, models, publish
from strata.pipeline.context import Target, aim
from strata.pipeline.lookback import is_readable, read_released
from strata.project.load import load_project
from strata.project.models import Keep
from strata.publish.contracts import unpublishable
from strata.publish.release import Promoted, Release, make_release_id, switch
from strata.publish.rollback import Book, plan_rollback
from strata.storage.promotion import Staged

NOVEMBER, DECEMBER, JANUARY = date(2017, 11, 30), date(2017, 12, 31), date(2018, 1, 31)
KNOWN_AT = datetime(2018, 2, 1, tzinfo=UTC)
TABLES = (segment_membership, segment_catalog)


def project_of(config):
    return SimpleNamespace(name="shop", config_hash=config, retention_days=30, keep=Keep())


def released(*made, at=KNOWN_AT):
    """The book after releases of (day, config), in this order."""
    rows = []
    for number, (day, config) in enumerate(made):
        release_id = make_release_id("shop", day, KNOWN_AT, config, __version__)
        promoted = [Promoted(t.full_name(), number, 10, f"hash {number}") for t in TABLES]
        rows = switch(rows, Release(release_id, day, KNOWN_AT, config, __version__, None), promoted, "run", at)
    return rows


def aimed(monkeypatch, book, day, config, **how):
    monkeypatch.setattr(context, "read_releases", lambda _: book)
    return aim(SimpleNamespace(lakehouse=None, project=project_of(config)), day, KNOWN_AT, **how)


def test_a_release_in_place_is_a_replay_and_forced_it_is_made_again(monkeypatch):
    book = released((NOVEMBER, "a"))
    assert aimed(monkeypatch, book, NOVEMBER, "a").is_replay
    assert not aimed(monkeypatch, book, NOVEMBER, "a", force=True).is_replay
    assert not aimed(monkeypatch, book, DECEMBER, "a").is_replay


def test_a_definition_taken_back_is_released_again_and_with_known_at_only_compared(monkeypatch):
    book = released((NOVEMBER, "a"), (NOVEMBER, "b"))
    assert not aimed(monkeypatch, book, NOVEMBER, "a").is_replay
    assert aimed(monkeypatch, book, NOVEMBER, "a", compare=True).is_replay
    assert aimed(monkeypatch, book, NOVEMBER, "a", compare=True, force=True).is_replay


def expire(book, day):
    return [r | {"status": "expired"} if r["as_of_date"] == day else r for r in book]


def test_a_date_that_has_expired_is_released_again_and_with_known_at_only_compared(monkeypatch):
    book = expire(released((NOVEMBER, "a"), (DECEMBER, "a")), NOVEMBER)
    assert not aimed(monkeypatch, book, NOVEMBER, "a").is_replay
    assert aimed(monkeypatch, book, NOVEMBER, "a", compare=True).is_replay
    assert not aimed(monkeypatch, book, NOVEMBER, "a", compare=True, force=True).is_replay


@pytest.mark.parametrize(("day", "config"), [(DECEMBER, "a"), (NOVEMBER, "b")])
def test_what_a_rollback_has_taken_back_is_made_again_only_when_it_is_forced(monkeypatch, day, config):
    book = released((NOVEMBER, "a"), (NOVEMBER, "b"), (DECEMBER, "a"))
    first = make_release_id("shop", NOVEMBER, KNOWN_AT, "a", __version__)
    tables = {t.full_name(): t for t in TABLES}
    release, _ = plan_rollback(Book(book, tables, 30, KNOWN_AT.date()), first)
    book = switch(book, release, [Promoted(name, 9, 8, "fewer") for name in tables], "run", KNOWN_AT)
    wanted = jobs.Wanted(("publish",), (day,), None, force=False, environ={})
    target = aimed(monkeypatch, book, day, config)
    assert target.is_withdrawn
    assert jobs._is_done(target, wanted)
    assert not jobs._is_done(aimed(monkeypatch, book, day, config, force=True), replace(wanted, force=True))
    back = aimed(monkeypatch, book, NOVEMBER, "a")
    assert back.is_replay, "what is in place needs nothing"
    assert {r["content_hash"] for r in back.released} == {"hash 0"}, "a replay is held against what was made then"
    assert aimed(monkeypatch, book, NOVEMBER, "c").is_withdrawn is False


def test_a_release_says_what_leaves_with_it_and_keeps_what_it_looks_back_at(monkeypatch):
    first, last = date(2017, 11, 29), date(2018, 1, 30)
    book = released((first, "a"), (NOVEMBER, "a"), (date(2017, 12, 30), "a"), (DECEMBER, "a"))
    target = aimed(monkeypatch, book, date(2018, 2, 15), "a")
    assert target.release.expires == (first, date(2017, 12, 30))
    in_month = aimed(monkeypatch, released((first, "a"), (NOVEMBER, "a")), last, "a")
    assert in_month.release.expires == (first,)
    assert aimed(monkeypatch, released((NOVEMBER, "a"), (DECEMBER, "a")), first, "a").release.expires == ()
    old_year = released((date(2017, 1, 30), "a"), (JANUARY.replace(year=2017), "a"))
    pinned = aimed(monkeypatch, old_year, last, "a")
    assert (pinned.year[0]["as_of_date"], pinned.month, pinned.release.expires) == (date(2017, 1, 30), (), ())
    assert pinned.release.year_release_id == pinned.year[0]["release_id"]


def test_what_is_made_again_is_compared_with_what_it_was_and_not_with_what_came_since(monkeypatch):
    book = released((DECEMBER, "a"), (NOVEMBER, "a"))
    target = aimed(monkeypatch, book, DECEMBER, "a", compare=True)
    assert (target.previous, target.month) == ((), ())
    assert aimed(monkeypatch, book, DECEMBER, "b").month[0]["as_of_date"] == NOVEMBER


def a_target(book, kind="regular"):
    here = [r | {"kind": kind} for r in book if r["as_of_date"] == NOVEMBER]
    release = Release(here[0]["release_id"], NOVEMBER, KNOWN_AT, "a", __version__, None)
    return Target(release, tuple(here), (), tuple(book), is_replay=True)


def test_what_was_in_place_until_lately_can_be_read_though_it_was_released_long_ago():
    """Versions are kept from the commit on that took the slice away, not from that which brought it."""
    book = []
    for number, (day, expires) in enumerate([(NOVEMBER, ()), (DECEMBER, ()), (JANUARY, (NOVEMBER,))]):
        release = Release(f"{number}", day, KNOWN_AT, "a", "1", None, expires=expires)
        promoted = [Promoted(t.full_name(), number, 10, "") for t in TABLES]
        book = switch(book, release, promoted, "run", KNOWN_AT + timedelta(days=30 * number))
    run = SimpleNamespace(project=project_of("a"), clock=lambda: KNOWN_AT + timedelta(days=59))
    target = a_target(book)
    assert is_readable(run, target, segment_membership, book[:2])
    assert not is_readable(run, target, segment_catalog, book[:2])
    run = SimpleNamespace(project=project_of("a"), clock=lambda: KNOWN_AT + timedelta(days=61))
    assert not is_readable(run, target, segment_membership, book[:2])


@pytest.mark.parametrize(("age", "readable"), [(timedelta(days=29), True), (timedelta(days=31), False)])
def test_what_was_replaced_can_be_read_as_long_as_versions_are_kept_and_what_is_in_place_always(age, readable):
    run = SimpleNamespace(project=project_of("a"), clock=lambda: KNOWN_AT + age)
    book = released((NOVEMBER, "a"), (DECEMBER, "a"), (DECEMBER, "b"))
    november, replaced, december = (book[n : n + 2] for n in (0, 2, 4))
    target = a_target(book)
    assert is_readable(run, target, segment_membership, november)
    assert is_readable(run, target, segment_membership, december)
    assert is_readable(run, target, segment_membership, replaced) is readable
    assert is_readable(run, target, segment_catalog, november) is readable, "the catalogue is of the current release"
    assert is_readable(run, target, segment_catalog, december)
    target = a_target(expire(book, NOVEMBER))
    assert is_readable(run, target, segment_membership, target.history[:2]) is readable


@pytest.mark.parametrize(
    ("age", "made_before", "read"), [(29, False, "pinned"), (31, False, "newest"), (31, True, "pinned")]
)
def test_a_date_run_again_after_long_takes_the_newest_catalogue_and_a_replay_none_but_its_own(
    monkeypatch, age, made_before, read
):
    monkeypatch.setattr(models, "rows_held", lambda *_: ["newest"])
    monkeypatch.setattr(models, "rows_released", lambda *_: ["pinned"])
    run = SimpleNamespace(project=project_of("a"), clock=lambda: KNOWN_AT + timedelta(days=age), lakehouse=None)
    book = released((NOVEMBER, "a"), (DECEMBER, "a"))
    target = replace(a_target(book), previous=tuple(book[:2]), released=tuple(book[2:]) if made_before else ())
    assert models.previous_catalog(run, target) == [read]


def test_the_catalogue_of_a_backfill_is_the_one_it_found():
    """It has none of its own: no row of that version has its id."""
    lakehouse = SimpleNamespace(read=lambda table, version: (table, version))
    run = SimpleNamespace(project=project_of("a"), clock=lambda: KNOWN_AT, lakehouse=lakehouse)
    book = released((DECEMBER, "a"), (NOVEMBER, "a"))
    backfill = [r for r in book if r["kind"] == "backfill"]
    assert read_released(run, a_target(book), segment_catalog, backfill) == (segment_catalog, 1)


def staged(*hashes):
    return [Staged(t, 1, 10, h) for t, h in zip(TABLES, hashes, strict=True)]


def test_a_replay_is_held_against_every_table_and_a_backfill_only_against_its_slices():
    said = []
    run = SimpleNamespace(progress=SimpleNamespace(note=said.append))
    book = released((NOVEMBER, "a"))
    publish._compare(run, a_target(book), staged("hash 0", "hash 0"))
    assert "2 tables content-identical" in said[0]
    with pytest.raises(StrataError, match=r"publish\.segment_catalog differ"):
        publish._compare(run, a_target(book), staged("hash 0", "other"))
    publish._compare(run, a_target(book, "backfill"), staged("hash 0", "other"))
    with pytest.raises(StrataError, match=r"members\.segment_membership differ"):
        publish._compare(run, a_target(book, "backfill"), staged("other", "other"))


def test_what_is_known_is_what_had_been_ingested_by_the_moment(monkeypatch):
    batches = [{"ingested_at": KNOWN_AT}, {"ingested_at": KNOWN_AT + timedelta(days=2)}]
    monkeypatch.setattr(jobs, "read_books", lambda _: batches)
    run = SimpleNamespace(lakehouse=None)
    assert jobs._known_at(run, None) == KNOWN_AT + timedelta(days=2)
    assert jobs._known_at(run, KNOWN_AT + timedelta(days=1)) == KNOWN_AT
    assert jobs._known_at(run, KNOWN_AT + timedelta(days=99)) == KNOWN_AT + timedelta(days=2)
    with pytest.raises(InputError, match="nothing was known at"):
        jobs._known_at(run, KNOWN_AT - timedelta(days=1))


def test_a_project_without_segments_or_anything_to_compare_them_by_cannot_publish():
    grocery = load_project(Path("conf/grocery"))
    assert unpublishable(grocery) == []
    bare = replace(grocery, segmentations=(), published_features=("first_purchase_on",))
    assert [p.what.rsplit(": ", 1)[1] for p in unpublishable(bare)] == [
        "no segmentation", "no number, text or flag under `publish`",
    ]  # fmt: skip


def test_a_date_released_with_later_knowledge_is_not_released_with_less(monkeypatch):
    book = [r | {"known_at": KNOWN_AT + timedelta(days=1)} for r in released((NOVEMBER, "b"))]
    with pytest.raises(ProjectError, match="later than"):
        aimed(monkeypatch, book, NOVEMBER, "a")
