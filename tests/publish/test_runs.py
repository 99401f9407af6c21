"""How the last runs ended, as `strata status` tells it. No Spark."""

from datetime import UTC, datetime, timedelta

from strata.publish.runs import list_runs

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


def row(run, stage, minute, exit_code=None, error=None):
    moment = NOON + timedelta(minutes=minute)
    return {
        "run_id": run, "stage": stage, "started_at": moment, "seconds": 1.5, "exit_code": exit_code, "error": error,
    }  # fmt: skip


def test_a_line_says_where_a_run_ended_and_how_the_newest_first():
    log = [
        row("20240301T1200-a", "ingest", 0), row("20240301T1200-a", "gate", 1, 4, "2 checks failed"),
        row("20240301T1200-a", "end", 1, 4, "2 checks failed"), row("20240302T1200-b", "end", 2, 2, "a mistake"),
        row("20240303T1200-c", "release", 3), row("20240303T1200-c", "end", 3, 6), row("20240229T1200-d", "ingest", -9),
    ]  # fmt: skip
    assert [line[:1] + line[3:] for line in list_runs(log)] == [
        ["20240303T1200-c", "release", 6, "released, something withheld"],
        ["20240302T1200-b", None, 2, "command line or project: a mistake"],
        ["20240301T1200-a", "gate", 4, "the gate closed: 2 checks failed"],
        ["20240229T1200-d", "ingest", None, "not known: before this was kept"],
    ]
    assert list_runs(log, newest=1) == [["20240303T1200-c", "2024-03-01 12:03", 1.5, "release", 6,
                                         "released, something withheld"]]  # fmt: skip
