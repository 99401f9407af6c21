"""A release with audiences, as deltalake writes it: members, differences, catalogue, vault, consents."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from tests.preview.kit import AS_OF, CURRENT, Stored
from tests.segments.definitions import customer

from strata.contract.audience_changes import audience_changes
from strata.contract.bronze import identity_vault
from strata.contract.columns import Table
from strata.contract.lists import audience_catalog, audience_membership
from strata.contract.operations import releases
from strata.contract.published import segment_catalog, segment_membership

WINE = "next_wine_buyers"
TABLES: tuple[type[Table], ...] = (
    segment_catalog, segment_membership, audience_catalog, audience_membership, audience_changes,
)  # fmt: skip


def member(place: int, **more: Any) -> dict[str, Any]:
    """A member of `WINE`: customer `place`, ranked so."""
    return {
        "as_of_date": AS_OF, "audience": WINE, "customer_id": customer(place), "score": 0.5, "audience_rank": place + 1,
        "origin": "lookalike", "holdout": False, "entered_on": AS_OF, "expires_on": None, "stale": False,
        "release_id": CURRENT["release_id"], **more,
    }  # fmt: skip


def changed(place: int, change: str, **more: Any) -> dict[str, Any]:
    """A difference of `WINE`."""
    return {"as_of_date": AS_OF, "audience": WINE, "customer_id": customer(place), "change": change, "reason": "r",
            "release_id": CURRENT["release_id"], **more}  # fmt: skip


def listed(shop: Stored, **more: Any) -> dict[str, Any]:
    """A line of the catalogue for `WINE` as it is declared."""
    return {
        "as_of_date": AS_OF, "audience": WINE, "kind": "lookalike", "owner": "crm", "purpose": "direct_mail",
        "definition_hash": shop.project.definition_hashes[f"audience.{WINE}"], "seed_customers": 300,
        "candidate_customers": 2000, "customers": 3, "status": "published", "status_reason": None,
        "release_id": CURRENT["release_id"], **more,
    }  # fmt: skip


def deliver(
    shop: Stored,
    members: Sequence[Mapping[str, Any]],
    changes: Sequence[Mapping[str, Any]] = (),
    catalog: Sequence[Mapping[str, Any]] | None = None,
    before: date | None = None,
) -> None:
    """Release these rows as of `AS_OF`; `before`: the date of another release, of which `members` has rows too."""
    shop.release({"purchase_frequency": []})
    shop.put(audience_membership, members)
    shop.put(audience_changes, changes)
    shop.put(audience_catalog, [listed(shop)] if catalog is None else catalog)
    heads = [dict(CURRENT)]
    if before is not None:
        heads.append({**CURRENT, "release_id": "b" * 32, "as_of_date": before, "is_current": False, "sequence": 0})
    shop.put(releases, [{**head, "table_name": t.full_name()} for head in heads for t in TABLES])


def put_vault(shop: Stored, ids: Mapping[int, str]) -> None:
    """Which source id each customer has."""
    rows = [{"customer_id": customer(n), "source_id": found, "key_id": "k", "batch_id": 1} for n, found in ids.items()]
    shop.put(identity_vault, rows)
