"""Source ids become pseudonyms in Python: the twin of `identity` for one id at a time, where no Spark runs."""

import hashlib
import hmac
import re
from collections.abc import Iterable

from strata.contract.columns import Type
from strata.project.names import delivered_types
from strata.project.sources import Normaliser, Source

BLANKS = " \t\r\n\u00a0\ufeff"
FORMS = {
    "msisdn": r"^[0-9]{5,15}$",
    "email": r"^[^@\s]+@[^@\s]+$",
}
"""What a normalised id of a kind looks like."""
_INSIDE_NUMBERS = str.maketrans("", "", " ()-\u00a0\t")
_DIGITS = 32


def pseudonym_of(source_id: str, key: bytes) -> str:
    """The first 128 bits of HMAC-SHA256 of a normalised id, as 32 hex digits; the twin of `identity.pseudonym`."""
    return hmac.new(key, source_id.encode(), hashlib.sha256).hexdigest()[:_DIGITS]


def normalise(kind: Normaliser, written: str, delivered: Type) -> str | None:
    """The form of an id that is hashed; None where it cannot be one. The twin of `normalised` and `well_formed`."""
    if delivered is Type.BIGINT:
        text = str(int(written)) if re.fullmatch(r"\s*[+-]?[0-9]{1,19}\s*", written, re.ASCII) else ""
    else:
        text = written.strip(BLANKS) if delivered is Type.STRING else ""
    if kind == "msisdn":
        text = re.sub(r"^(\+|00)", "", text.translate(_INSIDE_NUMBERS))
    if kind == "email":
        text = text.lower()
    return text if text and (kind == "plain" or re.search(FORMS[kind], text, re.ASCII)) else None


def possible_ids(sources: Iterable[Source], written: str) -> tuple[str, ...]:
    """The normalised ids that a person may mean, one for each way in which sources take theirs; mostly just one."""
    found = []
    for source in sources:
        types = delivered_types(source)
        for mapped in source.columns:
            if mapped.identity is not None and mapped.source is not None:
                found.append(normalise(mapped.identity, written, types[mapped.source]))
    return tuple(dict.fromkeys(text for text in found if text is not None))
