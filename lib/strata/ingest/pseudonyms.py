"""Source ids become pseudonyms in Python: the twin of `identity` for one id at a time, where no Spark runs."""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable

from strata.contract.columns import Type
from strata.project.audiences import Normaliser as ListIds
from strata.project.names import delivered_types
from strata.project.sources import Normaliser, Source

BLANKS = " \t\r\n\u00a0\ufeff"
FORMS = {
    "msisdn": r"^[0-9]{5,15}$",
    "email": r"^[^@\s]+@[^@\s]+$",
}
"""What a normalised id of a kind looks like."""
PLACEHOLDERS = frozenset({
    "null", "none", "nil", "nan", "na", "n/a", "#n/a", "undefined", "unknown", "(null)", "<null>", "\\n", "-", "--",
    "?",
})  # fmt: skip
"""Words in lower case that stand where no id was known: taken for ids, all of those would be one customer."""
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
    if text.lower() in PLACEHOLDERS:
        return None
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


def forms_of(kind: ListIds, sources: Iterable[Source]) -> Callable[[str], tuple[str, ...]]:
    """The forms in which an id of a list may be known: one for every way in which sources take theirs.

    `017` is 17 where they deliver whole numbers; what can be no id has none. A pseudonym is itself, in lower case.
    """
    if kind == "customer_id":
        return lambda written: (written.strip().lower(),)
    taken = [(delivered_types(s), m.source) for s in sources for m in s.columns if m.identity == kind and m.source]
    types = sorted({delivered[name] for delivered, name in taken} or {Type.STRING})

    def forms(written: str) -> tuple[str, ...]:
        made = (normalise(kind, written, delivered) for delivered in types)
        return tuple(dict.fromkeys(form for form in made if form is not None))

    return forms
