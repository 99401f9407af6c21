"""The models against scikit-learn and scipy's minimiser; what is prepared, left out and kept."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import Ridge

from strata.audiences.fit import (
    NET_C,
    NET_L1_RATIO,
    RIDGE_ROWS,
    centroid_likeness,
    elastic_net,
    fit_lookalike,
    ridge,
    trust,
)
from strata.audiences.matrix import one_sided, prepare, separating
from strata.audiences.model import LookalikeModel


def people(rows: int = 400, columns: int = 5, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(seed)
    values = np.floor(dice.gamma(0.5, 20, size=(rows, columns)) * 100) / 100
    chance = 1 / (1 + np.exp(-(np.log1p(values) @ np.linspace(-1, 1, columns) - 1)))
    return values, dice.random(rows) < chance


def penalised_loss(parameters: np.ndarray, matrix: np.ndarray, seed: np.ndarray, c: float) -> float:
    weights, intercept = parameters[:-1], parameters[-1]
    sign = np.where(seed, 1.0, -1.0)
    balance = np.where(seed, len(seed) / (2 * seed.sum()), len(seed) / (2 * (~seed).sum()))
    losses = np.logaddexp(0, -sign * (matrix @ weights + intercept))
    return float(weights @ weights / 2 + c * (balance * losses).sum())


@pytest.mark.parametrize("rows", [RIDGE_ROWS, 40.0])
def test_the_ridge_is_the_direction_of_scikit_learn_s_on_the_scale_of_a_logistic_regression(rows: float) -> None:
    values, seed = people()
    matrix = prepare([f"f{i}" for i in range(5)], values).apply(values)
    weights, intercept = ridge(matrix, seed, rows)
    theirs = Ridge(alpha=rows).fit(matrix, seed.astype(float)).coef_
    assert weights / np.linalg.norm(weights) == pytest.approx(theirs / np.linalg.norm(theirs), abs=1e-8)
    sums = matrix @ weights
    found = minimize(penalised_loss, np.zeros(2), (sums[:, None] / sums.std(), seed, 100.0), method="BFGS")
    assert [1.0, intercept] == pytest.approx([found.x[0] / sums.std(), found.x[1]], abs=1e-3)


def test_weights_are_of_features_of_deviation_1_though_learned_on_weighed_ones() -> None:
    values, seed = people()
    values[:, 0] *= np.arange(len(seed)) % 10 == 0
    names = [f"f{i}" for i in range(5)]
    preparation = prepare(names, values)
    weighed = preparation.apply(values) * trust(preparation)
    weights, intercept = ridge(weighed, seed)
    model = fit_lookalike(names, values, seed).model
    assert model is not None
    assert model.score(values) == pytest.approx(1 / (1 + np.exp(-(weighed @ weights + intercept))), abs=1e-5)


def test_with_one_binary_feature_the_weight_is_the_log_odds_ratio() -> None:
    # seed: 30 of 40 have it, rest: 10 of 60; odds ratio (30/10) / (10/50) = 15
    has = np.array([1.0] * 30 + [0.0] * 10 + [1.0] * 10 + [0.0] * 50)[:, None]
    weights, _ = ridge(has, np.arange(100) < 40)
    assert weights[0] == pytest.approx(np.log(15), abs=1e-2)


def test_a_feature_that_hardly_anybody_has_is_trusted_less() -> None:
    dice = np.random.default_rng(5)
    often, rare = (np.where(dice.random(2_000) < share, dice.gamma(2.0, 10, 2_000), 0.0) for share in (0.5, 0.02))
    change = dice.normal(size=2_000)
    trusted = trust(prepare(["often", "rare", "change"], np.column_stack([often, rare, change])))
    assert trusted[0] > 1 > trusted[1]
    assert trusted[2] == 1
    assert (trusted[:2] ** 2).mean() == pytest.approx(1)


def test_a_row_more_of_the_rest_does_not_move_the_middle() -> None:
    # Balanced classes: with the rest three times as many (copies), every score stays.
    values, seed = people()
    matrix = np.vstack([values, values[~seed], values[~seed]])
    flags = np.concatenate([seed, np.zeros(2 * int((~seed).sum()), dtype=bool)])
    names = [f"f{i}" for i in range(5)]
    once, thrice = fit_lookalike(names, values, seed).model, fit_lookalike(names, matrix, flags).model
    assert once is not None
    assert thrice is not None
    assert np.median(once.score(values)) == pytest.approx(np.median(thrice.score(values)), abs=0.06)


def test_the_order_of_rows_does_not_matter() -> None:
    values, seed = people()
    names = [f"f{i}" for i in range(5)]
    order = np.random.default_rng(1).permutation(len(seed))
    one, two = fit_lookalike(names, values, seed).model, fit_lookalike(names, values[order], seed[order]).model
    assert one is not None
    assert two is not None
    assert one.weights == pytest.approx(two.weights, abs=2e-9)


def test_a_score_grows_with_what_the_seed_has_more_of() -> None:
    values, seed = people()
    model = fit_lookalike([f"f{i}" for i in range(5)], values, seed).model
    assert model is not None
    none, last = np.zeros((1, 5)), np.array([[0, 0, 0, 0, 100.0]])
    assert model.score(last)[0] > model.score(none)[0]
    assert 0 <= model.score(values).min() <= model.score(values).max() <= 1


def test_what_says_nothing_and_what_gives_the_seed_away_is_not_learned_from() -> None:
    values, seed = people()
    own = np.where(seed, values[:, 0] + 1, 0.0)
    opposite = np.where(seed, 0.0, 7.0)
    whole = np.column_stack([values, np.full(len(seed), 3.0), own, opposite, np.full(len(seed), np.nan)])
    names = [*(f"f{i}" for i in range(5)), "constant", "own_category", "only_the_rest", "unknown"]
    fitted = fit_lookalike(names, whole, seed)
    assert fitted.constant == ("constant", "unknown")
    assert fitted.leaking == ("own_category", "only_the_rest")
    assert fitted.model is not None
    assert fitted.model.features == ("f0", "f1", "f2", "f3", "f4")


def test_without_a_feature_there_is_no_model() -> None:
    seed = np.array([True, False, True, False])
    fitted = fit_lookalike(["same", "own"], np.column_stack([np.ones(4), seed * 5.0]), seed)
    assert (fitted.model, fitted.constant, fitted.leaking) == (None, ("same",), ("own",))


def test_a_strong_feature_is_no_leak() -> None:
    seed = np.arange(1000) < 300
    strong = np.where(seed, 5.0, 1.0)
    strong[:5] = 0.0
    assert separating(strong[:, None], seed) == [False]
    assert separating(np.where(seed, 5.0, 1.0)[:, None], seed) == [True]


def test_what_all_of_the_rest_have_alike_is_not_learned_from() -> None:
    """Days with wine in 28 days, for a seed of who had some in 182: none of the rest has any, many of the seed none."""
    values, seed = people()
    recent = np.where(seed & (np.arange(len(seed)) % 3 == 0), 2.0, 0.0)
    fitted = fit_lookalike([*(f"f{i}" for i in range(5)), "wine_28d"], np.column_stack([values, recent]), seed)
    assert (fitted.leaking, fitted.one_sided) == ((), ("wine_28d",))
    assert fitted.model is not None
    assert "wine_28d" not in fitted.model.features
    assert one_sided(np.array([[0.0], [1.0]]), np.array([True, True])).tolist() == [False]


def test_the_elastic_net_is_the_minimum_of_its_loss_and_leaves_out_what_says_nothing() -> None:
    values, seed = people(columns=5)
    noise = np.random.default_rng(2).gamma(0.5, 20, size=(len(seed), 4))
    names = [*(f"f{i}" for i in range(5)), *(f"noise{i}" for i in range(4))]
    matrix = prepare(names, np.hstack([values, noise])).apply(np.hstack([values, noise]))
    weights, intercept = elastic_net(matrix, seed)

    def loss(parameters: np.ndarray) -> float:
        bent = NET_L1_RATIO * np.abs(parameters[:-1]).sum() - NET_L1_RATIO * parameters[:-1] @ parameters[:-1] / 2
        return penalised_loss(parameters, matrix, seed, NET_C) + float(bent)

    best = loss(np.array([*weights, intercept]))
    dice = np.random.default_rng(4)
    for step in (1e-1, 1e-2, 1e-3):
        assert all(loss(np.array([*weights, intercept]) + step * dice.normal(size=10)) > best for _ in range(50))
    assert (weights[[0, 4]] != 0).all()
    assert (weights == 0).any()


def test_a_model_of_the_elastic_net_has_no_feature_of_weight_0_and_is_always_the_same() -> None:
    values, seed = people()
    wide = np.hstack([values, np.random.default_rng(2).gamma(0.5, 20, size=(len(seed), 20))])
    names = [f"f{i:02}" for i in range(25)]
    first, second = (fit_lookalike(names, wide, seed, "elastic_net").model for _ in range(2))
    assert first == second
    assert first is not None
    assert 0 < len(first.features) < 25
    assert all(first.weights)
    ridged = fit_lookalike(names, wide, seed).model
    assert ridged is not None
    assert len(ridged.features) == 25


def test_where_nothing_helps_the_elastic_net_has_no_model() -> None:
    dice = np.random.default_rng(7)
    values, seed = dice.gamma(0.5, 20, size=(200, 3)), np.arange(200) % 2 == 0
    assert fit_lookalike(["a", "b", "c"], values, seed, "elastic_net").model is None


def test_prepared_values_have_mean_0_and_deviation_1_and_unknown_is_neutral() -> None:
    values = np.array([[0.0, -5.0], [np.e - 1, 5.0], [np.nan, 20.0]])
    preparation = prepare(["spend", "change"], values)
    assert preparation.logged == (True, False)
    assert preparation.means == pytest.approx((0.5, 20 / 3))
    prepared = preparation.apply(values)
    assert prepared[:, 0].tolist() == pytest.approx([-1, 1, 0])
    assert (prepared[:, 1].mean(), prepared[:, 1].std()) == (pytest.approx(0), pytest.approx(1))


def test_the_centroid_likeness_is_the_cosine() -> None:
    rows = np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0], [-1.0, -1.0], [0.0, 0.0]])
    seed = np.array([True, True, False, False, False])
    root = 1 / np.sqrt(2)
    assert centroid_likeness(rows, rows[seed].mean(axis=0)).tolist() == pytest.approx([root, root, 1, -1, 0], abs=1e-8)


def test_a_model_survives_json() -> None:
    values, seed = people()
    model = fit_lookalike([f"f{i}" for i in range(5)], values, seed).model
    assert model is not None
    assert LookalikeModel.from_json(model.to_json()) == model


def test_of_many_rows_a_column_that_tells_them_apart_is_found_among_some_of_them() -> None:
    dice = np.random.default_rng(5)
    seed = dice.random(30_000) < 0.2
    columns = [
        dice.normal(size=len(seed)),
        -2.0 * seed + 0.3 * dice.normal(size=len(seed)),
        seed + dice.normal(size=len(seed)),
    ]
    assert separating(np.column_stack(columns), seed) == [False, True, False]
