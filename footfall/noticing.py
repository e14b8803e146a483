"""Keeps each site's notice in step with its settings and with the catalogue of this release.

A change that lets more be collected, kept or passed on makes a new version: rows carry it from then on, and visitors
are asked again. Any other change makes a further revision of the same version. Killed at any line, the next run ends
the same: the version is saved before the revision that belongs to it.
"""

from pathlib import Path

import msgspec

from collector.notice import RECEIPT_DAYS, Facts, decode_facts, encode_facts, facts_of, next_version, widens
from control_store.ledger_head import day_heads
from control_store.notice_file import NoticeFile, Revision, write_notice
from control_store.notices import add_revision, revisions
from control_store.seals import last_purge
from control_store.sites import list_sites, save_settings
from control_store.tables import ControlStore


def renew_notices(store: ControlStore, now: int, receipt_days: int = RECEIPT_DAYS) -> None:
    """Make a revision of every site whose facts have changed."""
    for site in list_sites(store):
        known = revisions(store, site.id)
        last = known[-1] if known else None
        facts = facts_of(site, receipt_days)
        version = site.settings.policy_version
        if last and last.version == version and _is_wider(last, facts):
            version = next_version(version)
            save_settings(store, site, msgspec.structs.replace(site.settings, policy_version=version))
        text = encode_facts(facts)
        if last is None or (last.version, last.facts) != (version, text):
            add_revision(store, site.id, Revision(len(known) + 1, version, now, text))


def publish_notices(store: ControlStore, directory: Path) -> None:
    """Show collectors every site's notices, its latest purge and the ledger's head; those of a deleted site go.

    The head is that of the last day: a newer one would tell at what minute somebody was erased.
    """
    sites = list_sites(store)
    heads = day_heads(store)
    head = heads[-1][1:] if heads else (0, "")
    for site in sites:
        day, at = last_purge(store, site.id)
        write_notice(directory / f"{site.key}.notice", NoticeFile(revisions(store, site.id), day, at, *head))
    for path in set(directory.glob("*.notice")) - {directory / f"{site.key}.notice" for site in sites}:
        path.unlink(missing_ok=True)


def _is_wider(last: Revision, facts: Facts) -> bool:
    """Facts that an older release wrote and that can't be read any more say nothing: visitors are asked again."""
    try:
        return widens(decode_facts(last.facts), facts)
    except msgspec.MsgspecError:
        return True
