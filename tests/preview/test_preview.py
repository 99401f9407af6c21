"""`strata preview` on tables that no JVM has touched, beside numbers counted by hand."""

import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.preview.kit import MOMENT, Stored
from tests.segments.definitions import cluster_model, customer, plain_preparation

from strata.errors import ProjectError
from strata.project.models import Storage
from strata.storage.local import open_local

LONG_AGO = date(2017, 1, 1)


def bought(days: int, since_first: int = 300, **more: object) -> dict[str, object]:
    return {"first_purchase_on": LONG_AGO, "days_since_first_purchase": since_first, "purchase_days_182d": days, **more}


# never 1, lost 2, new 1 (with 30 days), high 2, medium 0, low 1
CUSTOMERS = [{}, bought(0), bought(0), bought(30, since_first=90), bought(26), bought(182), bought(5)]


def lines(out: str) -> dict[str, list[str]]:
    """The rows of a table by their first cell."""
    return {row.split("  ")[0].strip(): row.split() for row in (line[2:] for line in out.splitlines()) if row.strip()}


def test_a_funnel_counts_each_rule_alone_and_in_its_turn(shop: Stored) -> None:
    shop.put_snapshot(CUSTOMERS)
    said = shop.strata("preview", "purchase_frequency")
    assert said.code == 0, said.err
    found = lines(said.out)
    # customers, share, rule alone, still left
    expected = {
        "never": ["1", "14.29", "1", "6"],
        "lost": ["2", "28.57", "3", "4"],     # the customer without a purchase has no purchase days either
        "new": ["1", "14.29", "1", "3"],
        "high": ["2", "28.57", "3", "1"],
        "medium": ["0", "0.00", "3", "1"],
        "low": ["1", "14.29", "4", "0"],
    }  # fmt: skip
    shown = {name: [c for c in found[name] if c.replace(".", "").isdigit()][:4] for name in expected}
    assert shown == expected
    # never and lost; new, high, medium, low; high, medium, low twice
    assert "4 customers (57.1 %) fulfil more than one rule" in said.out
    assert "not known: days_since_first_purchase of 1 (14.3 %), first_purchase_on of 1 (14.3 %)" in said.out
    assert "note: `medium` takes nobody: 3 fulfil its rule, all taken before" in said.out
    assert said.out.count("takes nobody") == 1


def test_a_rule_that_nobody_fulfils_and_customers_without_a_rule_are_told(shop: Stored) -> None:
    shop.define("days", 'kind: rules\nsegments:\n'
                '  - {segment: some, label: Some, when: "purchase_days_182d between 1 and 9"}\n'
                '  - {segment: huge, label: Huge, when: "purchase_days_182d > 182"}\n')  # fmt: skip
    shop.put_snapshot(CUSTOMERS)
    said = shop.strata("preview", "days")
    assert "note: `huge` takes nobody: nobody fulfils its rule" in said.out
    assert "note: 6 customers fulfil no rule: `otherwise: error` would close the gate" in said.out


def test_a_rule_that_is_unknown_leaves_the_customer_to_the_next(shop: Stored) -> None:
    shop.define("value", 'kind: rules\nsegments:\n'
                '  - {segment: large, label: Large, when: "spend_per_day_182d >= 60"}\n'
                '  - {segment: idle, label: Idle, when: "purchase_days_182d = 0"}\n'
                '  - {segment: small, label: Small, when: "purchase_days_182d > 0"}\n')  # fmt: skip
    shop.put_snapshot(CUSTOMERS)  # three without a purchase day, of whom the spend per day is not known
    found = lines(shop.strata("preview", "value").out)
    assert found["idle"][2:6] == ["3", "42.86", "3", "4"]
    assert found["small"][2:6] == ["4", "57.14", "4", "0"]


def test_otherwise_takes_whom_no_rule_takes(shop: Stored) -> None:
    shop.define("days", 'kind: rules\nsegments:\n'
                '  - {segment: some, label: Some, when: "purchase_days_182d between 1 and 9"}\n'
                '  - {segment: rest, label: The rest}\notherwise: rest\n')  # fmt: skip
    shop.put_snapshot(CUSTOMERS)
    said = shop.strata("preview", "days")
    assert lines(said.out)["rest"] == ["rest", "The", "rest", "6", "85.71", "-", "0", "otherwise"]
    assert "close the gate" not in said.out


def test_without_a_name_the_sizes_of_all_are_one_table(shop: Stored) -> None:
    shop.only("purchase_frequency", "rfm")
    shop.put_snapshot(CUSTOMERS)
    said = shop.strata("preview")
    assert said.code == 0, said.err
    segments = said.out.partition("\n\n")[2].partition("\n\n")[0]
    rows = [line.split() for line in segments.splitlines()[2:]]
    sizes = {(row[0], row[1]): int(row[-2]) for row in rows if row}
    assert sum(n for (name, _), n in sizes.items() if name == "purchase_frequency") == 7
    assert sum(n for (name, _), n in sizes.items() if name == "rfm") == 7
    assert sizes["purchase_frequency", "lost"] == 2
    # the one who is not known to have bought, and six who are: days_since_last_purchase of all is not known
    assert sizes["rfm", "never"] == 7


def test_an_edited_expression_is_computed_as_it_is_written_now(shop: Stored) -> None:
    shop.define("value", 'kind: rules\nsegments:\n'
                '  - {segment: large, label: Large, when: "spend_per_day_182d >= 60"}\n'
                '  - {segment: rest, label: The rest}\notherwise: rest\n')  # fmt: skip
    shop.put_snapshot([bought(2, spend_182d=Decimal("119.99")), bought(2, spend_182d=Decimal("120.00"))])
    assert lines(shop.strata("preview", "value").out)["large"][2] == "1"
    shop.edit("features.yml", 'of: "spend_182d / purchase_days_182d"', 'of: "2 * spend_182d / purchase_days_182d"')
    assert lines(shop.strata("preview", "value").out)["large"][2] == "2"


def test_clusters_are_those_of_the_model_of_the_definition(shop: Stored) -> None:
    shop.define("style", "kind: clusters\nclusters: 2\nseed: 1\nfeatures:\n"
                "  - {feature: purchase_days_182d}\n  - {feature: own_brand_share_182d}\n")  # fmt: skip
    shop.put_snapshot(
        [bought(0), bought(2), bought(9), bought(10, spend_182d=Decimal(8), own_brand_spend_182d=Decimal(8))]
    )
    assert (
        "note: style: what it takes from the population is not measured for this definition yet"
        in shop.strata("preview", "style").out
    )
    preparation = plain_preparation("purchase_days_182d", "own_brand_share_182d")
    found = shop.project.definition_hashes["segmentation.style"]
    shop.put_model(
        cluster_model(preparation, (1, 0), (9, 0), labels=["Few", "Many"], definition_hash=found, known_at=MOMENT)
    )
    said = shop.strata("preview", "style")
    # at 1 from c1 and 9 or 7 from c2: 1 - 1/9 and 1 - 1/7; on c2: 1, and 1 - sqrt(2)/sqrt(82)
    assert lines(said.out)["c1"] == ["c1", "Few", "2", "50.00", "0.87"]
    assert lines(said.out)["c2"] == ["c2", "Many", "2", "50.00", "0.92"]
    assert "own_brand_share_182d of 3 (75.0 %)" in said.out


def test_of_several_dates_the_newest_is_looked_at_unless_one_is_asked_for(shop: Stored) -> None:
    shop.put_snapshot(CUSTOMERS[:3], date(2017, 11, 30))
    shop.put_snapshot(CUSTOMERS, mode="append")
    assert "as of 2017-12-31, 7 customers" in shop.strata("preview", "purchase_frequency").out
    assert "as of 2017-11-30, 3 customers" in shop.strata("preview", "purchase_frequency", "--as-of", "2017-11-30").out
    missing = shop.strata("preview", "--as-of", "2017-10-31")
    assert missing.code == 3
    assert "holds 2017-11-30, 2017-12-31, expected 2017-10-31; run: strata features --as-of 2017-10-31" in missing.err


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (("preview", "frequency"), 2, "no segmentation or audience `frequency`; did you mean `purchase_frequency`?"),
        (("preview", "--as-of", "2017-11-30,2017-12-31"), 2, "preview looks at one date"),
    ],
)
def test_what_cannot_be_looked_at_is_said(shop: Stored, words: tuple[str, ...], code: int, part: str) -> None:
    shop.put_snapshot(CUSTOMERS)
    said = shop.strata(*words)
    assert (said.code, part in said.err) == (code, True), said.err


@pytest.mark.parametrize(
    ("storage", "place"),
    [(Storage(None, "main"), "the catalog main"), (Storage("s3://bucket/x"), "s3://bucket/x")],
)
def test_tables_that_only_spark_reads_are_refused(storage: Storage, place: str) -> None:
    with pytest.raises(ProjectError, match=f"the tables lie in {place}, and this command reads only a local folder"):
        open_local(storage)


def test_nothing_stored_yet_is_said(shop: Stored) -> None:
    said = shop.strata("preview")
    assert (said.code, "features.snapshot: there is no such table" in said.err) == (3, True)


def test_features_that_are_not_stored_yet_are_listed_with_their_place(shop: Stored) -> None:
    shop.put_snapshot(CUSTOMERS)
    shop.edit("features.yml", "days: [28, 84, 182], unit: days", "days: [28, 84, 182, 91], unit: days")
    shop.define("fresh", 'kind: rules\nsegments:\n'
                '  - {segment: a, label: A, when: "purchase_days_91d > 3"}\n'
                '  - {segment: rest, label: R}\notherwise: rest\n')  # fmt: skip
    said = shop.strata("preview", "fresh")
    assert said.code == 3
    assert "features.yml:5" in said.err
    assert "features.snapshot has no column `purchase_days_91d` yet" in said.err
    assert shop.strata("preview", "rfm").code == 0


def test_no_jvm_and_no_spark_is_loaded_for_a_look(shop: Stored) -> None:
    shop.put_snapshot(CUSTOMERS)
    shop.release({})
    heavy = ("pyspark", "py4j", "delta", "pandas", "pyarrow", "great_expectations", "sklearn")
    program = (
        "import sys; from strata.cli import main\n"
        "codes = [main([*words.split(), *sys.argv[1:]]) for words in"
        f" ('preview', 'preview rfm', 'plan', 'explain --customer {customer(4)}')]\n"
        f"print('END', codes, sorted(set({heavy!r}) & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, "--project", str(shop.folder), "--set", f"storage.root={shop.root}"]
    environment = {"PYTHONPATH": str(Path("lib").resolve()), "PATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.stdout.splitlines()[-1] == "END [0, 0, 0, 0] []", done.stderr
