from strata.contract.cluster_ids import cluster_ids, cluster_number, next_cluster_ids


def test_numbers_go_on_from_the_highest_ever_used() -> None:
    assert next_cluster_ids(3, []) == cluster_ids(3) == ("c1", "c2", "c3")
    assert next_cluster_ids(2, ["c10", "c9", "c2"]) == ("c11", "c12")
    assert next_cluster_ids(0, ["c4"]) == ()


def test_ids_of_another_kind_of_segmentation_have_no_number() -> None:
    assert [cluster_number(s) for s in ("c12", "c0", "c01", "high", "c1x", "")] == [12, 0, 0, 0, 0, 0]
    assert next_cluster_ids(1, ["high", "low"]) == ("c1",)
