"""The corpus: texts that would be obeyed by somebody careless, and how one knows that nobody did."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

CORPUS = Path(__file__).parent / "corpus"
SECRET = "a-secret-of-strata-7c1e90"
LINES, LISTS = ("sql", "quotes", "html", "formulas", "paths", "templates"), ("control", "yaml")
OBEYED = [c for c in map(chr, range(0xA0)) if c not in "\n\t" and not c.isprintable()] + list(
    "\u2028\u2029\u202e\u2066"
)
"""What a terminal or a log may not be given."""


@dataclass(frozen=True)
class Bait:
    """A folder with a file that nobody may read, and the name of one that nobody may make."""

    place: Path

    def __post_init__(self) -> None:
        self.secret_file.write_text(SECRET)

    @property
    def canary(self) -> Path:
        return self.place / "canary"

    @property
    def secret_file(self) -> Path:
        return self.place / "secret.txt"

    @cached_property
    def families(self) -> dict[str, list[str]]:
        """Family -> its texts."""
        lines = {name: (CORPUS / f"{name}.txt").read_text("utf-8").removesuffix("\n").split("\n") for name in LINES}
        lists = {name: yaml.safe_load((CORPUS / f"{name}.yml").read_text("utf-8")) for name in LISTS}
        return {name: list(map(self._filled, texts)) for name, texts in (lines | lists).items()}

    @property
    def texts(self) -> list[str]:
        """All that may stand in a line, a value or a name; documents of YAML are for files."""
        return [text for family, texts in self.families.items() if family != "yaml" for text in texts]

    def require_untouched(self, *said: str) -> None:
        """Nothing was made, nothing was read, and nothing was said that a terminal obeys."""
        assert not self.canary.exists(), "the canary was made"
        for text in said:
            assert SECRET not in text
            assert [c for c in OBEYED if c in text] == []

    def _filled(self, text: str) -> str:
        return text.replace("CANARY", str(self.canary)).replace("SECRET_FILE", str(self.secret_file))
