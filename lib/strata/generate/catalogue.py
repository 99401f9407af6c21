"""What can be bought, watched and learned, and the places of the country, without Spark."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from strata.generate.traits import GENRE, LEARNING_STYLE, RISK_TOLERANCE, SUBJECTS

Row = dict[str, object]

PRICES = {
    "staples": (40.0, 60.0, 95.0), "fresh": (55.0, 80.0, 130.0), "ready_meals": (70.0, 105.0, 170.0),
    "electronics": (250.0, 700.0, 2400.0), "clothes": (180.0, 420.0, 1100.0), "accessories": (60.0, 140.0, 390.0),
    "organic": (75.0, 110.0, 180.0), "eco_home": (90.0, 150.0, 290.0), "children": (70.0, 160.0, 450.0),
    "gifts": (110.0, 280.0, 900.0),
}  # fmt: skip
"""Category -> list price by brand tier, in UAH."""
TIERS = ("budget", "middle", "premium")
VARIANTS = 4
SHOP_CATEGORIES = tuple(category for category in PRICES if category != "gifts")
TITLES_PER_GENRE = 40
LEVELS = ("beginner", "intermediate", "advanced")
FUNDS = {"conservative": "bonds", "moderate": "balanced", "aggressive": "shares"}
_OWN = "budget"
STORES_PER_CITY, DISTRICTS, MICRO_DISTRICTS = 3, 4, 5


@dataclass(frozen=True, slots=True)
class City:
    """A city with its region, centre (degrees) and size."""

    code: str
    name: str
    region: str
    latitude: float
    longitude: float
    size: Literal["large", "small"] = "large"


CITIES = (
    City("IEV", "Київ", "Київська", 50.4501, 30.5234),
    City("LWO", "Львів", "Львівська", 49.8397, 24.0297),
    City("ODS", "Одеса", "Одеська", 46.4825, 30.7233),
    City("DNK", "Дніпро", "Дніпропетровська", 48.4647, 35.0462),
    City("HRK", "Харків", "Харківська", 49.9935, 36.2304),
    City("VIN", "Вінниця", "Вінницька", 49.2331, 28.4682, "small"),
    City("IFO", "Івано-Франківськ", "Івано-Франківська", 48.9226, 24.7111, "small"),
    City("UDJ", "Ужгород", "Закарпатська", 48.6208, 22.2879, "small"),
)
_STEP = 0.02


def products() -> Iterator[Row]:
    """Goods, titles, lessons and funds, with the columns of the source `products`."""
    empty = dict.fromkeys(("category", "subcategory", "department", "brand", "brand_type", "genre", "format", "level"))
    for row in (*_goods(), *_titles(), *_lessons(), *_funds()):
        yield {"product_id": row["product_id"], "name": row["name"], **empty, **row}


def _goods() -> Iterator[Row]:
    for category in PRICES:
        for tier in TIERS:
            for variant in range(1, VARIANTS + 1):
                yield {
                    "product_id": f"P-{category}-{tier}-{variant}",
                    "name": f"{category} {tier} {variant}",
                    "department": "shop",
                    "category": category,
                    "subcategory": tier,
                    "brand": "Власна марка" if tier == _OWN else f"{tier} brand {variant}",
                    "brand_type": "own" if tier == _OWN else "national",
                }


def _titles() -> Iterator[Row]:
    for genre in GENRE.values:
        for number in range(1, TITLES_PER_GENRE + 1):
            title = {"product_id": f"M-{genre}-{number}", "name": f"{genre} no. {number}"}
            yield {**title, "department": "media", "category": "title", "genre": genre}


def _lessons() -> Iterator[Row]:
    for subject in SUBJECTS:
        for level in LEVELS:
            for form in LEARNING_STYLE.values:
                lesson = {"product_id": f"L-{subject}-{level}-{form}", "name": f"{subject}, {level}, {form}"}
                yield {**lesson, "department": "learning", "category": subject, "level": level, "format": form}


def _funds() -> Iterator[Row]:
    for risk in RISK_TOLERANCE.values:
        fund = {"product_id": f"F-{FUNDS[risk]}", "name": f"Fund of {FUNDS[risk]}"}
        yield {**fund, "department": "invest", "category": FUNDS[risk]}


def places() -> Iterator[Row]:
    """Micro-districts and stores, with the columns of the source `places`."""
    for city in CITIES:
        for district in range(1, DISTRICTS + 1):
            for micro in range(1, MICRO_DISTRICTS + 1):
                yield {
                    "place_id": f"H-{city.code}-{district}-{micro}",
                    "name": f"{city.name}, район {district}, мікрорайон {micro}",
                    "kind": "home_area",
                    "micro_district": f"{city.name} {district}.{micro}",
                    **_at(city, district, micro),
                }
        for store in range(1, STORES_PER_CITY + 1):
            yield {
                "place_id": f"S-{city.code}-{store}",
                "name": f"Крамниця {city.name} {store}",
                "kind": "store",
                "micro_district": f"{city.name} {store}.1",
                **_at(city, store, 1),
            }


def _at(city: City, district: int, micro: int) -> Row:
    return {
        "district": f"{city.name} {district}",
        "city": city.name,
        "region": city.region,
        "country": "UA",
        "latitude": round(city.latitude + (district - 2) * _STEP + micro * _STEP / 10, 6),
        "longitude": round(city.longitude + (micro - 3) * _STEP + district * _STEP / 10, 6),
    }
