"""A shop with 240 customers, run by its command line: small enough to try what goes wrong around a run."""

import io
import textwrap
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from tests.end_to_end.kit import Said
from tests.ingest.kit import PURCHASES

from strata.cli import main

CUSTOMERS = 240
FIRST, SECOND, THIRD = (date(2024, 3, n) for n in (1, 2, 3))
PROJECT = """
project: tiny
currency: UAH
time_zone: Europe/Kyiv
starts_on: 2024-01-01
identity: {key_id: test-1, key_env: TINY_KEY, key_file: .strata/identity.key}
retention_days: 30
storage: {root: warehouse}
variables: {landing: landing}
"""
FEATURES = """
features:
  - {name: spend_28d, kind: sum, of: amount, days: 28, unit: currency, description: Paid}
  - {name: purchase_days_28d, kind: active_days, days: 28, description: Days with a purchase}
publish: [spend_28d, purchase_days_28d]
"""
SEGMENTATION = """
segmentation: spending
version: 1
technique: value
owner: crm
task: Tell those who spend much
kind: rules
segments:
  - {segment: much, label: Much, when: "spend_28d >= 250"}
  - {segment: little, label: Little, when: "spend_28d < 250"}
otherwise: little
"""
AUDIENCE = """
audience: good_ones
kind: rule
owner: crm
purpose: {purpose}
include: "spending = 'much'"
"""
PRIVACY = """
purposes:
  email: {basis: consent, description: Offers by e-mail}
  direct_mail: {basis: legitimate_interest, description: Offers by mail}
floors: {cell: 10, audience: 100, seed: 100}
"""
CONSENTS = """
source: consents
description: What shoppers allow
feeds: consents
read: {format: csv, path: "${landing}/consents*.csv"}
schema: {shopper: STRING, purpose: STRING, basis: STRING, granted: STRING, since: STRING}
delivery: {mode: append}
key: [shopper, purpose, basis, since]
columns:
  customer_id: {from: shopper, identity: plain}
  purpose:     {from: purpose}
  basis:       {from: basis}
  granted:     {from: granted, map: {y: "true", n: "false"}}
  valid_from:  {from: since, type: date}
"""


@dataclass(frozen=True)
class Tiny:
    """Its folder; tables lie in `warehouse` beside the definitions unless `settings` says otherwise."""

    folder: Path
    settings: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        return self.folder / "warehouse"

    def strata(self, job: str, *words: str) -> Said:
        out, err = io.StringIO(), io.StringIO()
        told = [job, "--project", str(self.folder), *words, *(w for s in self.told() for w in ("--set", s))]
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = main(told)
            except SystemExit as ended:
                code = int(str(ended.code))
        return Said(code, out.getvalue(), err.getvalue())

    def told(self) -> tuple[str, ...]:
        return (f"storage.root={self.root}", f"variables.landing={self.folder / 'landing'}", *self.settings)

    def run(self, as_of: date, *words: str) -> Said:
        return self.strata("run", "--as-of", str(as_of), *words)

    def read(self, table: str, version: int | None = None) -> pl.DataFrame:
        return pl.read_delta(str(self.root / table), version=version)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))

    def buy(self, day: date, customers: range = range(CUSTOMERS)) -> None:
        """What is bought on a day: the same by everybody every day, the more the higher the number."""
        rows = [f"{day}-{n},s{n},{day}T10:00:00Z,{10 * n + 5}.00" for n in customers]
        self.write(f"landing/purchases-{day}.csv", "\n".join(["receipt,shopper,at,paid", *rows, ""]))

    def say(self, name: str, *lines: str) -> None:
        """What customers say: number, purpose, basis, y or n, since."""
        rows = [f"s{line}" for line in lines]
        self.write(f"landing/consents-{name}.csv", "\n".join(["shopper,purpose,basis,granted,since", *rows, ""]))

    def releases(self) -> pl.DataFrame:
        return self.read("publish/releases").sort("sequence", "table_name")

    def id_of(self, day: date) -> str:
        """The newest release about a day."""
        rows = self.releases().filter(pl.col("as_of_date") == day)
        return str(rows["release_id"][-1])

    def contents(self, sequence: int) -> dict[str, tuple[int, str]]:
        rows = self.releases().filter(pl.col("sequence") == sequence).to_dicts()
        return {r["table_name"]: (r["row_count"], r["content_hash"]) for r in rows}


def tiny_shop(folder: Path, days: int = 3) -> Tiny:
    """Definitions, a key, and what was bought and said on the first days of March 2024."""
    shop = Tiny(folder)
    for name, text in {"project": PROJECT, "features": FEATURES, "privacy": PRIVACY}.items():
        shop.write(f"{name}.yml", text)
    shop.write("segmentations/spending.yml", SEGMENTATION)
    shop.write("audiences/good_ones.yml", AUDIENCE.format(purpose="email"))
    shop.write("sources/purchases.yml", PURCHASES)
    shop.write("sources/consents.yml", CONSENTS)
    shop.write(".strata/identity.key", "a1" * 32 + "\n")
    for n in range(days):
        shop.buy(FIRST + timedelta(days=n))
    shop.say("first", *[f"{n},email,consent,y,2024-01-05" for n in range(CUSTOMERS)])
    return shop
