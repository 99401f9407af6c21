"""`strata release --rollback` as a command line: what it prints, how it ends, what it leaves in the books."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from tests.operations.tiny import Tiny, tiny_shop
from tests.pipeline import going_back as world

from strata.contract.operations import releases
from strata.pipeline.leased import LEASE
from strata.project.models import Storage
from strata.storage.leases import hold_lease
from strata.storage.tables import Lakehouse

pytestmark = [pytest.mark.long, pytest.mark.soak]


@pytest.fixture(scope="module")
def shop(spark, tmp_path_factory) -> Tiny:
    """Three releases of yesterday."""
    made = tiny_shop(tmp_path_factory.mktemp("release") / "tiny", days=0)
    yesterday = datetime.now(UTC) - timedelta(days=1)  # noqa: TID251 - how old a release is counts
    world.released(Lakehouse(spark, Storage(str(made.root)), "run-1"), yesterday)
    return made


def test_a_release_comes_back_by_command_and_the_books_say_so(spark, shop):
    lakehouse = Lakehouse(spark, Storage(str(shop.root)), "other-run")
    with hold_lease(lakehouse, LEASE, lambda: datetime.now(UTC)):  # noqa: TID251
        busy = shop.strata("release", "--rollback", "bb")
    assert busy.code == 5
    assert "run other-run" in busy.err
    said = shop.strata("release", "--rollback", "bb", "--set", "retention_days=60")
    assert said.code == 0, said.out + said.err
    assert f"Release {'b' * 12} is current: as of {world.FIRST}, 7 tables" in said.out
    assert "tables keep versions for 60 days now" in said.out
    assert lakehouse.properties(releases)["delta.logRetentionDuration"] == "interval 60 days"
    current = shop.releases().filter("is_current")
    assert (set(current["kind"]), set(current["sequence"])) == ({"rollback"}, {4})
    log = shop.read("publish/run_log").sort("started_at")
    assert log.select("stage", "exit_code").rows() == [("rollback", None), ("end", 0)]
    status = shop.strata("status").out
    assert " rollback " in status.split("Last runs")[1].split("Releases")[0]
    assert status.split("Releases")[1].count("b" * 12) == 2


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--rollback", "d"), "there is no release 'd'; `strata release --list` shows those there are"),
        (("--rollback", "bbb"), f"release {'b' * 12} cannot be brought back: it is current already"),
        ((), "one of the arguments --list --show --rollback is required"),
        (("--list", "--show", "b"), "not allowed with argument"),
    ],
)
def test_what_cannot_be_done_is_said_with_exit_code_2_and_changes_nothing(shop, words, part):
    before = shop.releases().filter(pl.col("kind") == "rollback")
    said = shop.strata("release", *words)
    assert said.code == 2
    assert part in said.err
    assert shop.releases().filter(pl.col("kind") == "rollback").equals(before)
