from pathlib import Path

import pytest
from tests.injection.kit import SECRET, Bait


@pytest.fixture
def bait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bait:
    monkeypatch.setenv("STRATA_SECRET", SECRET)
    (tmp_path / "bait").mkdir()
    return Bait(tmp_path / "bait")
