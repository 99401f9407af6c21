"""What a person reads at the end of a run."""

from strata.pipeline.summary import changes_in_words


def test_reasons_are_told_of_many_and_everybody_is_counted() -> None:
    rows = [
        {"reason": "fell below the cut", "customers": 12},
        {"reason": "not eligible", "customers": 3},
        {"reason": "no longer: spend_84d >= 50", "customers": 1_035},
    ]
    assert changes_in_words(rows, 10) == "1,050 (1,035 no longer: spend_84d >= 50; 12 fell below the cut)"
    assert changes_in_words(rows[1:2], 10) == "3"
    assert changes_in_words([], 10) == ""
