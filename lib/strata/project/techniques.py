"""Every definition of a project and of its catalogue: what it reads, and what it can do without. Pure rules.

`strata check --data` holds them against what is stored; here they are held against what sources declare.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from strata.contract.columns import Type
from strata.expression import Name
from strata.expression.tree import Node, renamed
from strata.project.assumed import assumed_sources
from strata.project.checks.expressions import Compiler
from strata.project.checks.features import check_features
from strata.project.checks.sources import check_source
from strata.project.fed import Compiled, Reads, lacking, reads_of
from strata.project.folder import project_files
from strata.project.includes import INCLUDE, including
from strata.project.models import Feature, Project, Segmentation
from strata.project.names import column_names, names_of_features, names_of_scores
from strata.project.needs import only_for, with_needs
from strata.project.notes import Notes, Unreadable
from strata.project.references import closure, named_columns, names_of_audiences, names_of_segmentations
from strata.project.shapes.features import FEATURES, FeatureFile
from strata.project.shapes.segmentations import DEFINITION, Definition
from strata.project.sources import Source
from strata.project.words import mentioned
from strata.project.yaml import Entries, Scalar, read_yaml

ALTERNATIVES = frozenset({"or", "+", "greatest", "least", "coalesce"})
"""Operations that still say something when one of what they put together is missing."""


@dataclass(frozen=True, slots=True)
class Technique:
    """A definition, and what it comes from.

    Attributes:
        segmentation: the definition, with its numbers.
        is_own: whether the project has it; otherwise only its catalogue has.
        reads: feature -> what it looks at; of all features behind the definition and behind those it needs.
        lacks: feature -> what of that no source fills, in words; only those that lack something.
        rules: name of a segmentation, feature column or expression -> how it comes from others.
        leaves: column -> the feature of `reads` that it is of.
        problem: why a definition of the catalogue cannot be compiled for this project; empty when it can.
    """

    segmentation: Segmentation
    is_own: bool
    reads: Mapping[str, Reads]
    lacks: Mapping[str, tuple[str, ...]]
    rules: Mapping[str, Node]
    leaves: Mapping[str, str]
    problem: str = ""

    def works_without(self, missing: Collection[str]) -> bool:
        """Whether some rule can be decided without these features; clusters need all of theirs."""
        return not self.problem and self._works(self.rules[self.segmentation.name], missing) is not False

    def _works(self, node: Node, missing: Collection[str]) -> bool | None:
        """None for what looks at nothing, such as a number."""
        if node.op == "column":
            name = str(node.value)
            if name in self.rules:
                return self._works(self.rules[name], missing)
            return self.leaves[name] not in missing if name in self.leaves else None
        found = [works for works in (self._works(arg, missing) for arg in node.args) if works is not None]
        if not found:
            return None
        return any(found) if node.op in ALTERNATIVES else all(found)


@dataclass(frozen=True, slots=True)
class _Read:
    """All definitions, what features.yml says, the sources with their expressions, and what conditions may name."""

    definitions: Mapping[str, Definition]
    features: FeatureFile
    sources: Sequence[Source]
    compiled: Compiled
    others: Mapping[str, Name]


def read_techniques(project: Project) -> tuple[Technique, ...]:
    """The definitions of a project, and those of its catalogue that it neither includes nor has by name.

    Args:
        project: loaded without problems.

    Raises:
        ProjectError: a definition of the catalogue cannot be read.
    """
    notes = Notes()
    files = project_files(project.folder, notes)
    own = {path.stem: path for path in files.folders["segmentations"]}
    included = {name for path in own.values() for name in _included(path, notes)}
    paths = sorted(project.catalogue.glob("*.yml")) if project.catalogue else []
    shared = {path.stem: path for path in paths if path.stem not in included}
    whole = including(project.catalogue, notes)
    definitions: dict[str, Definition] = {}
    for name, path in sorted({**shared, **own}.items()):
        try:
            definitions[name] = DEFINITION(whole(read_yaml(path, notes)), notes)
        except Unreadable:
            continue
    features = FEATURES(read_yaml(files.single["features.yml"], notes), notes)
    notes.raise_if_any()
    of_sources = Compiler(notes)
    for source in project.sources:
        check_source(source, of_sources)
    others = {
        **names_of_segmentations(d.segmentation for d in definitions.values()),
        **names_of_audiences(project.audiences),
    }
    read = _Read(definitions, features, project.sources, of_sources.compiled, others)
    return tuple(_technique(name, name in own, read) for name in definitions)


def _included(path: Path, notes: Notes) -> tuple[str, ...]:
    node = read_yaml(path, notes)
    name = node.value(INCLUDE) if isinstance(node, Entries) else None
    return (name.words,) if isinstance(name, Scalar) else ()


def _technique(name: str, is_own: bool, read: _Read) -> Technique:
    notes = Notes()
    compiler = Compiler(notes)
    compiler.compiled.update(read.compiled)
    needed = closure([name], [d.segmentation for d in read.definitions.values()])
    file = with_needs(read.features, [read.definitions[s.name] for s in needed], notes)
    file = only_for(file, frozenset().union(*map(_names_of, needed)))
    features = check_features(file, (*read.sources, *assumed_sources(file, read.sources)), compiler)
    rules = {f.name: compiler.compiled[f.of].tree for f in features if f.kind == "expression" and f.of}
    rules |= {s.name: _rules_of(s, read.others, features, compiler) for s in needed}
    reads = {f.name: found for f in features if (found := reads_of(f, file.units, compiler.compiled))}
    lacks = {feature: lacking(found, read.sources, compiler.compiled) for feature, found in reads.items()}
    return Technique(
        segmentation=read.definitions[name].segmentation,
        is_own=is_own,
        reads=reads,
        lacks={feature: columns for feature, columns in lacks.items() if columns},
        rules=rules,
        leaves={column: f.name for f in features if f.name in reads for column in column_names(f)},
        problem=notes.problems[0].what if notes.problems and not is_own else "",
    )


def _names_of(segmentation: Segmentation) -> frozenset[str]:
    """The columns that a definition may mean."""
    return named_columns(segmentation).union(*(mentioned(text.words) for text in segmentation.conditions))


def _rules_of(
    segmentation: Segmentation, others: Mapping[str, Name], features: Sequence[Feature], compiler: Compiler
) -> Node:
    """A definition as one operation over columns: its rules are alternatives."""
    of_features = names_of_features(features)
    names = {**others, **of_features, **names_of_scores(segmentation, of_features)}
    scores = {str(score.score): str(score.of) for score in segmentation.scores}
    whens = [s.when for s in segmentation.segments if s.when is not None]
    rules, base = (
        [renamed(e.tree, scores) for text in texts if (e := compiler.compile(text, names, Type.BOOLEAN))]
        for texts in (whens, [segmentation.base] if segmentation.base else [])
    )
    measured = segmentation.measure.features if segmentation.measure else ()
    all_of = [part.feature for part in segmentation.features] + [name for name in (segmentation.of, *measured) if name]
    whole = Node("and", None, tuple(map(_column, all_of))) if all_of else Node("or", None, tuple(rules))
    return Node("and", None, (*base, whole))


def _column(name: str) -> Node:
    return Node("column", None, value=str(name))
