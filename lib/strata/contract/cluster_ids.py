"""The segment ids of clusters; published, so said in one place."""


def cluster_ids(count: int) -> tuple[str, ...]:
    """Segment ids of `count` clusters: c1, the largest at the time of the fit, to c<count>."""
    return tuple(f"c{number}" for number in range(1, count + 1))
