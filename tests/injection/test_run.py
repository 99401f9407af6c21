"""The corpus as data through a whole run of Spark, in a process with a verbose log and an event log; and its secrets.

Nothing of it is executed, nothing of it is obeyed by a terminal, nothing lies outside of the root, and neither the
identity key nor a database's password is in any log, plan, table or error.
"""

import base64
import csv
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from tests.end_to_end.kit import Said
from tests.injection.kit import OBEYED, SECRET, Bait
from tests.injection.shop import AS_OF, KEY, OTHERS, PASSWORD, make_shop
from tests.preview.kit import Stored

from strata.export.cells import STARTS_OF_FORMULAS
from strata.ingest.pseudonyms import BLANKS, PLACEHOLDERS
from strata.storage.jars import folder_of_test_jars

pytestmark = [pytest.mark.long, pytest.mark.soak]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bait(tmp_path_factory: pytest.TempPathFactory) -> Bait:
    return Bait(tmp_path_factory.mktemp("bait"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("injected") / "shop"


@pytest.fixture(scope="module")
def said(folder: Path, bait: Bait) -> Said:
    """What the run told; its environment holds the secrets."""
    (jar,) = folder_of_test_jars().glob("*sqlite*.jar")
    own = make_shop(folder, bait.texts, jar)
    environ = {**os.environ, **own, "PYTHONPATH": f"{ROOT / 'lib'}:{ROOT}", "STRATA_SECRET": SECRET}
    words = ["run", "--project", str(folder), "--as-of", AS_OF, "--verbose"]
    settings = [f"storage.root={folder / 'warehouse'}", f"variables.landing={folder / 'landing'}"]
    command = [sys.executable, "-m", "strata", *words, *(w for s in settings for w in ("--set", s))]
    done = subprocess.run(command, env=environ, capture_output=True, check=False, cwd=folder.parent)
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


def table(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_delta(str(folder / "warehouse" / name))


def kept(texts: list[str]) -> set[str]:
    """Texts as a value of silver has them."""
    return {t for text in texts if (t := text.strip(BLANKS))}


def test_the_run_releases_and_obeys_nothing(said: Said, folder: Path, bait: Bait) -> None:
    assert said.code in (0, 6), said.err[-3000:]
    bait.require_untouched(said.out)
    assert SECRET not in said.err
    assert len(table(folder, "publish/releases")) > 10


def test_values_are_kept_as_they_were_delivered(said: Said, folder: Path, bait: Bait) -> None:
    assert said.code in (0, 6)
    texts, events = kept(bait.texts), table(folder, "silver/events").filter(pl.col("source") == "purchases")
    assert set(events["channel"]) == texts
    assert len(events) == len(bait.texts) + OTHERS
    assert set(table(folder, "silver/lists")["list"]) == texts
    names = set(table(folder, "silver/products")["name"])
    assert {"\n".join(name.split("\r\n")).replace("\r", "\n") for name in names} == {
        "\n".join(text.split("\r\n")).replace("\r", "\n") for text in texts
    }, "a csv knows one end of a line"
    ids = set(table(folder, "restricted/identity_vault")["source_id"])
    assert ids == {t for t in texts if t.lower() not in PLACEHOLDERS} | {f"somebody {i}" for i in range(OTHERS)}


def test_names_that_become_columns_and_segments_are_letters_digits_and_underscores(said: Said, folder: Path) -> None:
    assert said.code in (0, 6)
    columns = table(folder, "features/snapshot").columns
    assert sum(name.startswith("spend_") for name in columns) > 30
    segments = table(folder, "publish/segment_catalog")["segment"].to_list()
    assert len(segments) > 12
    assert all(name.isascii() and name.replace("_", "").isalnum() for name in [*columns, *segments])


def test_nothing_lies_outside_of_the_root(said: Said, folder: Path) -> None:
    assert said.code in (0, 6)
    assert {p.name for p in folder.parent.iterdir()} <= {"shop", "spark-warehouse"}, "Spark makes the other, empty"
    assert list(folder.parent.rglob("spark-warehouse/*")) == []
    beside = {"warehouse", "landing", "conf", "events", "orders.db"}
    assert {p.name for p in folder.iterdir() if p.suffix != ".yml"} - beside == {
        "sources",
        "segmentations",
        "audiences",
    }


def test_looks_and_exports_of_the_run_obey_nothing(said: Said, folder: Path, bait: Bait) -> None:
    assert said.code in (0, 6)
    shop = Stored(folder, folder / "warehouse")
    band = folder / "segmentations" / "tariff_band.yml"
    for words in (("preview",), ("preview", "tariff_band"), ("plan",), ("export", "buyers", "--for", "crm")):
        told = shop.strata(*words)
        assert told.code == 0, told.err
        bait.require_untouched(told.out, told.err)
    band.write_text(band.read_text().replace("version: 1", "version: 2"))
    told = shop.strata("plan", "--markdown")
    bait.require_untouched(told.out, told.err)
    (path,) = (folder / "warehouse" / "exports" / "crm").iterdir()
    with path.open(newline="", encoding="utf-8") as file:
        ids = [row["source_id"] for row in csv.DictReader(file)]
    assert len(ids) > OTHERS
    assert not any(i.startswith(STARTS_OF_FORMULAS) for i in ids)


def spellings(secret: str) -> list[bytes]:
    """A secret as bytes, in hexadecimal and base64, padded as HMAC does, and as a plan would list bytes."""
    block = secret.encode().ljust(64, b"\0")
    raws = [secret.encode(), *(bytes(b ^ pad for b in block)[: len(secret)] for pad in (0x36, 0x5C))]
    lists = [sep.join(str(b - 256 * (b > 127)) for b in raw[:8]).encode() for raw in raws for sep in (", ", ",")]
    coded = [base64.b64encode(raw[: len(raw) // 3 * 3]) for raw in raws]
    return [*raws, *(raw.hex().encode() for raw in raws), *(raw.hex().upper().encode() for raw in raws), *lists, *coded]


@pytest.mark.parametrize("secret", [KEY, PASSWORD], ids=["key", "password"])
def test_secrets_are_in_no_log_plan_table_or_error(said: Said, folder: Path, secret: str) -> None:
    logs = list((folder / "events").iterdir())
    assert any(b"BroadcastNestedLoopJoin" in log.read_bytes() for log in logs), "the event log has the plans"
    assert "INFO" in said.err, "the log is verbose"
    places = {str(p): p.read_bytes() for p in [*logs, *(folder / "warehouse").rglob("*")] if p.is_file()}
    places |= {"stdout": said.out.encode(), "stderr": said.err.encode()}
    found = [place for place, text in places.items() for spelling in spellings(secret) if spelling in text]
    assert found == []


def test_the_log_of_spark_has_no_sign_that_a_terminal_obeys(said: Said) -> None:
    lines = [line for line in said.err.splitlines() if any(c in line for c in OBEYED)]
    assert lines == []
