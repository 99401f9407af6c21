"""What CRM reads of single customers beside segments: audiences and recommendations, each with its proof."""

# ruff: noqa: N801 - a table's class carries the table's name
from strata.contract import keys
from strata.contract.columns import COUNT, HEX_32, SHARE, Between, Column, OneOf, Personal, Table, Type, column


def _recommendation() -> Column:
    return column(Type.STRING, "Id of the recommendation")


def _target() -> Column:
    return column(Type.STRING, "What the customer had in the window, or did not have", OneOf(("repeat", "new")))


def _model() -> Column:
    return column(Type.STRING, "Who ranks the items", OneOf(("als", "own_history", "popularity")))


class audience_membership(Table):
    """The members of every published audience."""

    schema = "members"
    grain = ("as_of_date", "audience", "customer_id")
    slice_by = "as_of_date"
    partition_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    audience = column(Type.STRING, "Id of the audience")
    customer_id = keys.customer_id()
    score = column(Type.DOUBLE, "Likeness to the seed, 0 to 1", SHARE, nullable=True)
    audience_rank = column(Type.BIGINT, "1 is the best", Between(1, None))
    origin = column(Type.STRING, "Why the customer is in it", OneOf(("rule", "seed", "lookalike", "list")))
    holdout = column(Type.BOOLEAN, "True for members kept from the campaign on purpose")
    entered_on = column(Type.DATE, "As-of date since which the customer is a member without a break")
    expires_on = column(Type.DATE, "Last day of the membership", nullable=True)
    stale = column(Type.BOOLEAN, "True when the audience was withheld and these are its last published members")
    release_id = keys.release_id()


class audience_catalog(Table):
    """Every audience and what became of it."""

    schema = "publish"
    grain = ("as_of_date", "audience")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    audience = column(Type.STRING, "Id of the audience")
    kind = column(Type.STRING, "How it is made", OneOf(("rule", "lookalike", "list")))
    owner = column(Type.STRING, "Who answers for it")
    purpose = column(Type.STRING, "Purpose of privacy.yml it serves")
    definition_hash = column(Type.STRING, "Hash of the definition", HEX_32)
    seed_customers = column(Type.BIGINT, "Customers of the seed; NULL where it is no look-alike", COUNT, nullable=True)
    candidate_customers = column(
        Type.BIGINT, "Customers who may be returned: by rule those who meet it, of a list those who are customers",
        COUNT, nullable=True,
    )  # fmt: skip
    customers = column(Type.BIGINT, "Members in audience_membership", COUNT)
    status = column(Type.STRING, "What became of it", OneOf(("published", "withheld")))
    status_reason = column(Type.STRING, "Why it was withheld, or what to know", nullable=True)
    refused_customers = column(
        Type.BIGINT, "Found, but no members: not eligible, excluded, written to too often, elsewhere or expired; NULL"
        " where nobody was looked for", COUNT, nullable=True,
    )  # fmt: skip
    holdout_customers = column(Type.BIGINT, "Members kept from the campaign on purpose", COUNT, nullable=True)
    asked_customers_84d = column(
        Type.BIGINT, "Members who were sent a communication in the last 84 days; NULL where no source tells", COUNT,
        nullable=True,
    )  # fmt: skip
    published_customers = column(
        Type.BIGINT, "Members at the last release in which it was published, this one included", COUNT, nullable=True
    )
    definition_parts = column(
        Type.STRINGS, "Hash of each part of the definition, as part=hash; NULL: not kept yet", nullable=True
    )
    failures = column(
        Type.BIGINT, "In how many releases in a row the proof of a look-alike has failed", COUNT, nullable=True
    )
    release_id = keys.release_id()


class audience_backtest(Table):
    """What a look-alike would have found, beside simple rivals; tried on a sample of a large base.

    In time: the models know the data up to `train_as_of_date`, to be found are those who joined the seed since. Where
    that shows too little, over folds: fifths of the seed are hidden among the candidates, each in turn.
    `gain` is the proof: an audience is withheld where its lower end is below 0 at the reach it takes.
    """

    schema = "publish"
    grain = ("as_of_date", "audience", "model", "reach")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    audience = column(Type.STRING, "Id of the audience")
    model = column(Type.STRING, "Who ranks the candidates", OneOf(("lookalike", "random", "most_active", "centroid")))
    reach = column(Type.DOUBLE, "Share of the candidates taken from the top", SHARE)
    train_as_of_date = column(Type.DATE, "Day up to which the models saw the data")
    method = column(Type.STRING, "How it was tried", OneOf(("time", "folds")))
    seed_customers = column(Type.BIGINT, "Customers of the seed on that day, in the sample", COUNT, nullable=True)
    candidate_customers = column(Type.BIGINT, "Candidates on that day, in the sample", COUNT, nullable=True)
    truth_customers = column(
        Type.BIGINT, "Those to be found: who joined the seed by the as-of date, or the seed", COUNT, nullable=True
    )
    found_customers = column(Type.BIGINT, "Of these, those within reach", COUNT, nullable=True)
    recall = column(Type.DOUBLE, "found / truth", SHARE, nullable=True)
    lift = column(Type.DOUBLE, "Rate within reach over the rate of all candidates", COUNT, nullable=True)
    lift_ci_low = column(Type.DOUBLE, "Lower end of the 90 % interval of lift", COUNT, nullable=True)
    lift_ci_high = column(Type.DOUBLE, "Upper end of that interval", COUNT, nullable=True)
    auc = column(
        Type.DOUBLE, "Area under the ROC curve of those to be found among all other candidates", SHARE, nullable=True
    )
    auc_ci_low = column(Type.DOUBLE, "Lower end of its 90 % interval", SHARE, nullable=True)
    auc_ci_high = column(Type.DOUBLE, "Upper end of that interval", SHARE, nullable=True)
    gain = column(Type.DOUBLE, "Of the look-alike: lift less that of the best rival at this reach", nullable=True)
    gain_ci_low = column(Type.DOUBLE, "Lower end of the 90 % interval of gain", nullable=True)
    gain_ci_high = column(Type.DOUBLE, "Upper end of that interval", nullable=True)
    is_suppressed = column(
        Type.BOOLEAN, "True where the figures are withheld (NULL): they would tell of too few customers"
    )
    release_id = keys.release_id()


class audience_fairness(Table):
    """Who an audience is made of by protected features, beside its seed and those who could be members.

    Nothing is learned from these features; what stands here follows from others. Shares of each group add up to 1 over
    the values of an attribute. Members are those published in audience_membership.
    """

    schema = "publish"
    grain = ("as_of_date", "audience", "attribute", "value")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    audience = column(Type.STRING, "Id of the audience")
    attribute = column(Type.STRING, "Protected feature of privacy.yml")
    value = column(Type.STRING, "Value of it; numbers in tens, `unknown` where there is none")
    members_share = column(Type.DOUBLE, "Share of the members", SHARE, nullable=True)
    seed_share = column(Type.DOUBLE, "Share of the seed", SHARE, nullable=True)
    candidates_share = column(Type.DOUBLE, "Share of the candidates", SHARE, nullable=True)
    is_suppressed = column(
        Type.BOOLEAN, "True where the shares are withheld (NULL): they would tell of too few customers"
    )
    release_id = keys.release_id()


class audience_factors(Table):
    """What a look-alike goes by: every feature that moves its score, others held equal; published or withheld alike.

    An audience has rows where a model was learned; audience_catalog says what became of it. Strength is beside the
    strongest factor of the same audience: high from half of its weight, medium from a fifth.
    """

    schema = "publish"
    grain = ("as_of_date", "audience", "feature")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    audience = column(Type.STRING, "Id of the audience")
    feature = column(Type.STRING, "Feature learned from")
    label = column(Type.STRING, "What the feature is, in words")
    direction = column(Type.STRING, "Whether more of it makes likeness go up or down", OneOf(("up", "down")))
    strength = column(Type.STRING, "How much it counts, beside the strongest", OneOf(("high", "medium", "low")))
    weight = column(
        Type.DOUBLE,
        "Log odds of the seed per standard deviation of the feature, of ln(1 + feature) where it is never negative",
    )
    factor_rank = column(Type.BIGINT, "1 counts most", Between(1, None))
    release_id = keys.release_id()


class audience_curve(Table):
    """What the best so many candidates of a look-alike hold, before consent and exclusions; each reach in the next.

    Similarity is the model's likeness to the seed as of the date: of all candidates where there are at most 5,000 of
    them, or 50,000 customers, else of a sample by hash of the id. What is expected of recall, lift and relevance is
    what the backtest found at the same reach, where audience_backtest shows it beside the rivals. Relevance is the
    share of those within reach who joined the seed by themselves: of 100 addressed, how many were right.
    An audience has rows where a model was learned; audience_catalog says what became of it.
    """

    schema = "publish"
    grain = ("as_of_date", "audience", "reach")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    audience = column(Type.STRING, "Id of the audience")
    reach = column(Type.DOUBLE, "Share of the candidates taken from the top", SHARE)
    customers = column(Type.BIGINT, "Candidates within reach", COUNT, nullable=True)
    similarity_min = column(Type.DOUBLE, "Lowest likeness to the seed within reach", SHARE, nullable=True)
    similarity_mean = column(Type.DOUBLE, "Mean likeness to the seed within reach", SHARE, nullable=True)
    recall = column(Type.DOUBLE, "Expected: share of all who join that is within reach", SHARE, nullable=True)
    lift = column(Type.DOUBLE, "Expected: rate of joining within reach over that of all", COUNT, nullable=True)
    relevance = column(Type.DOUBLE, "Expected: share of those within reach who join", SHARE, nullable=True)
    is_suppressed = column(
        Type.BOOLEAN, "True where the figures are withheld (NULL): they would tell of too few customers"
    )
    release_id = keys.release_id()


class audience_overlap(Table):
    """How many customers two published audiences of a release share, each pair once; withheld ones are left out."""

    schema = "publish"
    grain = ("as_of_date", "audience", "other_audience")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    audience = column(Type.STRING, "Id of an audience")
    other_audience = column(Type.STRING, "Id of another, later in the alphabet")
    customers = column(Type.BIGINT, "Members of the audience", COUNT)
    other_customers = column(Type.BIGINT, "Members of the other", COUNT)
    shared_customers = column(Type.BIGINT, "Members of both", COUNT, nullable=True)
    jaccard = column(Type.DOUBLE, "shared / members of either", SHARE, nullable=True)
    lift = column(Type.DOUBLE, "shared × base / (customers × other); 1 is chance", COUNT, nullable=True)
    is_suppressed = column(
        Type.BOOLEAN, "True where what is shared is withheld (NULL): it would tell of too few customers"
    )
    release_id = keys.release_id()


class customer_recommendations(Table):
    """What a customer may buy or use again, and what is new to them: lists by the model that proved best."""

    schema = "members"
    grain = ("as_of_date", "recommendation", "customer_id", "target", "recommendation_rank")
    slice_by = "as_of_date"
    partition_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    recommendation = _recommendation()
    customer_id = keys.customer_id()
    target = _target()
    recommendation_rank = column(Type.BIGINT, "1 is the best of the target's list", Between(1, None))
    item_kind = column(Type.STRING, "Column of products that the item is a value of")
    item = column(Type.STRING, "What is recommended", personal=Personal.BEHAVIOUR)
    score = column(
        Type.DOUBLE, "What the model ranks by; own_history: days with the item, popularity: its customers",
        personal=Personal.BEHAVIOUR,
    )  # fmt: skip
    model = _model()
    release_id = keys.release_id()


class recommendation_backtest(Table):
    """What every model would have found in the last days, knowing only the days before; tried on a sample."""

    schema = "publish"
    grain = ("as_of_date", "recommendation", "target", "model")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    recommendation = _recommendation()
    target = _target()
    model = _model()
    train_as_of_date = column(Type.DATE, "Day up to which the models saw the data")
    list_length = column(Type.BIGINT, "Items in a list", Between(1, None))
    customers = column(Type.BIGINT, "Customers who had something of the target since", COUNT)
    recall = column(Type.DOUBLE, "Mean over them of found / min(had, list_length)", SHARE)
    gain = column(Type.DOUBLE, "Of als: recall less that of the better baseline, same customers", nullable=True)
    gain_ci_low = column(Type.DOUBLE, "Lower end of the 90 % interval of gain; above 0 als is used", nullable=True)
    gain_ci_high = column(Type.DOUBLE, "Upper end of that interval", nullable=True)
    is_used = column(Type.BOOLEAN, "True for the model that makes the lists")
    release_id = keys.release_id()
