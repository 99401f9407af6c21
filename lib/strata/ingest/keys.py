"""The identity key: found in the environment or in a file, never written anywhere else."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from pathlib import Path

from strata.errors import ProjectError
from strata.project.models import Identity

SHORTEST = 32
"""Characters of text, or bytes behind hex digits, that a key has at least."""

AGAIN = "bring back the right one; in a new project remove it, and `strata init` makes another"

_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){32,}")


def read_key(identity: Identity, folder: Path, environ: Mapping[str, str]) -> bytes:
    """The key that turns source ids into pseudonyms.

    Args:
        identity: names the environment variable, which is asked first, and the file.
        folder: folder of the project; a relative `key_file` lies in it.
        environ: the environment of the process.

    Returns:
        The bytes behind 64 or more hex digits; the UTF-8 bytes of any other text. White space around is dropped.

    Raises:
        ProjectError: there is no key, or it is too short. The text of the key is never part of the message.
    """
    from_environment = environ.get(identity.key_env, "").strip()
    if from_environment:
        return _key(from_environment, f"the environment variable {identity.key_env}")
    if identity.key_file:
        path = folder / identity.key_file
        if path.is_file():
            return _key(_text(path), f"the file {path}")
    first = f"in a new project make one with: strata init --project {folder}; else bring back the one it had"
    raise ProjectError(f"there is no identity key: {_places(identity, folder)}\n    {first}")


def check_key(key: bytes, identity: Identity, source_id: str, customer_id: str) -> None:
    """Is this the key that earlier pseudonyms under its `key_id` were made with?

    Args:
        key: as `read_key` found it.
        identity: of the project.
        source_id: a raw id from the identity vault.
        customer_id: its pseudonym there, made as `identity.pseudonym` says.

    Raises:
        ProjectError: it is another key. Neither key nor id is part of the message.
    """
    made = hmac.new(key, source_id.encode(), hashlib.sha256).hexdigest()[: len(customer_id)]
    if hmac.compare_digest(made, customer_id):
        return
    places = f"the environment variable {identity.key_env}"
    places += f", then the file {identity.key_file} in the project's folder" if identity.key_file else ""
    found = f"the identity key is not the one that the customer ids of key_id {identity.key_id} were made with"
    raise ProjectError(f"{found}\n    put the right one back; it is looked for in {places}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise ProjectError(f"the identity key in the file {path} is no text\n    {AGAIN}") from None
    except OSError as error:
        raise ProjectError(f"the identity key in the file {path} cannot be read: {error.strerror}") from None


def _key(text: str, place: str) -> bytes:
    if len(text) < SHORTEST:
        found = f"the identity key in {place} has {len(text)} characters, expected at least {SHORTEST}"
        raise ProjectError(f"{found}\n    {AGAIN}")
    return bytes.fromhex(text) if _HEX.fullmatch(text) else text.encode()


def _places(identity: Identity, folder: Path) -> str:
    variable = f"the environment variable {identity.key_env} is not set"
    return f"{variable}, and there is no file {folder / identity.key_file}" if identity.key_file else variable
