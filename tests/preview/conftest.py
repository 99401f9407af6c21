from pathlib import Path

import pytest
from tests.preview.kit import Stored, stored


@pytest.fixture
def shop(tmp_path: Path) -> Stored:
    """A copy of conf/grocery without tables."""
    return stored(tmp_path)
