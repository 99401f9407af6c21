"""What README says works, as it stands there: its commands, its queries, its YAML."""

import re
import shlex
import shutil
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
    assert {words[0] for words in commands()} == {
        "init", "check", "run", "status", "preview", "explain", "plan", "export", "release",
    }  # fmt: skip
    assert len(blocks("python spark")) == len(blocks("python polars")) == 1


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_of_readme_works(words, grocery):
    ours = [str(grocery.folder) if w == "conf/grocery" else w for w in words]
    told = [*ours, "--set", f"storage.root={grocery.root}", "--set", f"variables.landing={grocery.landing}"]
    assert main(told) == 0


@pytest.mark.soak
def test_the_telco_of_readme_is_generated_run_and_run_again_for_one_more_day(tmp_path, capsys):
    (block,) = blocks("shell telco")
    settings = {"storage.root": tmp_path / "warehouse", "variables.landing": tmp_path / "landing"}
    told = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    folder = tmp_path / "telco"
    shutil.copytree("conf/telco", folder, ignore=shutil.ignore_patterns(".strata"))
    shutil.copytree("conf/catalogue", folder.parent / "catalogue")
    for line in block.splitlines():
        words = [str(folder) if w == "conf/telco" else w for w in shlex.split(line, comments=True)[1:]]
        done = main([*words, *(told if words[0] != "init" else ())])
        assert done == 0 or (done == 6 and words[0] == "run"), line
    said = capsys.readouterr().out
    assert "tiles      1 new days, 0 corrected by late data" in said
    assert "is current: as of 2024-10-29" in said
    assert main(["check", "--data", "--project", str(folder), *told]) == 0
    rows = [re.split(r"  +", line.strip()) for line in capsys.readouterr().out.splitlines()]
    assert {row[3] for row in rows if row[2:3] in (["project"], ["catalogue"])} == {"yes"}


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


@pytest.mark.parametrize(
    "file",
    [
        "sources/recharges.yml",
        "segmentations/basket_value.yml",
        "segmentations/shopper_type.yml",
        "recommendations/next_brand.yml",
        "audiences/cooling_key_customers.yml",
    ],
)
def test_the_yaml_of_readme_is_a_valid_part_of_a_project(file, grocery, tmp_path):
    folder = tmp_path / "grocery"
    shutil.copytree(grocery.folder, folder)
    shutil.copytree("conf/catalogue", tmp_path / "catalogue")
    start = f"{file.split('/')[0].rstrip('s')}: {Path(file).stem}"
    text = next(b for b in blocks("yaml") if b.startswith(start))
    (folder / file).write_text(text, encoding="utf-8")
    assert main(["check", "--project", str(folder)]) == 0


def test_the_units_of_readme_stand_in_the_telco_as_they_are():
    (text,) = (b for b in blocks("yaml") if b.startswith("units:"))
    files = ("telco/features.yml", "catalogue/trip_purpose.yml")
    telco = [line for file in files for line in (Path("conf") / file).read_text(encoding="utf-8").splitlines()]
    assert [line for line in text.splitlines() if line.startswith(" ") and line not in telco] == []


def test_every_exit_code_and_job_of_readme_exists():
    for code in range(7):
        assert f"| {code} |" in README
    assert {words[0] for words in commands()} <= JOBS.keys()


def test_the_pictures_and_files_that_readme_links_to_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert Path(target).exists(), target
