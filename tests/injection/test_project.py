"""The corpus in a project: conditions are errors with their place, names are refused, texts stay texts. No Spark."""

import io
import json
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from tests.end_to_end.kit import Said
from tests.injection.kit import Bait
from tests.project.grocery import LANDING, change, copy_of_grocery, loaded, problems_of

from strata.cli import main
from strata.errors import Problem

HEAD = "segmentation: injected\nversion: 1\ntechnique: t\nowner: o\ntask: t\nkind: rules\nsegments:\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_of_grocery(tmp_path)


def strata(*words: str) -> Said:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as exited:
            code = int(exited.code or 0)
    return Said(code, out.getvalue(), err.getvalue())


def lines_of(problems: Sequence[Problem], path: Path) -> set[int]:
    return {p.where.line for p in problems if p.where and p.where.file == str(path)}


def first_line_of(path: Path, words: str) -> int:
    return next(n for n, line in enumerate(path.read_text("utf-8").splitlines(), 1) if words in line)


def append(path: Path, lines: Sequence[str]) -> set[int]:
    """Lines put at the end of a file; the numbers they have there."""
    before = path.read_text("utf-8").splitlines() if path.exists() else []
    path.write_text("\n".join([*before, *lines]) + "\n", "utf-8")
    return set(range(len(before) + 1, len(before) + len(lines) + 1))


def test_the_corpus_is_large_and_of_one_text_each(bait: Bait) -> None:
    assert len(bait.texts) == len(set(bait.texts)) >= 150
    assert len(bait.families["yaml"]) >= 15


def test_no_text_is_a_condition_and_each_is_told_with_its_line(folder: Path, bait: Bait) -> None:
    """In rules, in exclusions, in what a source rejects, in features: everywhere conditions are compiled."""
    rules = folder / "segmentations" / "injected.yml"
    features, source = folder / "features.yml", folder / "sources" / "transactions.yml"
    audience = folder / "audiences" / "injected.yml"
    texts = [json.dumps(text) for text in bait.texts]
    append(rules, (HEAD + "otherwise: error").splitlines()[:-2])
    places = {
        rules: append(
            rules, ["segments:"] + [f"  - {{segment: s{i}, label: l, when: {t}}}" for i, t in enumerate(texts)]
        ),
        features: append(
            features,
            [f"  - {{name: f{i}, kind: count, where: {t}, days: 28, description: d}}" for i, t in enumerate(texts)],
        ),
    }
    append(
        audience, ["audience: injected", "kind: rule", "owner: o", "purpose: direct_mail", 'include: "spend_84d > 0"']
    )
    places[audience] = append(audience, ["exclude:", *(f"  - {t}" for t in texts)])
    text = source.read_text("utf-8")
    assert "\nreject:" in text
    at = first_line_of(source, "reject:")
    more = [f"  - {{reason: r{i}, when: {t}}}" for i, t in enumerate(texts)]
    lines = text.splitlines()
    source.write_text("\n".join([*lines[:at], *more, *lines[at:]]) + "\n", "utf-8")
    places[source] = {at, *range(at + 1, at + 1 + len(texts))}
    problems = problems_of(folder)
    for path, expected in places.items():
        by_line = dict(zip(sorted(expected)[-len(texts) :], texts, strict=True))
        untold = {text for line, text in by_line.items() if line not in lines_of(problems, path)}
        assert [text for text in untold if "\\n" not in text] == [], (
            "a place behind a \\n in quotes is a line further on"
        )
    said = strata("check", "--project", str(folder), "--set", "variables.landing=/data")
    assert said.code == 2
    bait.require_untouched(said.out, said.err)


def test_no_text_is_a_name(folder: Path, bait: Bait) -> None:
    rules, features, offers = (folder / name for name in ("segmentations/injected.yml", "features.yml", "offers.yml"))
    texts = [json.dumps(text) for text in bait.texts]
    append(rules, HEAD.splitlines())
    named = {
        rules: append(rules, [f'  - {{segment: {t}, label: l, when: "spend_84d > {i}"}}' for i, t in enumerate(texts)]),
        features: append(features, [f"  - {{name: {t}, kind: count, days: 28, description: d}}" for t in texts]),
        offers: append(offers, [f"  {t}: an offer" for t in texts]),
    }
    problems = problems_of(folder)
    for path, expected in named.items():
        found = expected & lines_of(problems, path)
        templates = {n for n, t in zip(sorted(expected), texts, strict=True) if "{" in t}
        assert expected - found <= templates, path.name
    bait.require_untouched()


def test_texts_stay_texts(folder: Path, bait: Bait) -> None:
    """Labels and offers are taken as they are."""
    texts = [text for text in bait.texts if text.strip()]
    rules = folder / "segmentations" / "injected.yml"
    append(rules, HEAD.splitlines())
    append(
        rules,
        [
            f'  - {{segment: s{i}, label: {json.dumps(t)}, when: "purchase_days_182d = {i}"}}'
            for i, t in enumerate(texts)
        ],
    )
    append(rules, ["otherwise: error"])
    append(folder / "offers.yml", [f"  o{i}: {json.dumps(t)}" for i, t in enumerate(texts)])
    project = loaded(folder)
    labels = next(s for s in project.segmentations if s.name == "injected").segments
    assert [s.label for s in labels] == [t.strip() for t in texts]
    assert [project.offers[f"o{i}"] for i in range(len(texts))] == [t.strip() for t in texts]
    said = strata("check", "--project", str(folder), "--set", "variables.landing=/data")
    assert said.code == 0, said.err
    bait.require_untouched(said.out, said.err)


def test_a_document_that_plays_tricks_is_refused_or_text(folder: Path, bait: Bait) -> None:
    offers = folder / "offers.yml"
    for text in bait.families["yaml"]:
        offers.write_text(text, "utf-8")
        problems = problems_of(folder)
        assert str(offers) in {p.where.file for p in problems if p.where}, text
        bait.require_untouched(*map(str, problems))


def test_settings_and_variables_are_texts(folder: Path, bait: Bait) -> None:
    few = [text for name, texts in bait.families.items() if name != "yaml" for text in texts[:3]]
    for text in few:
        words = [f"{key}={text}" for key in ("currency", "time_zone", "identity.key_id", "variables.landing", text)]
        said = strata("check", "--project", str(folder), *(w for word in words for w in ("--set", word)))
        assert said.code == 2, text
        assert "currency" in said.err or "expected key=value" in said.err
        bait.require_untouched(said.out, said.err)
    variables = {f"variables.v{i}": text for i, text in enumerate(bait.texts)}
    told = [str(p) for p in problems_of(folder, LANDING | variables)]
    assert all("unknown variable" in p or "is not installed" in p for p in told), "only ${...} means anything"
    assert len(told) == sum("${" in text for text in bait.texts) - 2, "${landing} and ${package.os} are there"
    keys = {text: "x" for text in bait.texts}
    assert len(problems_of(folder, LANDING | keys)) > len(bait.texts) // 2
    bait.require_untouched()


def test_a_variable_is_filled_in_once(folder: Path) -> None:
    settings = {**LANDING, "variables.landing": "${package.os}/${landing}/x"}
    assert problems_of(folder, settings) != []


def test_a_backtick_in_a_delivered_column_is_refused(folder: Path) -> None:
    change(folder / "sources" / "redemptions.yml", "schema: {", 'schema: {"a` int, b`": STRING, ')
    assert any("has a backtick in its name" in p.what for p in problems_of(folder))
