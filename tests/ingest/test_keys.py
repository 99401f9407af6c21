import hashlib
import hmac
from pathlib import Path

import pytest

from strata.errors import ProjectError
from strata.ingest.keys import check_key, read_key
from strata.project.models import Identity

IDENTITY = Identity("demo-1", "STRATA_KEY", "secrets/identity.key")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    return tmp_path


def test_the_environment_is_asked_before_the_file(folder: Path) -> None:
    (folder / IDENTITY.key_file).write_text("f" * 40)  # type: ignore[operator]
    assert read_key(IDENTITY, folder, {"STRATA_KEY": "x" * 32}) == b"x" * 32
    assert read_key(IDENTITY, folder, {}) == b"f" * 40


def test_sixty_four_hex_digits_are_thirty_two_bytes(folder: Path) -> None:
    assert read_key(IDENTITY, folder, {"STRATA_KEY": "0a" * 32 + "\n"}) == b"\n" * 32


def test_other_text_is_its_utf8_bytes(folder: Path) -> None:
    text = "ключ до всіх імен, довгий і таємний"  # noqa: RUF001 - Ukrainian
    assert read_key(IDENTITY, folder, {"STRATA_KEY": text}) == text.encode()


def test_without_a_key_the_error_says_where_it_looked_and_how_to_make_one(folder: Path) -> None:
    with pytest.raises(ProjectError) as error:
        read_key(IDENTITY, folder, {})
    assert "STRATA_KEY" in str(error.value)
    assert "secrets/identity.key" in str(error.value)
    assert f"strata init --project {folder}" in str(error.value)
    assert error.value.exit_code == 2


def test_a_short_key_is_refused_and_never_shown(folder: Path) -> None:
    with pytest.raises(ProjectError) as error:
        read_key(IDENTITY, folder, {"STRATA_KEY": "hunter2hunter2"})
    assert "14 characters" in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("held", "says"),
    [(b"", "has 0 characters"), (b"\xff\xfe" * 20, "is no text"), (None, "cannot be read: Permission denied")],
)
def test_a_file_that_holds_no_key_is_refused_and_not_to_be_made_anew(folder, monkeypatch, held, says) -> None:
    def unreadable(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    (folder / "secrets" / "identity.key").write_bytes(b"k" * 40 if held is None else held)
    if held is None:
        monkeypatch.setattr(Path, "read_text", unreadable)
    with pytest.raises(ProjectError, match=says) as error:
        read_key(IDENTITY, folder, {})
    assert "identity.key" in str(error.value)
    assert held is None or "bring back the right one" in str(error.value)


def test_another_key_under_the_same_id_is_refused_and_nothing_of_it_is_shown() -> None:
    right, wrong = b"r" * 32, b"w" * 32
    made = hmac.new(right, b"anna", hashlib.sha256).hexdigest()[:32]
    check_key(right, IDENTITY, "anna", made)
    with pytest.raises(
        ProjectError, match="not the one that the customer ids of key_id demo-1 were made with"
    ) as error:
        check_key(wrong, IDENTITY, "anna", made)
    assert error.value.exit_code == 2
    assert "STRATA_KEY" in str(error.value)
    assert "secrets/identity.key" in str(error.value)
    assert not [secret for secret in ("w" * 32, "anna", made) if secret in str(error.value)]
