"""As-of dates as people write them."""

from datetime import date

import pytest

from strata.dates import months_before, parse_as_of
from strata.errors import ProjectError


@pytest.mark.parametrize(
    ("text", "every", "expected"),
    [
        ("2017-12-31", None, ["2017-12-31"]),
        ("2017-12-31,2017-11-30", None, ["2017-11-30", "2017-12-31"]),
        ("2017-12-30..2018-01-01", None, ["2017-12-30", "2017-12-31", "2018-01-01"]),
        ("2016-01-01..2016-04-29", "month-end", ["2016-01-31", "2016-02-29", "2016-03-31"]),
    ],
)
def test_dates_and_ranges(text, every, expected):
    assert [d.isoformat() for d in parse_as_of(text, every)] == expected


@pytest.mark.parametrize(
    ("text", "every", "words"),
    [
        ("31.12.2017", None, "'31.12.2017' is not a date; write YYYY-MM-DD"),
        ("{{job.start_time.iso_date}", None, "is not a date"),
        ("2017-02-29", None, "'2017-02-29' is not a date"),
        ("2017-12-31..2017-01-01", None, "write the earlier date first"),
        ("2017-12-31", "month-end", "needs a range"),
        ("2017-12-01..2017-12-30", "month-end", "holds no month-end"),
    ],
)
def test_what_is_not_a_date_is_refused_with_what_to_write(text, every, words):
    with pytest.raises(ProjectError) as caught:
        parse_as_of(text, every)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2017, 12, 31), 1, date(2017, 11, 30)),
        (date(2017, 11, 30), 1, date(2017, 10, 31)),
        (date(2016, 3, 31), 1, date(2016, 2, 29)),
        (date(2017, 3, 15), 12, date(2016, 3, 15)),
        (date(2017, 1, 15), 1, date(2016, 12, 15)),
    ],
)
def test_month_ends_stay_month_ends(day, months, expected):
    assert months_before(day, months) == expected
