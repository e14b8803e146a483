"""Attacks what is sealed for an auditor: are its aggregates those that were sealed, and do they give anybody away?"""

from typing import Any

from aggregator.attack import exposed, exposed_in_span
from control_store.seals import all_seals
from control_store.sites import list_sites
from control_store.spans import all_spans
from control_store.tables import ControlStore
from event_catalogue.days import day_text
from warehouse.client import Warehouse
from warehouse.seals import RollupTable, digest


def attack(warehouse: Warehouse, store: ControlStore, site: int) -> dict[str, Any]:
    """How many sealed days, weeks and months were attacked, and what was found, of one site or (0) of all.

    Raises TryLater, Broken."""
    domains = {one.id: one.domain for one in list_sites(store)}
    table = RollupTable(warehouse)
    days, found = 0, []
    for seal in all_seals(store):
        if site not in (0, seal.site):
            continue
        days += 1
        rows = table.read(seal.site, seal.day, seal.run)
        faults = exposed(rows, seal.k)
        if digest(rows) != seal.digest:
            faults.append("the aggregates are not those that were sealed")
        domain = domains.get(seal.site, str(seal.site))
        found += [{"site": domain, "day": day_text(seal.day), "found": fault} for fault in faults]
    spans = 0
    runs = {(seal.site, seal.day): seal.run for seal in all_seals(store)}
    for span in all_spans(store):
        if site not in (0, span.site) or not span.stands(lambda of, day: runs.get((of, day))):
            continue
        spans += 1
        rows = table.read(span.site, min(span.days), span.run) if span.rollup_rows else []
        faults = exposed_in_span(rows, span.k)
        if digest(rows) != span.digest:
            faults.append("the aggregates are not those that were sealed")
        domain = domains.get(span.site, str(span.site))
        text = f"{day_text(span.first)} to {day_text(span.last)}"
        found += [{"site": domain, "day": text, "found": fault} for fault in faults]
    return {"days": days, "weeks_and_months": spans, "found": found}
