"""A folder of YAML becomes a checked project, or the list of everything that is wrong with it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from strata.project.audiences import Audience
from strata.project.checks.audiences import check_audiences
from strata.project.checks.expressions import Compiler
from strata.project.checks.features import check_features
from strata.project.checks.kpis import check_kpis
from strata.project.checks.lookups import check_lookup_names
from strata.project.checks.policies import check_checks, check_history, check_recipients, wide_tables
from strata.project.checks.recommendations import check_items_fed, check_recommendation
from strata.project.checks.segmentations import check_fed, check_privacy, check_segmentations
from strata.project.checks.sources import check_extras, check_source
from strata.project.checks.units import check_roll_up, names_per_unit
from strata.project.completed import complete_audiences
from strata.project.folder import project_files
from strata.project.hashes import config_hash, definition_hashes
from strata.project.heading import read_heading
from strata.project.includes import catalogue_of, including
from strata.project.models import Feature, Kpi, Project, Segmentation
from strata.project.names import names_of_features
from strata.project.needs import with_needs
from strata.project.notes import Notes, Unreadable
from strata.project.policies import Check, History, Privacy
from strata.project.reading import Reader
from strata.project.recommendations import Recommendation
from strata.project.shapes.audiences import AUDIENCE
from strata.project.shapes.features import FEATURES, FeatureFile
from strata.project.shapes.header import Header
from strata.project.shapes.kpis import KPIS
from strata.project.shapes.policies import OFFERS, PRIVACY, QUALITY
from strata.project.shapes.recommendations import RECOMMENDATION
from strata.project.shapes.segmentations import DEFINITION, Definition
from strata.project.shapes.sources import SOURCE
from strata.project.sources import Source
from strata.project.words import place_of
from strata.project.yaml import Entries, Node, read_yaml

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the files say, not yet held against each other; None: the file cannot be read."""

    header: Header | None
    sources: tuple[Source, ...]
    features: FeatureFile | None
    definitions: tuple[Definition, ...]
    audiences: tuple[Audience, ...]
    recommendations: tuple[Recommendation, ...]
    offers: Mapping[str, str] | None
    quality: tuple[tuple[Check, ...], History] | None
    privacy: Privacy | None
    kpis: tuple[Kpi, ...] | None

    @property
    def checks(self) -> tuple[Check, ...]:
        """Those of quality.yml that could be read."""
        return self.quality[0] if self.quality else ()

    @property
    def history(self) -> History:
        """That of quality.yml."""
        return self.quality[1] if self.quality else History()

    @property
    def segmentations(self) -> tuple[Segmentation, ...]:
        """The segmentations themselves."""
        return tuple(d.segmentation for d in self.definitions)


def load_project(folder: Path, settings: Mapping[str, str] | None = None) -> Project:
    """The project in `folder`, every expression of it compiled.

    Args:
        folder: where project.yml lies.
        settings: scalars of project.yml to set, by dotted path: {"storage.root": "/tmp/x", "variables.landing": "/d"};
            an empty value removes the key.

    Raises:
        ProjectError: all problems of all files, by file and line.
    """
    notes = Notes()
    try:
        parts = _read(folder, settings or {}, notes)
        project = _checked(folder, parts, notes)
    except Unreadable:
        project = None
    notes.raise_if_any()
    if project is None:
        raise AssertionError("a project without problems was not built")
    return project


def _read(root: Path, settings: Mapping[str, str], notes: Notes) -> _Parts:
    files = project_files(root, notes)
    heading = read_heading(files.single.get("project.yml"), settings, notes)

    def of_source(node: Node) -> Node:
        if not isinstance(node, Entries):
            return node
        places = {key: entry for key, entry in node.by_key.items() if key in ("read", "lookups")}
        filled = {key: (written, heading.filled(value, notes)) for key, (written, value) in places.items()}
        return replace(node, by_key={**node.by_key, **filled})

    def of_audience(node: Node) -> Node:
        if not isinstance(node, Entries) or "list" not in node.by_key:
            return node
        written, value = node.by_key["list"]
        return replace(node, by_key={**node.by_key, "list": (written, heading.filled(value, notes))})

    def single(name: str, reader: Reader[T], absent: T | None) -> T | None:
        return _file(files.single[name], reader, notes, _as_is) if name in files.single else absent

    def folder(name: str, reader: Reader[T], prepare: Callable[[Node], Node] = _as_is) -> tuple[T, ...]:
        read = {path.stem: _file(path, reader, notes, prepare) for path in files.folders[name]}
        for unread in (stem for stem, definition in read.items() if definition is None):
            notes.doubt(unread)
        return tuple(definition for definition in read.values() if definition is not None)

    no_offers: Mapping[str, str] = {}
    no_checks: tuple[tuple[Check, ...], History] = ((), History())
    no_kpis: tuple[Kpi, ...] = ()
    included = including(catalogue_of(root, heading.includes), notes, is_known=heading.variables is not None)
    return _Parts(
        header=heading.header,
        sources=folder("sources", SOURCE, of_source),
        features=single("features.yml", FEATURES, None),
        definitions=folder("segmentations", DEFINITION, included),
        audiences=folder("audiences", AUDIENCE, of_audience),
        recommendations=folder("recommendations", RECOMMENDATION),
        offers=single("offers.yml", OFFERS, no_offers),
        quality=single("quality.yml", QUALITY, no_checks),
        privacy=single("privacy.yml", PRIVACY, Privacy(())),
        kpis=single("kpis.yml", KPIS, no_kpis),
    )


def _file(path: Path, reader: Reader[T], notes: Notes, prepare: Callable[[Node], Node]) -> T | None:
    """What a file says; when it cannot be read, the extra columns it may declare are doubted."""
    node: Node | None = None
    try:
        node = prepare(read_yaml(path, notes))
        return reader(node, notes)
    except Unreadable:
        extra = node.value("extra") if isinstance(node, Entries) else None
        for name in extra.by_key if isinstance(extra, Entries) else ():
            notes.doubt(name)
        return None


def _as_is(node: Node) -> Node:
    return node


def _checked(folder: Path, parts: _Parts, notes: Notes) -> Project | None:
    compiler = Compiler(notes)
    _check_files("source", (s.name for s in parts.sources), notes)
    _check_files("segmentation", (s.name for s in parts.segmentations), notes)
    _check_files("audience", (a.name for a in parts.audiences), notes)
    _check_files("recommendation", (r.name for r in parts.recommendations), notes)
    for source in parts.sources:
        check_source(source, compiler)
    check_extras(parts.sources, notes)
    check_lookup_names(parts.sources, notes)
    if parts.features:
        parts = replace(parts, features=with_needs(parts.features, parts.definitions, notes))
    everything = check_features(parts.features, parts.sources, compiler) if parts.features else None
    features = None if everything is None else tuple(f for f in everything if f.per is None)
    names = names_of_features(features) if features is not None else None
    published = parts.features.publish if parts.features else ()
    for name in published if names is not None else ():
        notes.expect_known(name, names or (), "feature")
    parts = replace(parts, definitions=tuple(_with_floor(d, parts.privacy) for d in parts.definitions))
    of_units = names_per_unit(parts.features.units if parts.features else (), everything)
    check_segmentations(parts.segmentations, parts.audiences, names, of_units, parts.offers, compiler)
    for segmentation in parts.segmentations:
        check_privacy(segmentation, parts.privacy, compiler)
    for segmentation in parts.segmentations if parts.features else ():
        check_roll_up(segmentation, of_units, compiler)
    audiences = complete_audiences(parts.audiences, parts.privacy or Privacy(()), parts.segmentations, folder)
    check_audiences(audiences, features, parts.segmentations, parts.privacy, compiler)
    check_recipients(parts.privacy or Privacy(()), [a.name for a in audiences], notes)
    for recommendation in parts.recommendations:
        check_recommendation(recommendation, parts.sources, parts.privacy, compiler)
    check_kpis(parts.kpis or (), names, compiler)
    wide = wide_tables(published if names is not None else None, [s.name for s in parts.segmentations])
    check_checks(parts.checks, wide, notes)
    check_history(parts.history, notes)
    if not notes.problems:  # else what lacks may lack because of them
        _check_fed(parts, everything or (), audiences, compiler)
    project = None if notes.problems else _project(folder, parts, everything or (), audiences)
    if project is None:
        return None
    project = replace(project, definition_hashes=definition_hashes(project, compiler.compiled))
    return replace(project, config_hash=config_hash(project))


def _check_fed(
    parts: _Parts, everything: tuple[Feature, ...], audiences: tuple[Audience, ...], compiler: Compiler
) -> None:
    units = parts.features.units if parts.features else ()
    check_fed((*parts.segmentations, *audiences), everything, units, parts.sources, compiler)
    for recommendation in parts.recommendations:
        check_items_fed(recommendation, parts.sources, compiler)


def _project(
    folder: Path, parts: _Parts, everything: tuple[Feature, ...], audiences: tuple[Audience, ...]
) -> Project | None:
    header, privacy = parts.header, parts.privacy
    if header is None or privacy is None or parts.features is None:
        return None
    return Project(
        name=header.project, folder=folder, currency=header.currency, time_zone=header.time_zone,
        starts_on=header.starts_on, identity=header.identity, retention_days=header.retention_days,
        storage=header.storage, sources=parts.sources, features=tuple(f for f in everything if f.per is None),
        units=parts.features.units, unit_features=tuple(f for f in everything if f.per is not None),
        published_features=parts.features.publish, segmentations=parts.segmentations, audiences=audiences,
        recommendations=parts.recommendations, offers=parts.offers or {}, checks=parts.checks, privacy=privacy,
        history=parts.history, kpis=parts.kpis or (), keep=header.keep,
        catalogue=catalogue_of(folder, header.includes),
    )  # fmt: skip


def _with_floor(definition: Definition, privacy: Privacy | None) -> Definition:
    """A value of an attribute that nobody listed is a segment, or measured, from the project's smallest cell on."""
    segmentation, least = definition.segmentation, (privacy or Privacy(())).cell_floor
    if segmentation.kind != "attribute" or (segmentation.segments and segmentation.measure is None):
        return definition
    return replace(definition, segmentation=replace(segmentation, floor=max(segmentation.floor, least)))


def _check_files(what: str, names: Iterable[str], notes: Notes) -> None:
    """One definition per name, in the file of that name."""
    seen: dict[str, str] = {}
    for name in names:
        first, where = place_of(seen.setdefault(name, name)), place_of(name)
        if first is not where and first is not None:
            notes.add(where, f"a second {what} `{name}`, the first is in {first.file}", "rename one")
        elif where is not None and Path(where.file).stem != name:
            notes.add(where, f"the {what} `{name}` lies in a file of another name", f"rename the file to {name}.yml")
