"""The session is held against what the project says of commits; settings are all that is asked of it."""

from types import SimpleNamespace

import pytest

from strata.errors import ProjectError
from strata.project.models import Storage
from strata.storage.log_stores import check_log_stores, log_store_settings

STORE = "io.delta.storage.S3DynamoDBLogStore"
KEY = "spark.delta.logStore.s3a.impl"
DECLARED = Storage("s3a://bucket/x", log_store=STORE)


def session(**settings):
    return SimpleNamespace(conf=SimpleNamespace(getAll={"spark.app.name": "x"} | settings))


def test_a_session_with_the_declared_log_store_is_used():
    assert log_store_settings(DECLARED) == {KEY: STORE}
    check_log_stores(session(**{KEY: STORE}), DECLARED)
    check_log_stores(session(), Storage("warehouse"))
    check_log_stores(session(), Storage("s3a://bucket/x", single_writer=True))


def test_a_session_with_another_log_store_is_refused_with_the_words_that_mend_it():
    with pytest.raises(ProjectError, match=f"the session has none as {KEY}; add --conf {KEY}={STORE} to spark-submit"):
        check_log_stores(session(), DECLARED)
    with pytest.raises(ProjectError, match=f"the session has a.b.C as {KEY}"):
        check_log_stores(session(**{KEY: "a.b.C"}), DECLARED)


@pytest.mark.parametrize("key", ["spark.delta.logStore.file.impl", "spark.delta.logStore.class", KEY])
def test_the_local_log_store_is_refused_everywhere(key):
    with pytest.raises(ProjectError, match="it lets two runs make the same commit"):
        check_log_stores(session(**{key: "io.delta.storage.LocalLogStore"}), Storage("warehouse"))
