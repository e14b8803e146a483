"""A notice in words: facts and one language give everything that page and JSON say, section by section.

What the owner has not stated is left out: visitors never see a gap, the owner sees it in the console.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Final

from babel.dates import format_date

from collector.notice import Facts, Fields
from collector.texts import Words, fill, period
from control_store.notice_file import NoticeFile, Revision
from event_catalogue.choice import COOKIE
from event_catalogue.fields import FIELD
from event_catalogue.topics import TOPICS, topics_of

RIGHTS: Final = (
    *("access", "delete", "correct", "restrict", "object", "portability"),
    *("withdraw", "opt_out", "no_discrimination", "complain"),
)
"""In the order of `notice.rights_list`."""
_SOURCE: Final = {
    "request": "browser",
    "agent": "browser",
    "address": "address",
    "page": "page",
    "script": "script",
    "server": "",
}
_CCPA: Final = ("identifiers", "internet_activity", "geolocation", "commercial")
_STEPS: Final = ("unasked", "statistics", "ads")


def notice_content(facts: Facts, words: Words, language: str, file: NoticeFile, shown: Revision) -> dict[str, Any]:
    """All of it: keys for machines, texts for people. Dates are ISO 8601 (UTC); `*_text` are in the language."""
    current = file.revisions[-1]
    first = next(one for one in file.revisions if one.version == shown.version)
    opened = _merged(facts)
    return {
        "notice": "footfall-1",
        "language": language,
        "site": facts.site,
        "version": shown.version,
        "revision": shown.number,
        "in_force_since": _iso(first.since),
        "last_changed": _iso(shown.since),
        "current_version": current.version,
        "is_current": shown.number == current.number,
        "controller": _controller(facts),
        "purposes": _purposes(facts, words, opened),
        "categories": _categories(words, opened),
        "sources": _sources(words, opened),
        "recipients": list(facts.recipients),
        "transfers": facts.transfers,
        "periods": {
            "detailed_records_days": facts.raw_days,
            "legal_maximum_days": facts.legal_maximum_days,
            "statistics_months": facts.aggregate_months,
            "receipts_days": facts.receipt_days,
            "smallest_group": facts.k,
            "text": _periods(facts, words),
        },
        "latest_deletion": _deletion(file),
        "ledger": _ledger(file, words),
        "cookies": [
            {"name": name, "days": days, "text": words[f"notice.cookies_{name.removeprefix('ff_')}"]}
            for name, days in facts.cookies.items()
            if name in COOKIE
        ],
        "rights": [
            {"right": name, "text": text} for name, text in zip(RIGHTS, _items(words, "rights_list"), strict=True)
        ],
        "supervisory_authority": facts.authority,
        "automated_decisions": False,
        "provision_required": False,
        "signals": {"gpc": facts.gpc, "dnt": facts.dnt, "text": _signals(facts, words)},
        "rules": _rules(facts, words),
        "children": bool(facts.under_16_paths) or facts.policy == "under_16",
        "california": _california(facts, words, opened),
        "versions": _versions(file),
    }


def day_text(day: str, language: str) -> str:
    """An ISO day as this language writes it."""
    return format_date(date.fromisoformat(day[:10]), "long", locale=language)


def iso_day(number: int) -> str:
    """Days since 1970 as an ISO day."""
    return date.fromordinal(number + date(1970, 1, 1).toordinal()).isoformat()


def _controller(facts: Facts) -> dict[str, str]:
    return {
        "name": facts.controller,
        "address": facts.controller_address,
        "contact": facts.contact,
        "privacy_officer": facts.privacy_officer,
        "representative": facts.representative,
    }


def _merged(facts: Facts) -> Fields:
    """What any of the policies opens, with the least of a choice that one of them asks."""
    by_step = {step: {name for one in facts.fields.values() for name in getattr(one, step)} for step in _STEPS}
    unasked = by_step["unasked"]
    statistics = by_step["statistics"] - unasked
    ads = by_step["ads"] - unasked - statistics
    return Fields(*(tuple(sorted(one)) for one in (unasked, statistics, ads)))


def _purposes(facts: Facts, words: Words, opened: Fields) -> list[dict[str, str]]:
    consent = ("consent", words["notice.basis_consent"])
    unasked = (facts.legal_basis, words[f"notice.basis_{facts.legal_basis}"]) if facts.legal_basis else ("", "")
    found = [("audience", *(unasked if opened.unasked else consent))]
    found += [("returning", *consent)] if "returning" in opened.statistics else []
    found += [("ads", *consent)] if "ads" in facts.purposes else []
    # Sale waits for a yes only where everything does; elsewhere it can be opted out of.
    found += [("sale", *(consent if facts.fields.keys() == {"opt_in"} else unasked))] * ("sale" in facts.purposes)
    return [
        {"purpose": name, "text": words[f"notice.for_{name}"], "legal_basis": basis, "legal_basis_text": text}
        for name, basis, text in found
    ]


def _categories(words: Words, opened: Fields) -> list[dict[str, Any]]:
    """Each topic under the least choice that opens a field of it, with its fields as the catalogue names them."""
    return [
        {
            "topic": topic,
            "opened_by": step,
            "text": words[f"topics.{topic}"],
            "fields": [name for name in TOPICS[topic] if name in getattr(opened, step)],
        }
        for step in _STEPS
        for topic in topics_of(getattr(opened, step))
    ]


def _sources(words: Words, opened: Fields) -> list[dict[str, str]]:
    names = {_SOURCE[FIELD[name].origin] for step in _STEPS for name in getattr(opened, step) if name in FIELD}
    return [
        {"source": one, "text": words[f"notice.source_{one}"]}
        for one in dict.fromkeys(_SOURCE.values())
        if one and one in names
    ]


def _periods(facts: Facts, words: Words) -> list[str]:
    values = {"days": facts.legal_maximum_days, "months": facts.aggregate_months, "k": facts.k}
    texts = (words[f"notice.{name}"] for name in ("raw", "aggregates", "salts"))
    receipts = fill(words["notice.receipts"], days=facts.receipt_days)
    return [*(fill(text, period=period(words, facts.raw_days), **values) for text in texts), receipts]


def _deletion(file: NoticeFile) -> dict[str, str] | None:
    if not file.purged_day:
        return None
    return {"records_up_to": iso_day(file.purged_day), "deleted_at": _iso(file.purged_at)}


def _ledger(file: NoticeFile, words: Words) -> dict[str, Any] | None:
    if not file.ledger_entry:
        return None
    text = fill(words["notice.ledger"], n=file.ledger_entry, head=file.ledger_hash)
    return {"entry": file.ledger_entry, "hash": file.ledger_hash, "text": text}


def _signals(facts: Facts, words: Words) -> list[str]:
    return [words["notice.gpc_drop" if facts.gpc == "drop" else "notice.gpc_limit"]] + (
        [words["notice.dnt"]] if facts.dnt else []
    )


def _rules(facts: Facts, words: Words) -> list[dict[str, str]]:
    places = {"": facts.policy, **facts.regions}
    return [
        {"region": place, "policy": policy, "text": words[f"notice.policy_{policy}"]}
        for place, policy in places.items()
    ]


def _california(facts: Facts, words: Words, opened: Fields) -> dict[str, Any]:
    """Notice at collection, 11 CCR § 7012(e): categories, purposes, retention, sale and sharing, the opt-out."""
    shared = "sale" in facts.purposes
    raw = fill(words["notice.raw"], period=period(words, facts.raw_days), days=facts.legal_maximum_days)
    return {
        "categories": [
            {
                "category": one,
                "text": words[f"notice.ccpa_{one}"],
                "purposes": (used := _used_for(one, opened, shared=shared)),
                "purposes_text": [words[f"notice.for_{name}"] for name in used],
                "sold_or_shared": shared,
                "retention_days": min(facts.raw_days, facts.legal_maximum_days),
                "retention_text": raw,
            }
            for one in _CCPA
            if _used_for(one, opened, shared=False)
        ],
        "sensitive": False,
        "sold_or_shared": shared,
        "opt_out": "#choices" if shared else "",
        "third_parties_in_control": [],
        "retention_days": facts.raw_days,
        "text": [words["notice.sensitive"], words["notice.sold" if shared else "notice.not_sold"]],
    }


def _used_for(category: str, opened: Fields, *, shared: bool) -> list[str]:
    """The purposes of a category of the CCPA: what its fields are recorded for; none if there are no such fields."""
    steps = [step for step in _STEPS if any(FIELD[n].ccpa == category for n in getattr(opened, step) if n in FIELD)]
    found = ["audience"] if "unasked" in steps or "statistics" in steps else []
    if category == "identifiers" and "returning" in opened.statistics:
        found.append("returning")
    found += ["ads"] if "ads" in steps else []
    return found + (["sale"] if shared and found else [])


def _versions(file: NoticeFile) -> list[dict[str, Any]]:
    """Every version, newest first, with the time in which it held."""
    found: dict[str, dict[str, Any]] = {}
    for one in file.revisions:
        found.setdefault(one.version, {"version": one.version, "since": _iso(one.since)})
        found[one.version]["last_changed"] = _iso(one.since)
    return list(reversed(found.values()))


def _items(words: Words, key: str) -> Iterable[str]:
    return words[f"notice.{key}"].split("|")


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
