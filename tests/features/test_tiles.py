"""What tiles hold: shared between features, named after what they are."""

from pathlib import Path

from tests.features.worlds import GROCERY, plan_of

from strata.contract.columns import Type, extend
from strata.contract.feature_tables import daily, pairs
from strata.features.tiles import cell_columns, plan_tiles, tile_columns
from strata.project.load import load_project

SPEND = '- {name: "spend_{days}d", kind: sum, of: amount, where: "event_type = \'purchase\'", days: [28, 84]}'
MEAN = "- {name: mean_spend_84d, kind: mean, of: amount, where: \"event_type  =  'purchase'\", days: 84}"


def test_windows_and_kinds_share_partials(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, f"{SPEND}\n{MEAN}")
    assert [p.name.split("__")[0] for p in plan.partials] == ["n_amount", "sum_amount"]


def test_a_partial_is_named_after_its_condition_and_not_after_its_feature(tmp_path: Path) -> None:
    first = plan_of(tmp_path, SPEND).partials
    renamed = plan_of(tmp_path, SPEND.replace("spend_", "paid_")).partials
    changed = plan_of(tmp_path, SPEND.replace("'purchase'", "'refund'")).partials
    assert [p.name for p in first] == [p.name for p in renamed]
    assert {p.name for p in first}.isdisjoint(p.name for p in changed)


def test_the_number_of_all_events_is_no_partial_of_its_own(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "- {name: events_28d, kind: count, days: 28}")
    assert plan.partials == ()
    assert plan.measures["events_28d"][0].partial.name == daily.event_count


def test_only_columns_that_are_read_are_joined(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        "- {name: own, kind: count, where: \"brand_type = 'own' and place_name = 'Mall'\"}\n"
        '- {name: "n_{value}", kind: count, by: channel, values: [web]}',
    )
    assert (plan.by, plan.products, plan.places) == (
        ("channel",), {"brand_type": "brand_type"}, {"place_name": "name"},
    )  # fmt: skip


def test_money_is_stored_in_minor_units_and_doubles_in_millionths(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        "- {name: a, kind: sum, of: amount}\n- {name: b, kind: sum, of: value_number}\n"
        "- {name: c, kind: min, of: value_number}\n- {name: d, kind: max, of: amount}",
    )
    assert {str(c): (c.type, c.unit, c.nullable) for c in tile_columns(plan)} == {
        "sum_amount": (Type.BIGINT, "minor units", False),
        "sum_value_number": (Type.BIGINT, "millionths", False),
        "min_value_number": (Type.DOUBLE, "", True),
        "max_amount": (Type.BIGINT, "minor units", True),
    }


def test_days_hold_only_what_features_without_by_need(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, SPEND + '\n- {name: "units_{value}", kind: sum, of: quantity, by: category, keep: 3}')
    assert [c.split("__")[0] for c in tile_columns(plan)] == ["sum_amount"]
    assert [c.split("__")[0] for c in cell_columns(plan)] == ["category", "sum_amount", "sum_quantity"]


def test_the_grocery_project_fits_the_contract_tables() -> None:
    plan = plan_tiles(load_project(GROCERY, {"variables.landing": "/data"}))
    assert extend(daily, tile_columns(plan)).columns[4:] == tile_columns(plan)
    assert extend(pairs, cell_columns(plan)).columns[4:] == cell_columns(plan)
    assert len(plan.partials) == 22
