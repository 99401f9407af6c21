"""Where tables may live: what needs a word of the project, and what does not."""

from pathlib import Path

import pytest

from strata.errors import ProjectError
from strata.project.load import load_project

GROCERY = Path("conf/grocery")


def storage(**settings):
    return load_project(GROCERY, {f"storage.{name}": value for name, value in settings.items()}).storage


@pytest.mark.parametrize("scheme", ["gs", "abfss", "abfs", "hdfs", "file"])
def test_storage_that_makes_a_commit_once_needs_no_more_than_its_root(scheme):
    assert storage(root=f"{scheme}://place/x").scheme == scheme
    assert not storage(root=f"{scheme}://place/x").is_local


@pytest.mark.parametrize("scheme", ["s3", "s3a", "s3n", "S3A", "oci"])
def test_other_storage_needs_a_single_writer_or_a_log_store(scheme):
    root = f"{scheme}://bucket/x"
    with pytest.raises(ProjectError, match=r"storage: root: on \w+:// two runs at once"):
        storage(root=root)
    assert storage(root=root, single_writer="true").single_writer
    assert storage(root=root, log_store="io.delta.storage.S3DynamoDBLogStore").log_store
    with pytest.raises(ProjectError, match="two runs at once"):
        storage(root=root, single_writer="false")


@pytest.mark.parametrize("root", ["~/x", "~me/x", "file:/x", "s3a:bucket/x", "C:/x"])
def test_what_only_looks_like_a_place_is_no_folder(root):
    with pytest.raises(ProjectError, match=r"which would be a folder of that name where strata is started"):
        storage(root=root)
    assert storage(root=f"./{root}").is_local


def test_a_folder_has_no_scheme_and_a_catalog_no_root():
    assert storage().scheme is None
    assert storage(root="", catalog="main", prefix="x_").scheme is None
