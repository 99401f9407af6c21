"""What README says works, as it stands there: its commands, its queries, its YAML."""

import re
import shlex
from pathlib import Path

import pytest

from strata.cli import JOBS, main

pytestmark = pytest.mark.long

README = Path("README.md").read_text(encoding="utf-8")
ROOT = "warehouse/grocery"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    lines = [shlex.split(line, comments=True) for block in blocks("shell") for line in block.splitlines()]
    return [words[1:] for words in lines if words and words[0] == "strata"]


def test_readme_shows_commands_and_queries_for_both_readers():
    assert {words[0] for words in commands()} == {"init", "check", "run", "status"}
    assert len(blocks("python spark")) == len(blocks("python polars")) == 1


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_of_readme_works(words, grocery):
    ours = [str(grocery.folder) if w == "conf/grocery" else w for w in words]
    told = [*ours, "--set", f"storage.root={grocery.root}", "--set", f"variables.landing={grocery.landing}"]
    assert main(told) == 0


@pytest.mark.parametrize("reader", ["spark", "polars"])
def test_the_queries_of_readme_find_every_published_table(reader, grocery, spark, capsys):
    (code,) = blocks(f"python {reader}")
    names = {"spark": spark}
    exec(compile(code.replace(ROOT, str(grocery.root)), "README.md", "exec"), names)
    shown = capsys.readouterr().out
    assert "purchase_frequency" in shown
    published = {
        f"{p.parent.name}/{p.name}" for schema in ("publish", "members") for p in (grocery.root / schema).iterdir()
    }
    assert published == set(re.findall(r'read\("([^"]+)"\)', code))


@pytest.mark.parametrize("file", ["sources/recharges.yml", "segmentations/basket_value.yml"])
def test_the_yaml_of_readme_is_a_valid_part_of_a_project(file, grocery, tmp_path):
    import shutil  # noqa: PLC0415

    folder = tmp_path / "grocery"
    shutil.copytree(grocery.folder, folder)
    start = f"{file.split('/')[0].rstrip('s')}: {Path(file).stem}"
    text = next(b for b in blocks("yaml") if b.startswith(start))
    (folder / file).write_text(text, encoding="utf-8")
    assert main(["check", "--project", str(folder)]) == 0


def test_every_exit_code_and_job_of_readme_exists():
    for code in range(7):
        assert f"| {code} |" in README
    assert {words[0] for words in commands()} <= JOBS.keys()


def test_the_pictures_and_files_that_readme_links_to_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert Path(target).exists(), target
