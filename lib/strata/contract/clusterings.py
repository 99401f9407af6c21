"""What is said of a clustering beside its segments: how many clusters were tried, and which one continues which."""

# ruff: noqa: N801 - a table's class carries the table's name
from strata.contract import keys
from strata.contract.columns import COUNT, HEX_32, SHARE, Between, Column, OneOf, Personal, Table, Type, column


def _model_id() -> Column:
    return column(Type.STRING, "Row of models.cluster_models", HEX_32)


class cluster_selection(Table):
    """How good every number of clusters was that was tried for the model a release uses, and which was taken."""

    schema = "publish"
    grain = ("as_of_date", "segmentation", "k")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    segmentation = keys.segmentation()
    k = column(Type.BIGINT, "Number of clusters", Between(1, None))
    model_id = _model_id()
    fitted_on = column(Type.DATE, "As-of date of the customers it was fitted on")
    inertia = column(Type.DOUBLE, "Sum of squared distances to the nearest centre, in prepared units", COUNT)
    silhouette = column(Type.DOUBLE, "Mean silhouette on a sample of at most 5,000", Between(-1, 1), nullable=True)
    calinski_harabasz = column(Type.DOUBLE, "Calinski-Harabasz index", COUNT, nullable=True)
    stability = column(Type.DOUBLE, "Bootstrap Jaccard of the cluster that repeats worst", SHARE, nullable=True)
    stability_mean = column(Type.DOUBLE, "Mean of the bootstrap Jaccard of the clusters", SHARE, nullable=True)
    bootstraps = column(Type.BIGINT, "Bootstrap samples behind it", COUNT)
    customers_smallest = column(
        Type.BIGINT, "Customers of the smallest cluster, estimated; NULL below the privacy floor", COUNT, nullable=True
    )
    is_chosen = column(Type.BOOLEAN, "True for the number that was taken")
    reason = column(Type.STRING, "Why it was taken, or why not")
    release_id = keys.release_id()


class cluster_lineage(Table):
    """What became of every cluster since the release looked back at: ids are permanent, a kept one keeps its name."""

    schema = "publish"
    grain = ("as_of_date", "segmentation", "segment")
    slice_by = "as_of_date"
    may_be_empty = True
    as_of_date = keys.as_of_date()
    segmentation = keys.segmentation()
    segment = column(Type.STRING, "Id of the cluster", personal=Personal.BEHAVIOUR)
    label = column(Type.STRING, "Name for people", nullable=True)
    verdict = column(Type.STRING, "What became of it", OneOf(("kept", "split", "merged", "new", "gone")))
    matched_from = column(Type.STRING, "Segment that most of its members were in", nullable=True)
    jaccard = column(
        Type.DOUBLE, "Members shared with that segment, or with the one a gone cluster went into, of both", SHARE,
        nullable=True,
    )  # fmt: skip
    continued_in = column(Type.STRING, "Of a gone cluster: the one that took most of its members", nullable=True)
    stability = column(
        Type.DOUBLE, "Bootstrap Jaccard of the cluster at the fit; below 0.6 it is not to be trusted", SHARE,
        nullable=True,
    )  # fmt: skip
    model_id = _model_id()
    fitted_on = column(Type.DATE, "As-of date of the customers the model was fitted on")
    fitted_because = column(Type.STRING, "Why the model was fitted")
    release_id = keys.release_id()
