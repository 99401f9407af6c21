"""What BI and CRM read: `publish` holds aggregates and catalogues, `members` a row per person.

Columns may be added, never renamed; names avoid words reserved in other engines.
"""

# ruff: noqa: N801 - a table's class carries the table's name
from strata.contract.columns import COUNT, HEX_32, SHARE, Between, Column, OneOf, Personal, Table, Type, column


def _release_id() -> Column:
    return column(Type.STRING, "Release the row belongs to", HEX_32)


def _as_of_date() -> Column:
    return column(Type.DATE, "Last whole day the row is about")


def _customer_id() -> Column:
    return column(Type.STRING, "Pseudonym of the customer", HEX_32, personal=Personal.PSEUDONYM)


def _is_suppressed(what: str) -> Column:
    return column(Type.BOOLEAN, f"True where {what} withheld (NULL): it would tell of too few customers")


def _segmentation() -> Column:
    return column(Type.STRING, "Id of the segmentation")


def _segment() -> Column:
    return column(Type.STRING, "Id of the segment", personal=Personal.BEHAVIOUR)


class segment_catalog(Table):
    """Every segment there is, in words."""

    schema = "publish"
    grain = ("segmentation", "version", "segment")
    segmentation = _segmentation()
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
    model_id = column(Type.STRING, "Model of models.cluster_models that assigns it", HEX_32, nullable=True)
    published_since = column(Type.DATE, "As-of date of the first release that had it")
    retired_on = column(Type.DATE, "As-of date of the first release without it", nullable=True)
    release_id = _release_id()


class segment_membership(Table):
    """The segment of every customer of the base, one row per segmentation."""

    schema = "members"
    grain = ("as_of_date", "customer_id", "segmentation")
    slice_by = "as_of_date"
    partition_by = "as_of_date"
    as_of_date = _as_of_date()
    customer_id = _customer_id()
    segmentation = _segmentation()
    version = column(Type.BIGINT, "Version of the definition", Between(1, None))
    segment = _segment()
    score = column(Type.DOUBLE, "Strength of the membership, where the technique has one", nullable=True)
    release_id = _release_id()


class customer_segments(Table):
    """The segments of a customer side by side: one column per segmentation ever released."""

    schema = "members"
    grain = ("as_of_date", "customer_id")
    slice_by = "as_of_date"
    partition_by = "as_of_date"
    as_of_date = _as_of_date()
    customer_id = _customer_id()
    release_id = _release_id()


class customer_features(Table):
    """The features a project lets out, one column each."""

    schema = "members"
    grain = ("as_of_date", "customer_id")
    slice_by = "as_of_date"
    partition_by = "as_of_date"
    as_of_date = _as_of_date()
    customer_id = _customer_id()
    release_id = _release_id()


class segment_profile(Table):
    """How a segment differs from the rest of the base: the portrait."""

    schema = "publish"
    grain = ("as_of_date", "segmentation", "segment", "feature", "value")
    slice_by = "as_of_date"
    as_of_date = _as_of_date()
    segmentation = _segmentation()
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
    release_id = _release_id()


class segment_overview(Table):
    """A segment at a glance."""

    schema = "publish"
    grain = ("as_of_date", "segmentation", "segment")
    slice_by = "as_of_date"
    as_of_date = _as_of_date()
    segmentation = _segmentation()
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
    release_id = _release_id()


class segment_kpi(Table):
    """What a segment is worth; kpis.yml says over which periods, and what is revenue, active, asked, converted."""

    schema = "publish"
    grain = ("as_of_date", "segmentation", "segment", "period")
    slice_by = "as_of_date"
    as_of_date = _as_of_date()
    segmentation = _segmentation()
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
    release_id = _release_id()


class segment_migration(Table):
    """How many customers went from which segment to which."""

    schema = "publish"
    grain = ("as_of_date", "comparison", "segmentation", "from_segment", "to_segment")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = _as_of_date()
    comparison = column(Type.STRING, "Compared with which release", OneOf(("previous", "month", "year")))
    segmentation = _segmentation()
    from_segment = column(Type.STRING, "Segment then; (not in base) for newcomers")
    to_segment = column(Type.STRING, "Segment now; (not in base) for those who left")
    customers = column(Type.BIGINT, "Customers who went this way", Between(1, None), nullable=True)
    is_suppressed = _is_suppressed("customers is")
    compared_as_of_date = column(Type.DATE, "As-of date of the release compared with")
    release_id = _release_id()


class audience_membership(Table):
    """The members of every published audience."""

    schema = "members"
    grain = ("as_of_date", "audience", "customer_id")
    slice_by = "as_of_date"
    partition_by = "as_of_date"
    may_be_empty = True
    as_of_date = _as_of_date()
    audience = column(Type.STRING, "Id of the audience")
    customer_id = _customer_id()
    score = column(Type.DOUBLE, "Likeness to the seed, 0 to 1", SHARE, nullable=True)
    audience_rank = column(Type.BIGINT, "1 is the best", Between(1, None))
    origin = column(Type.STRING, "Why the customer is in it", OneOf(("rule", "seed", "lookalike", "list")))
    holdout = column(Type.BOOLEAN, "True for members kept from the campaign on purpose")
    entered_on = column(Type.DATE, "As-of date since which the customer is a member without a break")
    expires_on = column(Type.DATE, "Last day of the membership", nullable=True)
    stale = column(Type.BOOLEAN, "True when the audience was withheld and these are its last published members")
    release_id = _release_id()


class audience_catalog(Table):
    """Every audience and what became of it."""

    schema = "publish"
    grain = ("as_of_date", "audience")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = _as_of_date()
    audience = column(Type.STRING, "Id of the audience")
    kind = column(Type.STRING, "How it is made", OneOf(("rule", "lookalike", "list")))
    owner = column(Type.STRING, "Who answers for it")
    purpose = column(Type.STRING, "Purpose of privacy.yml it serves")
    definition_hash = column(Type.STRING, "Hash of the definition", HEX_32)
    seed_customers = column(Type.BIGINT, "Customers of the seed", COUNT, nullable=True)
    candidate_customers = column(Type.BIGINT, "Customers who may be returned", COUNT, nullable=True)
    customers = column(Type.BIGINT, "Members in audience_membership", COUNT)
    status = column(Type.STRING, "What became of it", OneOf(("published", "withheld")))
    status_reason = column(Type.STRING, "Why it was withheld, or what to know", nullable=True)
    release_id = _release_id()


class audience_backtest(Table):
    """What a look-alike would have found in the past, beside simple rivals; tried on a sample of a large base."""

    schema = "publish"
    grain = ("as_of_date", "audience", "model", "reach")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = _as_of_date()
    audience = column(Type.STRING, "Id of the audience")
    model = column(Type.STRING, "Who ranks the candidates", OneOf(("lookalike", "random", "most_active", "centroid")))
    reach = column(Type.DOUBLE, "Share of the candidates taken from the top", SHARE)
    train_as_of_date = column(Type.DATE, "Day up to which the models saw the data")
    seed_customers = column(Type.BIGINT, "Customers of the seed on that day, in the sample", COUNT)
    candidate_customers = column(Type.BIGINT, "Candidates on that day, in the sample", COUNT)
    truth_customers = column(Type.BIGINT, "Candidates who joined the seed by the as-of date", COUNT)
    found_customers = column(Type.BIGINT, "Of these, those within reach", COUNT)
    recall = column(Type.DOUBLE, "found / truth", SHARE, nullable=True)
    lift = column(Type.DOUBLE, "Rate within reach over the rate of all candidates", COUNT, nullable=True)
    lift_ci_low = column(Type.DOUBLE, "Lower end of the 90 % interval of lift", COUNT, nullable=True)
    lift_ci_high = column(Type.DOUBLE, "Upper end of that interval", COUNT, nullable=True)
    auc = column(Type.DOUBLE, "Area under the ROC curve over all candidates", SHARE, nullable=True)
    release_id = _release_id()


GATED_TABLES: tuple[type[Table], ...] = (
    segment_catalog, segment_membership, customer_segments, customer_features, segment_profile, segment_overview,
    segment_kpi, segment_migration, audience_membership, audience_catalog, audience_backtest,
)  # fmt: skip
