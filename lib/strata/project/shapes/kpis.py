"""kpis.yml: what counts as revenue, as active, as asked and as converted over a period."""

from strata.project import scalars as s
from strata.project.models import Kpi
from strata.project.reading import Reader, list_of, optional, record, required, wrapped

EXPRESSIONS = ("revenue", "revenue_before", "active", "active_before", "asked", "converted")

_KPI = record("a period", Kpi, {"period": required(s.period), **{key: optional(s.text) for key in EXPRESSIONS}})

KPIS: Reader[tuple[Kpi, ...]] = wrapped("kpis.yml", "kpis", list_of(_KPI, unique=False))
