"""What BI and CRM read: `publish` holds aggregates and catalogues, `members` a row per person.

Columns may be added, never renamed; names avoid words reserved in other engines.
"""

# ruff: noqa: N801 - a table's class carries the table's name
from strata.contract import keys
from strata.contract.audience_changes import audience_changes, audience_refusals
from strata.contract.clusterings import cluster_lineage, cluster_selection
from strata.contract.columns import COUNT, HEX_32, SHARE, Between, Column, OneOf, Personal, Table, Type, column
from strata.contract.lists import (
    audience_backtest,
    audience_catalog,
    audience_curve,
    audience_factors,
    audience_fairness,
    audience_membership,
    audience_overlap,
    customer_recommendations,
    recommendation_backtest,
)


def _is_suppressed(what: str) -> Column:
    return column(Type.BOOLEAN, f"True where {what} withheld (NULL): it would tell of too few customers")


def _segment() -> Column:
    return column(Type.STRING, "Id of the segment", personal=Personal.BEHAVIOUR)


class segment_catalog(Table):
    """Every segment there is, in words."""

    schema = "publish"
    grain = ("segmentation", "version", "segment")
    segmentation = keys.segmentation()
    version = column(Type.BIGINT, "Version of the definition", Between(1, None))
    segment = _segment()
    kind = column(Type.STRING, "How it is made", OneOf(("rules", "scores", "attribute", "clusters")))
    technique = column(Type.STRING, "Technique of the catalogue")
    owner = column(Type.STRING, "Who answers for it")
    task = column(Type.STRING, "What it is for")
    label = column(Type.STRING, "Name for people")
    description = column(Type.STRING, "What the segment means", nullable=True)
    rule_text = column(Type.STRING, "The rule as declared")
    offer = column(Type.STRING, "What the segment is offered", nullable=True)
    segment_order = column(Type.BIGINT, "Place in the declaration, from 1", Between(1, None))
    population_relative = column(Type.BOOLEAN, "True when the cut depends on the other customers")
    definition_hash = column(Type.STRING, "Hash of the definition", HEX_32)
    model_id = column(
        Type.STRING, "Row of models.cluster_models or models.population_cuts that assigns it", HEX_32, nullable=True
    )
    published_since = column(Type.DATE, "As-of date of the first release that had it")
    retired_on = column(Type.DATE, "As-of date of the first release without it", nullable=True)
    release_id = keys.release_id()


class segment_membership(Table):
    """The segment of every customer of the base, one row per segmentation."""

    schema = "members"
    grain = ("as_of_date", "customer_id", "segmentation")
    slice_by = "as_of_date"
    partition_by = "as_of_date"
    as_of_date = keys.as_of_date()
    customer_id = keys.customer_id()
    segmentation = keys.segmentation()
    version = column(Type.BIGINT, "Version of the definition", Between(1, None))
    segment = _segment()
    score = column(Type.DOUBLE, "Strength of the membership, where the technique has one", nullable=True)
    release_id = keys.release_id()


class customer_segments(Table):
    """The segments of a customer side by side: one column per segmentation ever released."""

    schema = "members"
    grain = ("as_of_date", "customer_id")
    slice_by = "as_of_date"
    partition_by = "as_of_date"
    as_of_date = keys.as_of_date()
    customer_id = keys.customer_id()
    release_id = keys.release_id()


class customer_features(Table):
    """The features a project lets out, one column each."""

    schema = "members"
    grain = ("as_of_date", "customer_id")
    slice_by = "as_of_date"
    partition_by = "as_of_date"
    as_of_date = keys.as_of_date()
    customer_id = keys.customer_id()
    release_id = keys.release_id()


class unit_segments(Table):
    """The segment of every unit of a customer, in the segmentations that are per unit: a trip, a learning subject."""

    schema = "members"
    grain = ("as_of_date", "segmentation", "customer_id", "unit_id")
    slice_by = "as_of_date"
    partition_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    segmentation = keys.segmentation()
    customer_id = keys.customer_id()
    unit_id = column(Type.STRING, "Which trip, subject or other unit, as events name it", personal=Personal.BEHAVIOUR)
    from_date = column(Type.DATE, "First day with an event of the unit in its window", personal=Personal.BEHAVIOUR)
    to_date = column(Type.DATE, "Last day with an event of the unit in its window", personal=Personal.BEHAVIOUR)
    segment = _segment()
    score = column(Type.DOUBLE, "Strength of the membership, where the technique has one", nullable=True)
    release_id = keys.release_id()


class segment_profile(Table):
    """How a segment differs from the rest of the base: the portrait."""

    schema = "publish"
    grain = ("as_of_date", "segmentation", "segment", "feature", "value")
    slice_by = "as_of_date"
    as_of_date = keys.as_of_date()
    segmentation = keys.segmentation()
    segment = _segment()
    feature = column(Type.STRING, "Feature compared")
    value = column(Type.STRING, "Value whose share is given; (mean) for a number, (other) for rare values")
    share_or_mean = column(Type.DOUBLE, "Share or mean in the segment, of customers known", nullable=True)
    rest_value = column(Type.DOUBLE, "The same in the rest of the base", nullable=True)
    index_100 = column(Type.DOUBLE, "100 × segment / rest", nullable=True)
    effect_size = column(
        Type.DOUBLE, "Cohen's d for a mean, Cohen's h for a share, segment against rest", nullable=True
    )
    ci_low = column(Type.DOUBLE, "Lower end of the 95 % interval of share_or_mean", nullable=True)
    ci_high = column(Type.DOUBLE, "Upper end of that interval", nullable=True)
    customers_known = column(Type.BIGINT, "Customers of the segment with a value", COUNT, nullable=True)
    known_share = column(Type.DOUBLE, "Share of the segment with a value", SHARE, nullable=True)
    profile_rank = column(Type.BIGINT, "1 marks the segment most", Between(1, None))
    is_suppressed = _is_suppressed("the figures are")
    release_id = keys.release_id()


class segment_overview(Table):
    """A segment at a glance."""

    schema = "publish"
    grain = ("as_of_date", "segmentation", "segment")
    slice_by = "as_of_date"
    as_of_date = keys.as_of_date()
    segmentation = keys.segmentation()
    segment = _segment()
    label = column(Type.STRING, "Name for people")
    customers = column(Type.BIGINT, "Customers in the segment", COUNT, nullable=True)
    share = column(Type.DOUBLE, "Share of the base", SHARE, nullable=True)
    revenue_84d = column(Type.MONEY, "Revenue of the 84 days up to the as-of date", nullable=True, unit="currency")
    revenue_84d_before = column(Type.MONEY, "Revenue of the 84 days before those", nullable=True, unit="currency")
    revenue_share_84d = column(Type.DOUBLE, "Share of the base's revenue of 84 days", nullable=True)
    revenue_growth_84d = column(Type.DOUBLE, "revenue_84d / revenue_84d_before - 1", nullable=True)
    retention_rate_84d = column(
        Type.DOUBLE, "Of those active in the 84 days before, the share active in the last 84", SHARE, nullable=True
    )
    conversion_rate_84d = column(
        Type.DOUBLE, "Of those asked in the last 84 days, the share converted", SHARE, nullable=True
    )
    offer = column(Type.STRING, "What the segment is offered", nullable=True)
    is_suppressed = _is_suppressed("a figure is")
    release_id = keys.release_id()


class segment_groups(Table):
    """What was measured of each group, rare ones left out, that a segmentation by a measure puts into a segment."""

    schema = "publish"
    grain = ("as_of_date", "segmentation", "group_value")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    segmentation = keys.segmentation()
    group_value = column(Type.STRING, "What the group's customers share: a value of a feature, or another segment")
    segment = _segment()
    customers = column(Type.BIGINT, "Customers of the group", COUNT, nullable=True)
    share = column(Type.DOUBLE, "Share of the base", SHARE, nullable=True)
    growth = column(Type.DOUBLE, "Growth beyond the base's: growth factor of the group / the base's - 1", nullable=True)
    growth_shrunk = column(Type.DOUBLE, "What of it is not chance, by empirical Bayes", nullable=True)
    growth_shrunk_before = column(Type.DOUBLE, "The same one period earlier", nullable=True)
    persistence = column(
        Type.DOUBLE, "Correlation of growth with that one period earlier, over groups", Between(-1, 1), nullable=True
    )
    index_100 = column(Type.DOUBLE, "100 × mean of the group / mean of the rest of the base", nullable=True)
    index_low = column(Type.DOUBLE, "Lower end of the 95 % interval of index_100", nullable=True)
    is_suppressed = _is_suppressed("the figures are")
    release_id = keys.release_id()


class segment_kpi(Table):
    """What a segment is worth; kpis.yml says over which periods, and what is revenue, active, asked, converted."""

    schema = "publish"
    grain = ("as_of_date", "segmentation", "segment", "period")
    slice_by = "as_of_date"
    as_of_date = keys.as_of_date()
    segmentation = keys.segmentation()
    segment = _segment()
    period = column(Type.STRING, "Days up to the as-of date, e.g. 84d")
    customers = column(Type.BIGINT, "Customers in the segment", COUNT, nullable=True)
    share = column(Type.DOUBLE, "Share of the base", SHARE, nullable=True)
    revenue = column(Type.MONEY, "Revenue of the period", nullable=True, unit="currency")
    revenue_before = column(Type.MONEY, "Revenue of the period before", nullable=True, unit="currency")
    revenue_share = column(Type.DOUBLE, "Share of the base's revenue", nullable=True)
    revenue_growth = column(Type.DOUBLE, "revenue / revenue_before - 1", nullable=True)
    arpu = column(Type.DOUBLE, "Revenue per customer: revenue / customers", nullable=True, unit="currency")
    ci_low = column(Type.DOUBLE, "Lower end of the 95 % interval of arpu", nullable=True, unit="currency")
    ci_high = column(Type.DOUBLE, "Upper end of the 95 % interval of arpu", nullable=True, unit="currency")
    customers_active_before = column(Type.BIGINT, "Customers active in the period before", COUNT, nullable=True)
    retention_rate = column(Type.DOUBLE, "Share of them who are active in the period", SHARE, nullable=True)
    retention_ci_low = column(Type.DOUBLE, "Lower end of the 95 % interval of retention_rate", SHARE, nullable=True)
    retention_ci_high = column(Type.DOUBLE, "Upper end of the 95 % interval of retention_rate", SHARE, nullable=True)
    customers_asked = column(Type.BIGINT, "Customers asked in the period", COUNT, nullable=True)
    conversion_rate = column(Type.DOUBLE, "Share of them who converted", SHARE, nullable=True)
    conversion_ci_low = column(Type.DOUBLE, "Lower end of the 95 % interval of conversion_rate", SHARE, nullable=True)
    conversion_ci_high = column(Type.DOUBLE, "Upper end of the 95 % interval of conversion_rate", SHARE, nullable=True)
    is_suppressed = _is_suppressed("a figure is")
    release_id = keys.release_id()


class segment_migration(Table):
    """How many customers went from which segment to which.

    Since the release before (previous), and since that of the same day a month or a year ago. Where there is none of
    that very day, the latest of the 6 (month) or 31 (year) days before it takes its place: of a year ago `keep` leaves
    month ends only. compared_as_of_date says which day it was.
    """

    schema = "publish"
    grain = ("as_of_date", "comparison", "segmentation", "from_segment", "to_segment")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    comparison = column(Type.STRING, "Compared with which release", OneOf(("previous", "month", "year")))
    segmentation = keys.segmentation()
    from_segment = column(Type.STRING, "Segment then; (not in base) for newcomers")
    to_segment = column(Type.STRING, "Segment now; (not in base) for those who left")
    customers = column(Type.BIGINT, "Customers who went this way", Between(1, None), nullable=True)
    is_suppressed = _is_suppressed("customers is")
    compared_as_of_date = column(Type.DATE, "As-of date of the release compared with")
    release_id = keys.release_id()


class segment_reliability(Table):
    """Whether segments repeat: by one half of the weeks against the other, on a sample; not per unit or by audience."""

    schema = "publish"
    grain = ("as_of_date", "segmentation")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    segmentation = keys.segmentation()
    customers = column(Type.BIGINT, "Customers whom both halves know, in the sample", COUNT)
    agreement = column(Type.DOUBLE, "Share of them in the same segment by both halves", SHARE, nullable=True)
    kappa = column(
        Type.DOUBLE, "Cohen's kappa of the two; below 0.6 segments hardly repeat", Between(-1, 1), nullable=True
    )
    release_id = keys.release_id()


GATED_TABLES: tuple[type[Table], ...] = (
    segment_catalog, segment_membership, customer_segments, customer_features, unit_segments, segment_profile,
    segment_overview, segment_groups, segment_kpi, segment_migration, segment_reliability, cluster_selection,
    cluster_lineage, audience_membership, audience_catalog, audience_backtest, audience_factors, audience_curve,
    audience_overlap, audience_fairness, audience_changes, audience_refusals, customer_recommendations,
    recommendation_backtest,
)  # fmt: skip
