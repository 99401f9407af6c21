"""`strata plan` of audiences: who comes in and goes out, and nothing small that could be computed from it."""

import re
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.preview.delivered import WINE, deliver, listed, member
from tests.preview.kit import Stored
from tests.preview.test_audiences import RULE, bought, declare

from strata.contract.outside import NOT_IN_BASE
from strata.preview.audience_pages import AudienceChange, audience_section
from strata.preview.moves import Move
from strata.preview.pages import Terms, as_text
from strata.project.parts import definition_parts

TERMS = Terms(10, "spend_84d", "USD")


def released_buyers(shop: Stored, members: int = 30) -> Stored:
    """20 bought once, 15 thrice; who bought at all is a member, the first `members` of them in the release."""
    declare(shop, "buyers")
    shop.put_snapshot([bought(3 if n >= 20 else 1, spend_84d=Decimal(n)) for n in range(35)])
    rows = [member(n, audience="buyers", score=None, origin="rule") for n in range(members)]
    hashes = shop.project.definition_hashes
    line = listed(shop, audience="buyers", kind="rule", definition_hash=hashes["audience.buyers"], customers=members)
    deliver(shop, rows, catalog=[listed(shop), line])
    return shop


def test_audiences_as_released_are_not_spoken_of(shop: Stored) -> None:
    said = released_buyers(shop).strata("plan")
    assert said.code == 0, said.err
    assert "audience" not in said.out


def test_who_comes_in_and_goes_out_with_what_they_spent(shop: Stored) -> None:
    released_buyers(shop, members=20).edit("audiences/buyers.yml", ">= 1", ">= 3")
    said = shop.strata("plan")
    assert said.code == 0, said.err
    assert "audience buyers: changed" in said.out
    assert "20 members before, 15 after" in said.out
    # 20 to 34 and 0 to 19
    assert re.search(r"^ +comes in +15 +405.00$", said.out, re.MULTILINE)
    assert re.search(r"^ +goes out +20 +190.00$", said.out, re.MULTILINE)
    marked = shop.strata("plan", "--markdown").out
    assert "### audience buyers: changed" in marked
    assert "| comes in | 15 | 405.00 |" in marked


def test_few_are_not_counted_nor_what_they_spent(shop: Stored) -> None:
    released_buyers(shop, members=30).edit("audiences/buyers.yml", '"purchase_days_182d >= 1"',
                                           '"purchase_days_182d >= 1 and spend_84d < 33.00"')  # fmt: skip
    said = shop.strata("plan")
    assert "30 members before; some ways are of too few to tell how many after" in said.out
    assert re.search(r"^ +comes in +<10$", said.out, re.MULTILINE)
    assert "33 " not in said.out


def test_new_removed_and_unknown_audiences(shop: Stored) -> None:
    released_buyers(shop)
    (shop.folder / "audiences" / "buyers.yml").unlink()
    declare(shop, "others", RULE)
    said = shop.strata("plan")
    assert "audience buyers: removed" in said.out
    assert "its 30 members are removed with the next release" in said.out
    assert "audience others: new" in said.out
    assert "0 members before, 35 after" in said.out


def test_of_a_look_alike_the_changed_parts_and_the_sizes_of_seed_and_candidates(shop: Stored) -> None:
    declare(shop, "buyers")
    shop.put_snapshot([bought(1, wine_days_182d=int(n < 15)) for n in range(60)])
    project = shop.project
    wine = next(a for a in project.audiences if a.name == WINE)
    deliver(shop, [], catalog=[listed(shop, seed_customers=12, definition_parts=definition_parts(project, wine))])
    shop.edit(f"audiences/{WINE}.yml", 'candidates: "wine_days_182d = 0"',
              'candidates: "wine_days_182d = 0 and purchase_days_182d > 0"')  # fmt: skip
    shop.edit(f"audiences/{WINE}.yml", "share: 0.1", "share: 0.2")
    said = shop.strata("plan")
    assert "audience next_wine_buyers: changed" in said.out, said.err
    assert "not as released: candidates, size" in said.out
    assert re.search(r"^ +seed +12 +15$", said.out, re.MULTILINE)
    assert re.search(r"^ +candidates +2,000 +45$", said.out, re.MULTILINE)
    # written otherwise, it is the same
    shop.edit(f"audiences/{WINE}.yml", "wine_days_182d = 0 and purchase", "wine_days_182d=0   and purchase")
    assert "not as released: candidates, size" in shop.strata("plan").out


def test_an_audience_is_touched_by_a_segmentation_that_it_names(shop: Stored) -> None:
    days = 'kind: rules\nsegments:\n  - {segment: a, label: A, when: "purchase_days_182d > 1"}\n'
    shop.define("days", days + "  - {segment: rest, label: R}\notherwise: rest\n")
    declare(shop, "by_days", RULE.replace('"purchase_days_182d >= 1"', "\"days = 'a'\""))
    shop.put_snapshot([bought(n % 4) for n in range(80)])
    hashes = shop.project.definition_hashes
    line = listed(shop, audience="by_days", definition_hash=hashes["audience.by_days"], customers=40)
    deliver(shop, [member(n, audience="by_days") for n in range(80) if n % 4 > 1], catalog=[line])
    shop.edit("segmentations/days.yml", "182d > 1", "182d > 2")
    said = shop.strata("plan")
    assert "audience by_days reads it" in said.out
    assert "audience by_days: changed" in said.out
    assert "40 members before, 20 after" in said.out


@settings(deadline=None, derandomize=True, database=None)
@given(st.integers(0, 25), st.integers(0, 25), st.integers(0, 50))
def test_no_way_of_few_can_be_computed_from_what_is_told(coming: int, going: int, staying: int) -> None:
    ways = {(NOT_IN_BASE, "members"): coming, ("members", NOT_IN_BASE): going, ("members", "members"): staying}
    moves = tuple(Move(o, g, n, Decimal(n) * 1000) for (o, g), n in ways.items() if n)
    change = AudienceChange("x", "changed", before=going + staying, moves=moves)
    page = as_text([audience_section(change, TERMS)])
    small = [n for n in (coming, going) if 0 < n < TERMS.floor]
    if small:
        assert f"{staying + coming:,} after" not in page
        assert not {f"{n * 1000:,}.00" for n in small} & set(re.findall(r"[\d,]+\.\d\d", page)) - {
            f"{n * 1000:,}.00" for n in (coming, going) if n >= TERMS.floor
        }
        assert page.count("<10") >= len(small)
    elif coming or going:
        assert f"{staying + coming:,} after" in page
