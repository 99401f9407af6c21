"""kpis.yml: a period is declared once, its expressions compile, and what makes a rate is there together."""

from collections.abc import Mapping, Sequence

from strata.contract.columns import Type
from strata.expression import Name
from strata.project.checks.expressions import Compiler
from strata.project.models import Kpi
from strata.project.words import place_of

_AMOUNTS = ("revenue", "revenue_before")
_RATES = (("active", "active_before"), ("asked", "converted"))


def check_kpis(kpis: Sequence[Kpi], names: Mapping[str, Name] | None, compiler: Compiler) -> None:
    """Everything about kpis.yml; `names` None: the features are not known, because their file cannot be read."""
    first: dict[str, Kpi] = {}
    for kpi in kpis:
        before = first.setdefault(kpi.period, kpi)
        if before is not kpi:
            what = f"a second period `{kpi.period}`, the first is at line {before.where.line}"
            compiler.notes.add(place_of(kpi.period), what, "keep one of them")
        _check(kpi, names, compiler)


def _check(kpi: Kpi, names: Mapping[str, Name] | None, compiler: Compiler) -> None:
    for key in _AMOUNTS:
        if text := getattr(kpi, key):
            compiler.compile(text, names, Type.MONEY)
    for pair in _RATES:
        given = [key for key in pair if getattr(kpi, key)]
        for key in given:
            compiler.compile(getattr(kpi, key), names, Type.BOOLEAN)
        if len(given) == 1:
            other = next(key for key in pair if key not in given)
            compiler.notes.add(kpi.where, f"`{given[0]}` without `{other}`", "a rate needs both, or leave both out")
