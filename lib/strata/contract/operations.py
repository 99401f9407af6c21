"""The books of the engine itself: releases, runs, results and history of quality, models, leases."""

# ruff: noqa: N801 - a table's class carries the table's name
from strata.contract import keys
from strata.contract.columns import COUNT, HEX_32, Between, OneOf, Table, Type, column

SEVERITIES = ("fail", "warn", "info")


class releases(Table):
    """Which version of which table belongs together: one commit here is the switch of a release."""

    schema = "publish"
    grain = ("release_id", "sequence", "table_name")
    release_id = column(Type.STRING, "Hash of project, as_of, known_at, definitions and code version", HEX_32)
    table_name = column(Type.STRING, "Published table, schema.table")
    sequence = column(Type.BIGINT, "Order of the switches, from 1", Between(1, None))
    kind = column(Type.STRING, "Why it was made", OneOf(("regular", "backfill", "rollback")))
    status = column(
        Type.STRING, "released: its slices are in place; superseded: replaced; expired: removed by `keep`; withdrawn:"
        " removed by a rollback", OneOf(("released", "superseded", "expired", "withdrawn")),
    )  # fmt: skip
    as_of_date = column(Type.DATE, "Last whole day the release is about")
    known_at = column(Type.INSTANT, "Moment up to which arrived data was used")
    delta_version = column(Type.BIGINT, "Version of the table to read", COUNT)
    last_version = column(
        Type.BIGINT, "Newest version that still has the slice; NULL: it is in place, or left before this was kept",
        COUNT, nullable=True,
    )  # fmt: skip
    row_count = column(Type.BIGINT, "Rows of the slice of this release", COUNT)
    content_hash = column(Type.STRING, "Hash over the rows of the slice, whatever their order")
    is_current = column(Type.BOOLEAN, "True for the release readers should follow")
    previous_release_id = column(Type.STRING, "Release that definitions looked back at", HEX_32, nullable=True)
    month_release_id = column(Type.STRING, "Release that segment_migration calls a month ago", HEX_32, nullable=True)
    year_release_id = column(Type.STRING, "Release that segment_migration calls a year ago", HEX_32, nullable=True)
    config_hash = column(Type.STRING, "Hash of all definitions", HEX_32)
    code_version = column(Type.STRING, "Version of strata")
    run_id = column(Type.STRING, "Run that made it")
    released_at = column(Type.INSTANT, "Moment of the switch")


class promotions(Table):
    """A release that passed its gate and is being moved to where readers look; empty in quiet times."""

    schema = "staging"
    grain = ("run_id", "table_name")
    may_be_empty = True
    run_id = column(Type.STRING, "Run that made it")
    release_id = column(Type.STRING, "Release being promoted", HEX_32)
    table_name = column(Type.STRING, "Published table, schema.table")
    staging_version = column(Type.BIGINT, "Version of the staging table that passed the gate", COUNT)
    row_count = column(Type.BIGINT, "Rows that passed the gate", COUNT)
    content_hash = column(Type.STRING, "Hash of the rows that passed the gate")
    header = column(Type.STRING, "The release as JSON: what the switch will write")
    found_in = column(
        Type.STRING, "Where the rows are: staging, what passed the gate; version, of the published table itself; place,"
        " there already", OneOf(("staging", "version", "place")), nullable=True,
    )  # fmt: skip


class leases(Table):
    """Who may write: one row per lease."""

    schema = "staging"
    grain = ("lease",)
    lease = column(Type.STRING, "What is leased")
    holder = column(Type.STRING, "Run that holds it; NULL when free", nullable=True)
    host = column(Type.STRING, "Machine of the holder", nullable=True)
    process = column(Type.BIGINT, "Process of the holder on that machine", nullable=True)
    mark = column(Type.STRING, "Boot of the machine, namespace and start of that process, if it tells", nullable=True)
    expires_at = column(Type.INSTANT, "Moment after which anyone may take it", nullable=True)


class quality_results(Table):
    """The verdict of every check of every run."""

    schema = "publish"
    grain = ("run_id", "as_of_date", "table_name", "check_name")
    run_id = column(Type.STRING, "Run that checked")
    release_id = column(Type.STRING, "Release checked", HEX_32)
    as_of_date = column(Type.DATE, "As-of date of that release")
    table_name = column(Type.STRING, "Table checked, schema.table")
    check_name = column(Type.STRING, "Name of the check")
    severity = column(Type.STRING, "What a failure does", OneOf(SEVERITIES))
    row_count = column(Type.BIGINT, "Rows checked", COUNT)
    violations = column(Type.BIGINT, "Rows that failed; 1 for a check of the table as a whole", COUNT, nullable=True)
    success = column(Type.BOOLEAN, "True when the check held")
    details = column(Type.STRING, "Found against expected", nullable=True)


class quality_metrics(Table):
    """History of what was measured: the ground for checks that compare with earlier days."""

    schema = "publish"
    grain = ("run_id", "as_of_date", "table_name", "metric", "dimension")
    run_id = column(Type.STRING, "Run that measured")
    release_id = column(Type.STRING, "Release measured", HEX_32)
    as_of_date = column(Type.DATE, "As-of date of that release")
    table_name = column(Type.STRING, "Table measured, schema.table")
    metric = column(Type.STRING, "What was measured, e.g. row_count, null_share, mean, share")
    dimension = column(Type.STRING, "Of which column or segment; (table) for the whole")
    value = column(Type.DOUBLE, "The measure", nullable=True)


class run_log(Table):
    """What a run did, stage by stage; the last row, of stage `end`, says how it ended after how long.

    A run that was killed, or that never began because another one was writing, has none.
    """

    schema = "publish"
    grain = ("run_id", "stage", "started_at")
    run_id = column(Type.STRING, "Run")
    stage = column(Type.STRING, "Stage, in the order of started_at")
    started_at = column(Type.INSTANT, "Start of the stage")
    seconds = column(Type.DOUBLE, "Wall time", COUNT, unit="seconds")
    rows_in = column(Type.BIGINT, "Rows read, where the stage counts them", COUNT, nullable=True)
    rows_out = column(Type.BIGINT, "Rows written, where the stage counts them", COUNT, nullable=True)
    spark_jobs = column(Type.BIGINT, "Spark jobs of the stage", COUNT, nullable=True)
    exit_code = column(
        Type.BIGINT, "How the run ended, where stage is `end`; how the stage failed; NULL: the stage is done", COUNT,
        nullable=True,
    )  # fmt: skip
    error = column(Type.STRING, "Why it failed; of a fault of strata only its kind", nullable=True)


class cluster_models(Table):
    """A fitted clustering as arrays and JSON: everything needed to assign customers again."""

    schema = "models"
    grain = ("model_id",)
    model_id = column(Type.STRING, "Hash of definition, as_of and known_at", HEX_32)
    segmentation = keys.segmentation()
    version = column(Type.BIGINT, "Version of the definition", Between(1, None))
    definition_hash = column(Type.STRING, "Hash of the definition", HEX_32)
    as_of_date = column(Type.DATE, "Data it was fitted on")
    known_at = column(Type.INSTANT, "Data it was fitted on")
    features = column(Type.STRINGS, "Declared features, in order")
    preparation = column(Type.STRING, "How features become dimensions, as JSON: part, transform, centre, scale")
    centres = column(Type.VECTORS, "A centre per cluster; a coordinate per dimension")
    clusters = column(Type.STRING, "Id, label, description and stability of each cluster, in that order, as JSON")
    inertia = column(Type.DOUBLE, "Sum of squared distances on the fitted rows, by their weights", COUNT)
    fitted_rows = column(Type.BIGINT, "Rows it was fitted on", Between(1, None))
    customers = column(Type.BIGINT, "Customers these rows stand for", Between(1, None))
    found_by = column(Type.STRING, "Whose centres were the better ones: MLlib's or scikit-learn's")
    fitted_because = column(Type.STRING, "Why it was fitted: no released model, asked for, the schedule, or drift")
    selection = column(Type.STRING, "The evidence for every number of clusters tried, as JSON")
    lineage = column(Type.STRING, "What became of the clusters of the release before, as JSON")
    reference = column(Type.STRING, "What drift is measured against: spread of the dimensions, distances, as JSON")


class population_cuts(Table):
    """What a segmentation took from the base of a date: cuts of scores, values with a segment of their own."""

    schema = "models"
    grain = ("model_id",)
    model_id = column(Type.STRING, "Hash of definition, as_of and known_at", HEX_32)
    segmentation = keys.segmentation()
    version = column(Type.BIGINT, "Version of the definition", Between(1, None))
    definition_hash = column(Type.STRING, "Hash of the definition", HEX_32)
    as_of_date = column(Type.DATE, "Data they were measured on")
    known_at = column(Type.INSTANT, "Data they were measured on")
    cuts = column(Type.STRING, "Thresholds of each score, segments of values, as JSON")
