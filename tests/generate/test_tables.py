"""The tables of the generator, and the judge who knows them: no Spark."""

import itertools
from types import ModuleType

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from tests.generate.kit import CONF, world

from strata.generate import (
    campaigns,
    catalogue,
    learning,
    leisure,
    shop,
    subscribers,
    survey,
    ties,
    travel,
    usage,
    wallet,
)
from strata.generate.bayes import Acts, Times, kappa, log_posterior
from strata.generate.streams import STREAMS
from strata.generate.traits import TRAITS, Mix, Rate, Trait, hundred, leaning
from strata.generate.world import World, campaign_days, days_to_holiday
from strata.project.load import load_project

MODULES = (campaigns, leisure, learning, shop, subscribers, survey, ties, travel, usage, wallet)
COIN = Trait("coin", {"fair": 75, "bent": 25}, (20, 100))


def mixes(module: ModuleType) -> list[Mix]:
    held = [v for v in vars(module).values() if isinstance(v, Mix)]
    return held + [m for v in vars(module).values() if isinstance(v, dict) for m in v.values() if isinstance(m, Mix)]


ALL_MIXES = [mix for module in MODULES for mix in mixes(module)]


@pytest.mark.parametrize("trait", TRAITS, ids=lambda t: t.name)
def test_shares_of_a_trait_are_whole(trait):
    assert len(hundred(trait.shares)) == 100
    assert all(0 < strength <= 100 for strength in trait.strengths)


@pytest.mark.parametrize("mix", ALL_MIXES, ids=lambda m: m.name)
def test_a_mix_is_whole_and_tells_the_values_of_its_trait_apart(mix):
    assert len(mix.drawn()) == 100 * (1 + len(mix.trait.values))
    assert set(mix.own) <= set(mix.trait.values)
    assert mix.own
    assert all(set(own) <= set(mix.base) for own in mix.own.values())


@pytest.mark.parametrize("tie", ties.TIES, ids=lambda t: t.trait.name)
def test_a_tie_has_whole_tables_and_is_mild(tie):
    assert all(len(hundred(table)) == 100 and set(table) == set(tie.trait.values) for table in tie.tables())
    assert ties.SIZES == ("large", "small")
    for band, size in itertools.product(ties.BANDS, ties.SIZES):
        chances = [tie.chance(value, band, size) for value in tie.trait.values]
        assert sum(chances) == pytest.approx(100)
        assert max(chances) < 70  # nobody's channel is read off age and place


def test_names_of_mixes_and_traits_are_unlike_so_that_their_draws_are_independent():
    names = [m.name for m in ALL_MIXES]
    assert len(set(names)) == len(names)
    assert len({t.name for t in TRAITS}) == len(TRAITS)


def test_leaning_keeps_the_proportions_of_the_others():
    assert leaning({"a": 50, "b": 30, "c": 20}, {"c": 60}) == {"a": 25, "b": 15, "c": 60}
    with pytest.raises(ValueError, match="add up to 90"):
        hundred({"a": 90})


def test_products_and_places_are_told_apart_by_their_ids():
    products, places = list(catalogue.products()), list(catalogue.places())
    assert len({p["product_id"] for p in products}) == len(products) == 10 * 3 * 4 + 8 * 40 + 27 + 3
    assert len({p["place_id"] for p in places}) == len(places)
    assert all(44 < p["latitude"] < 53 and 22 < p["longitude"] < 41 for p in places)  # Ukraine
    for source, rows in (("products", products), ("places", places)):
        declared = next(s for s in load_project(CONF).sources if s.name == source)
        assert all(list(row) == list(declared.schema) for row in rows)


def test_the_project_reads_every_stream_by_its_key():
    sources = {s.name: s for s in load_project(CONF).sources}
    assert set(sources) == {*(s.source for s in STREAMS), "products", "places", "campaigns"}
    for stream in STREAMS:
        if stream.soil is not None:
            assert sources[stream.source].key == (next(iter(sources[stream.source].schema)),)
            assert {stream.soil.moment} <= set(sources[stream.source].schema)


def test_the_calendar():
    assert list(campaign_days(43)) == [14, 28, 42]
    year = World(1, 364, 1, 0.0, world().starts_on, "Europe/Kyiv", "UAH")
    assert [days_to_holiday(year.date_of(d)) for d in (0, 85, 86)] == [85, 0, 364]


@pytest.mark.parametrize("seed", range(3))
def test_kappa_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    truth, guess = rng.integers(0, 4, 500), rng.integers(0, 4, 500)
    guess = np.where(rng.random(500) < 0.5, truth, guess)
    assert kappa(truth, guess, 4) == pytest.approx(cohen_kappa_score(truth, guess))


def test_kappa_of_one_label_is_nothing():
    assert kappa(np.zeros(9, int), np.zeros(9, int), 2) == 0.0


def test_without_evidence_the_judge_says_what_is_most_common():
    assert log_posterior(COIN, [], [], 3).argmax(axis=1).tolist() == [0, 0, 0]


def test_the_posterior_is_that_of_counting_every_case():
    """Three throws, two strengths: the joint probability summed over strengths, by hand."""
    base, own = {"h": 0.5, "t": 0.5}, {"fair": {"h": 0.5, "t": 0.5}, "bent": {"h": 0.9, "t": 0.1}}
    heads = [list(throws).count("h") for throws in itertools.product("ht", repeat=3)]
    counts = np.array([[h, 3 - h] for h in heads], dtype=float)
    acts = Acts(counts, np.array([0.5, 0.5]), np.array([list(own[v].values()) for v in COIN.values]))
    found = np.exp(log_posterior(COIN, [acts], [], len(heads)))
    for row, h in zip(found, heads, strict=True):
        for value, share in COIN.shares.items():
            chances = [s / 100 * own[value]["h"] + (1 - s / 100) * base["h"] for s in COIN.strengths]
            by_hand = share * np.mean([p**h * (1 - p) ** (3 - h) for p in chances])
            assert row[COIN.values.index(value)] == pytest.approx(by_hand)


def test_rates_are_judged_by_poisson_and_exposure():
    rate = Rate("throws", COIN, {"fair": 0.1, "bent": 2.0}, (1.0,))
    often = Times(rate, np.array([0.0, 0.0, 9.0]), np.array([0.1, 50.0, 5.0]))
    assert log_posterior(COIN, [], [often], 3).argmax(axis=1).tolist() == [0, 0, 1]
