"""A project whose tables deltalake has written, as a run of strata would have left them: no JVM anywhere."""

import io
import shutil
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from deltalake import write_deltalake
from tests.end_to_end.kit import Said
from tests.expression.test_agreement import ARROW
from tests.project.grocery import copy_of_grocery
from tests.segments.definitions import customer

from strata.cli import main
from strata.contract.columns import Table, Type
from strata.contract.operations import cluster_models, releases
from strata.contract.published import segment_catalog, segment_membership
from strata.project.load import load_project
from strata.project.models import Project
from strata.project.names import names_of_features
from strata.publish.catalog import catalog_rows
from strata.segments.model import ClusterModel

CONF = Path("conf/grocery")
AS_OF = date(2017, 12, 31)
MOMENT = datetime(2018, 1, 1, tzinfo=UTC)
YOUNG = datetime(2100, 1, 1, tzinfo=UTC)
"""A release of this moment is never older than what Delta keeps."""
KEY = "k" * 40
CURRENT: Mapping[str, Any] = {
    "known_at": MOMENT, "released_at": MOMENT, "sequence": 1, "kind": "regular", "status": "released",
    "release_id": "a" * 32, "as_of_date": AS_OF, "is_current": True, "delta_version": 0,
}  # fmt: skip
"""A row of `releases` but for its table."""
Mode = Literal["overwrite", "append"]
ZERO: Mapping[Type, Any] = {Type.BIGINT: 0, Type.MONEY: Decimal(0), Type.DOUBLE: 0.0, Type.BOOLEAN: False}
MORE = {
    Type.INSTANT: pa.timestamp("us", "UTC"), Type.STRINGS: pa.list_(pa.string()),
    Type.VECTORS: pa.list_(pa.list_(pa.float64())),
}  # fmt: skip


@dataclass
class Stored:
    """A copy of conf/grocery and a folder of tables."""

    folder: Path
    root: Path

    @property
    def project(self) -> Project:
        return load_project(self.folder)

    def strata(self, *words: str) -> Said:
        out, err = io.StringIO(), io.StringIO()
        told = [*words, "--project", str(self.folder), "--set", f"storage.root={self.root}", "--verbose"]
        with redirect_stdout(out), redirect_stderr(err):
            code = main(told)
        return Said(code, out.getvalue(), err.getvalue())

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        if old not in text:
            raise AssertionError(f"{file} does not hold {old!r}")
        path.write_text(text.replace(old, new))

    def define(self, name: str, text: str) -> None:
        head = f"segmentation: {name}\nversion: 1\ntechnique: t\nowner: o\ntask: t\n"
        (self.folder / "segmentations" / f"{name}.yml").write_text(head + text)

    def only(self, *names: str) -> None:
        """Leave out the other definitions of the project."""
        for path in (self.folder / "segmentations").iterdir():
            if path.stem not in names:
                path.unlink()

    def put(self, table: type[Table], rows: Sequence[Mapping[str, Any]]) -> None:
        fields = [pa.field(str(c), (ARROW | MORE)[c.type]) for c in table.columns]
        found = pa.Table.from_pylist([{f.name: row.get(f.name) for f in fields} for row in rows], pa.schema(fields))
        parts = [table.partition_by] if table.partition_by else None
        write_deltalake(str(self.root / table.schema / table.__name__), found, mode="overwrite", partition_by=parts)

    def put_snapshot(self, rows: Sequence[Mapping[str, Any]], as_of: date = AS_OF, mode: Mode = "overwrite") -> None:
        """Customers 0, 1, ... with these features; those not given are 0, or not known where that can be."""
        names = names_of_features(self.project)
        absent = {name: None if found.nullable else ZERO[found.type] for name, found in names.items()}
        fields = {name: pa.field(name, ARROW[found.type]) for name, found in names.items()}
        schema = pa.schema(
            [pa.field("as_of_date", pa.date32()), pa.field("customer_id", pa.string()), *fields.values()]
        )
        made = [
            {**absent, "as_of_date": as_of, "customer_id": customer(place), **row} for place, row in enumerate(rows)
        ]
        write_deltalake(str(self.root / "features" / "snapshot"), pa.Table.from_pylist(made, schema), mode=mode)

    def release(self, segments: Mapping[str, Sequence[str | None]], as_of: date = AS_OF) -> None:
        """Release the definitions as they are, with these segments of customers 0, 1, ..."""
        project = self.project
        catalog = catalog_rows(project.segmentations, project.offers, project.definition_hashes, as_of)
        self.put(segment_catalog, [{**row, "release_id": "a" * 32} for row in catalog])
        members = [
            {
                "release_id": CURRENT["release_id"],
                "as_of_date": as_of,
                "customer_id": customer(place),
                "segmentation": name,
                "version": 1,
                "segment": segment,
            }
            for name, found in segments.items()
            for place, segment in enumerate(found)
        ]
        self.put(segment_membership, members)
        tables = (segment_catalog, segment_membership)
        self.put(releases, [{**CURRENT, "as_of_date": as_of, "table_name": table.full_name()} for table in tables])

    def put_model(self, model: ClusterModel) -> None:
        self.put(cluster_models, [model.to_row()])


def stored(place: Path, conf: Path = CONF) -> Stored:
    if conf == CONF:
        folder = copy_of_grocery(place)
        shutil.rmtree(folder / ".strata", ignore_errors=True)
        return Stored(folder, place / "warehouse")
    folder = place / conf.name
    shutil.copytree(conf, folder, ignore=shutil.ignore_patterns(".strata"))
    shutil.copytree(conf.parent / "catalogue", place / "catalogue")
    return Stored(folder, place / "warehouse")
