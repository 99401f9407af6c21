"""Which names an expression may use where, and which columns a project adds to the core tables.

Moments (INSTANT) are among the names, so that the compiler can say that expressions do not use them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from strata.contract.columns import Column, Personal, Table, Type, column
from strata.contract.silver import (
    FED_TABLES,
    MANAGED,
    PREVIOUS_DATE,
    communications,
    consents,
    customers,
    events,
    places,
    products,
)
from strata.expression import Name
from strata.project.models import Feature, Project, Segmentation
from strata.project.sources import Source

USABLE = frozenset({Type.BOOLEAN, Type.BIGINT, Type.MONEY, Type.DOUBLE, Type.STRING, Type.DATE})
EVENT_MANAGED = ("event_id", "event_date", "event_type", PREVIOUS_DATE)
PRODUCT_NAMES: Mapping[str, Column] = {
    "product_name": products.name,
    **{
        str(c): c
        for c in (
            products.category, products.subcategory, products.department, products.brand, products.brand_type,
            products.genre, products.format, products.level,
        )
    },
}  # fmt: skip
"""Name in a condition over events -> column of silver.products."""
PLACE_NAMES: Mapping[str, Column] = {
    "place_name": places.name,
    "place_kind": places.kind,
    "place_country": places.country,
    **{
        str(c): c
        for c in (
            places.micro_district, places.district, places.city, places.region, places.latitude, places.longitude,
        )
    },
}  # fmt: skip
"""Name in a condition over events -> column of silver.places."""
HOME_NAMES: Mapping[str, Column] = {
    f"home_{c}": c for c in (places.micro_district, places.district, places.city, places.region, places.country)
}
"""Attribute of a customer -> column of silver.places, of the place in home_place_id."""
AGE = column(Type.BIGINT, "Whole years since birth_date", unit="years", nullable=True, name="age_years")
"""An attribute that is computed as of the date."""
AS_OF_NAMES: Mapping[str, Name] = {"as_of_date": Name(Type.DATE, False)}
"""What a feature of kind expression may use beside other features."""
DATED_TABLES: Mapping[str, tuple[type[Table], Column]] = {
    "events": (events, events.event_date),
    "communications": (communications, communications.sent_on),
    "consents": (consents, consents.valid_from),
}
"""What features may be `from`: the table, and the column that holds the day of a row."""
_HIDDEN_OF_EVENTS = frozenset({"event_id", "revision", "is_deleted", "ingested_at", "batch_id", PREVIOUS_DATE})


def slug(value: str) -> str:
    r"""A value as part of a column name: lower case, everything but letters and digits becomes one `_`.

    Letters of every script stay. In Spark: btrim(regexp_replace(lower(value), '[^\p{L}\p{N}]+', '_'), '_');
    there is no `_` at the ends.
    """
    return re.sub(r"[\W_]+", "_", value.lower()).strip("_")


def delivered_types(source: Source) -> dict[str, Type]:
    """Columns of a delivered record, after unpivoting, and those that are looked up for it."""
    looked_up = {name: kind for lookup in source.lookups for name, kind in lookup.columns.items()}
    return {**looked_up, **own_types(source)}


def own_types(source: Source) -> dict[str, Type]:
    """Columns of a delivered record, after unpivoting: the name column is STRING, the value has the columns' type."""
    if source.unpivot is None:
        return dict(source.schema)
    wide = set(source.unpivot.columns)
    spread = [source.schema[c] for c in source.unpivot.columns if c in source.schema]
    kept = {c: t for c, t in source.schema.items() if c not in wide}
    return {**kept, source.unpivot.name: Type.STRING, source.unpivot.value: spread[0] if spread else Type.STRING}


def names_of_source(source: Source) -> dict[str, Name]:
    """What `value` and `event_type` of a source may use: the delivered columns, each perhaps NULL."""
    return {name: Name(kind, True) for name, kind in delivered_types(source).items()}


def names_of_fed(source: Source) -> dict[str, Name]:
    """What `reject` of a source may use: silver columns it maps (of events type and day too), and its extra ones."""
    core = {str(c): c for c in FED_TABLES[source.feeds].columns}
    mapped = [core[m.name] for m in source.columns if m.name in core]
    if source.event_type is not None:
        mapped += [events.event_type, events.event_date]
    return _names([*mapped, *(declared for _, declared in source.extra)])


def names_of_events(sources: Iterable[Source]) -> dict[str, Name]:
    """What `where`, `of` and `by` of a feature may use: columns of events, and of the product and place of an event."""
    own = [c for c in (*events.columns, *events_extra(sources)) if c not in _HIDDEN_OF_EVENTS]
    joined = {**PRODUCT_NAMES, **PLACE_NAMES}
    return {**{name: Name(c.type, True) for name, c in joined.items()}, **_names(own)}


def names_of_dated(table: str, sources: Iterable[Source]) -> dict[str, Name]:
    """What `where`, `of` and `by` of a feature `from: table` may use."""
    if table == "events":
        return names_of_events(sources)
    hidden = {*MANAGED, "customer_id"}
    return _names([c for c in (*DATED_TABLES[table][0].columns, *extra_columns(sources, table)) if c not in hidden])


def names_of_places() -> dict[str, Name]:
    """What `to` of a distance may use: columns of places, by the names that events know them by, and place_id."""
    return _names([places.place_id, *(c.named(name) for name, c in PLACE_NAMES.items())])


def names_of_customers(sources: Iterable[Source]) -> dict[str, Name]:
    """What `of` of an attribute may name: attributes of a customer, core and extra, of the home place, and the age.

    Each may be unknown. An extra column hides what is derived under its name.
    """
    hidden = {*MANAGED, "customer_id", "valid_from"}
    own = [c for c in (*customers.columns, *extra_columns(sources, "customers")) if c not in hidden]
    derived = {**{name: c.type for name, c in HOME_NAMES.items()}, str(AGE): AGE.type}
    return {name: Name(kind, True) for name, kind in {**derived, **{str(c): c.type for c in own}}.items()
            if kind in USABLE}  # fmt: skip


def names_of_features(features: Project | Iterable[Feature]) -> dict[str, Name]:
    """What segments and audiences may use: every feature that is one known column (not `by … keep`)."""
    declared = features.features if isinstance(features, Project) else features
    return {column: Name(f.type, f.nullable) for f in declared for column in column_names(f)}


def names_of_scores(segmentation: Segmentation, feature_names: Mapping[str, Name]) -> dict[str, Name]:
    """What the segments of a segmentation by scores may use; where the feature is NULL, so is the score."""
    unknown = Name(Type.BIGINT, True)
    return {s.score: Name(Type.BIGINT, feature_names.get(s.of, unknown).nullable) for s in segmentation.scores}


def column_names(feature: Feature) -> tuple[str, ...]:
    """The columns of a feature: one; with `by` and `values` one per value; with `by` and `keep` none are known yet."""
    return spread_name(feature.name, feature.by, feature.values)


def spread_name(name: str, by: str | None, values: Iterable[str] | None) -> tuple[str, ...]:
    """The name, or of a feature `by` a column one for each of its values."""
    return (name,) if by is None else tuple(name.replace("{value}", slug(value)) for value in values or ())


def feature_columns(features: Iterable[Feature]) -> tuple[Column, ...]:
    """The columns features.snapshot gets from these features, in their order; `by … keep` ones are not among them."""
    return tuple(_feature_column(feature, name) for feature in features for name in column_names(feature))


def extra_columns(sources: Iterable[Source], table: str) -> tuple[Column, ...]:
    """The extension columns that all sources feeding `table` declare, by name."""
    declared = {str(c): c for source in sources if source.feeds == table for _, c in source.extra}
    return tuple(declared[name] for name in sorted(declared))


def events_extra(sources: Iterable[Source]) -> tuple[Column, ...]:
    """The extension columns of silver.events."""
    return extra_columns(sources, "events")


def _feature_column(feature: Feature, name: str) -> Column:
    personal = Personal.ATTRIBUTE if feature.kind == "attribute" else Personal.BEHAVIOUR
    return column(
        feature.type, feature.description, unit=feature.unit, nullable=feature.nullable, personal=personal, name=name
    )


def _names(columns: Sequence[Column]) -> dict[str, Name]:
    return {str(c): Name(c.type, c.nullable) for c in columns}
