"""The corpus as stored values, ids and file names, through all that reads tables without Spark."""

import csv
import re
from pathlib import Path

import pytest
from tests.injection.kit import Bait
from tests.preview.delivered import WINE, deliver, member, put_vault
from tests.preview.kit import AS_OF, KEY, MOMENT, Stored, stored
from tests.segments.definitions import customer

from strata.console import visible
from strata.contract.lists import audience_membership
from strata.contract.operations import population_cuts
from strata.errors import InputError, ProjectError
from strata.export.cells import STARTS_OF_FORMULAS
from strata.export.recipients import find_audience, find_recipient
from strata.preview.explanation import find_customer
from strata.preview.state import read_state
from strata.project.load import load_project
from strata.project.models import Storage
from strata.segments.cuts import Cuts, Found
from strata.segments.model import model_id
from strata.storage.local import open_local

EACH = 10
"""As many customers have each value as a cell needs to be told."""
SIGNS = re.compile(r"(?<!\\)(?:\\\\)*[`*_\[\]|~<]|(?i:https?:|www\.)|@")
"""What Markdown or HTML would take for more than text."""


@pytest.fixture
def shop(tmp_path: Path) -> Stored:
    return stored(tmp_path)


def with_bands(shop: Stored, texts: list[str]) -> Stored:
    """Every text is the value of ten customers, and the name of the segment that they were in before."""
    shop.only("purchase_frequency")
    shop.define("band", "kind: attribute\nof: income_band\n")
    shop.put_snapshot([{"income_band": text} for text in texts for _ in range(EACH)])
    shop.release({"band": [text for text in texts for _ in range(EACH)]})
    shop.edit("segmentations/band.yml", "version: 1", "version: 2")
    definition = shop.project.definition_hashes["segmentation.band"]
    found = tuple(Found(f"value_{i}", text, (text,)) for i, text in enumerate(texts))
    measured = {"definition_hash": definition, "as_of_date": AS_OF, "known_at": MOMENT}
    model = model_id(definition, AS_OF, MOMENT)
    shop.put(population_cuts, [{**measured, "model_id": model, "cuts": Cuts(found=found).to_json()}])
    return shop


def test_values_are_shown_and_obeyed_by_no_terminal(shop: Stored, bait: Bait) -> None:
    with_bands(shop, bait.texts)
    for words in (("preview",), ("preview", "band"), ("explain", "--customer", customer(0))):
        said = shop.strata(*words)
        assert said.code == 0, said.err
        bait.require_untouched(said.out, said.err)
    said = shop.strata("plan")
    bait.require_untouched(said.out, said.err)
    assert [text for text in bait.texts if visible(text) not in said.out] == []
    assert len(said.out.splitlines()) < 2 * len(bait.texts), "no value begins a line of its own"


def test_values_are_text_in_markdown(shop: Stored, bait: Bait) -> None:
    with_bands(shop, bait.texts)
    said = shop.strata("plan", "--markdown")
    assert said.code == 0, said.err
    bait.require_untouched(said.out)
    rows = [line for line in said.out.splitlines() if re.search(r"\| 10 \| ", line)]
    assert len(rows) == len(bait.texts)
    for row in rows:
        cells = row.removeprefix("| ").removesuffix(" |").split(" | ")
        assert len(cells) == 5, row
        assert not any(SIGNS.search(cell) for cell in cells), row


def test_ids_leave_as_texts_that_no_spreadsheet_obeys(shop: Stored, bait: Bait) -> None:
    deliver(shop, [member(n) for n in range(len(bait.texts))])
    put_vault(shop, dict(enumerate(bait.texts)))
    said = shop.strata("export", WINE, "--for", "crm")
    assert said.code == 0, said.err
    bait.require_untouched(said.out, said.err)
    (path,) = (shop.root / "exports" / "crm").iterdir()
    with path.open(newline="", encoding="utf-8") as file:
        found = [row["source_id"] for row in csv.DictReader(file)]
    assert not any(text.startswith(STARTS_OF_FORMULAS) for text in found)
    assert [text.removeprefix("'") for text in found] == [text.removeprefix("'") for text in bait.texts]


def test_words_of_the_command_line_are_texts(shop: Stored, bait: Bait) -> None:
    shop.put_snapshot([{}])
    project = load_project(shop.folder, {"storage.root": str(shop.root)})
    state = read_state(project, None, AS_OF, of_release=False)
    before = sorted(p for p in shop.folder.parent.rglob("*") if p.is_file())
    for text in bait.texts:
        with pytest.raises(InputError) as nobody:
            find_customer(state, text, KEY.encode)
        with pytest.raises(ProjectError) as nothing:
            find_audience(project, text)
        with pytest.raises(ProjectError) as no_one:
            find_recipient(project, text, project.audiences[0])
        for error in (nobody, nothing, no_one):
            bait.require_untouched(visible(str(error.value)))
    for text in (bait.families["paths"][0], bait.families["control"][0], bait.families["sql"][9]):
        for words in (
            ("explain", "--customer", text),
            ("preview", text),
            ("export", text, "--for", text, "--to", text),
        ):
            said = shop.strata(*words)
            assert said.code in (2, 3), words
            bait.require_untouched(said.out, said.err)
    assert sorted(p for p in shop.folder.parent.rglob("*") if p.is_file()) == before


def test_a_folder_may_have_any_name(tmp_path: Path, bait: Bait) -> None:
    """SQL names the files of a table: no quote ends the name, no sign of patterns finds other files."""
    families = [*bait.families["quotes"], *bait.families["formulas"], *bait.families["paths"], "a*b", "a?b"]
    names = [text for text in families if not set(text) & set("/[\\%") and text.strip(".")]  # deltalake opens no [
    for text in names:
        shop = Stored(tmp_path, tmp_path / "roots" / text)
        shop.root.mkdir(parents=True)
        shop.put(audience_membership, [member(0)])
        tables = open_local(Storage(root=str(shop.root)))
        query = f"SELECT customer_id FROM {tables.relation(audience_membership)}"
        assert [row["customer_id"] for row in tables.rows(query)] == [customer(0)], text
    bait.require_untouched()
