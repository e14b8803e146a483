"""Every event name and its properties, with type, limits and the column that each one fills.

A property's class is its column's class. Names that are not declared here are custom events of the site: their
properties go to `prop_keys` and `prop_values`.
"""

from typing import Final, Literal, NamedTuple

from event_catalogue.fields import FieldClass

PropKind = Literal["text", "count", "percent", "milliseconds", "score", "fraction", "status", "money", "currency"]
"""How a property looks on the wire: text; an integer ≥ 0 (or -1 where `results` is unknown); 0–100; 0–86,400,000 ms
(a fraction of a millisecond is cut); a number 0–100 stored × 1,000; 0–1 stored in percent; an HTTP status; minor
units; three capitals."""


class Prop(NamedTuple):
    """One property of an event, on the wire under `name`, stored in `field`."""

    name: str
    kind: PropKind
    field: str
    required: bool = False


class EventKind(NamedTuple):
    """One declared event name."""

    name: str
    field_class: FieldClass
    meaning: str
    props: tuple[Prop, ...] = ()
    interaction: bool = False
    """Whether it counts as an act of the visitor, so that a visit with it is no bounce."""


_TARGET = (
    Prop("target", "text", "target"),
    Prop("role", "text", "target_role"),
    Prop("region", "text", "target_region"),
)
_LINK = (*_TARGET, Prop("url", "text", "target_url", required=True), Prop("host", "text", "target_host"))

EVENTS: Final[tuple[EventKind, ...]] = (
    EventKind("pageview", "essential", "a page was viewed"),
    EventKind(
        "engagement",
        "measurement",
        "how long the page was in front, and how far it was scrolled",
        (Prop("ms", "milliseconds", "engaged_ms", required=True), Prop("scroll", "percent", "scroll")),
    ),
    EventKind(
        "click", "measurement", "an element was clicked", (*_TARGET, Prop("flag", "text", "flag")), interaction=True
    ),
    EventKind(
        "hover",
        "consent",
        "the pointer rested on a marked element",
        (Prop("target", "text", "target", required=True), Prop("ms", "milliseconds", "hover_ms", required=True)),
    ),
    EventKind("outbound", "measurement", "a link to another site was followed", _LINK, interaction=True),
    EventKind("download", "measurement", "a file was downloaded", _LINK, interaction=True),
    EventKind("tel", "measurement", "a phone number was chosen", _LINK, interaction=True),
    EventKind(
        "mailto",
        "measurement",
        "a mail address was chosen",
        (*_TARGET, Prop("url", "text", "target_url")),
        interaction=True,
    ),
    EventKind("form_submit", "measurement", "a form was sent", _TARGET, interaction=True),
    EventKind("form_abandon", "consent", "a form was begun and not sent", _TARGET),
    EventKind(
        "search",
        "measurement",
        "the site's search was used",
        (Prop("term", "text", "search_term", required=True), Prop("results", "count", "search_results")),
        interaction=True,
    ),
    EventKind("copy", "consent", "text was copied (never which text)", _TARGET, interaction=True),
    EventKind("print", "measurement", "the page was printed", interaction=True),
    EventKind(
        "video",
        "measurement",
        "media was played",
        (
            Prop("target", "text", "target", required=True),
            Prop("progress", "percent", "progress"),
            Prop("method", "text", "method"),
        ),
        interaction=True,
    ),
    EventKind(
        "exit",
        "measurement",
        "how the page was left",
        (Prop("method", "text", "method", required=True), Prop("host", "text", "target_host")),
    ),
    EventKind(
        "js_error",
        "measurement",
        "a script failed",
        (
            Prop("message", "text", "error_message", required=True),
            Prop("source", "text", "error_source"),
            Prop("stack", "text", "error_stack"),
        ),
    ),
    EventKind(
        "load_error",
        "measurement",
        "a file did not load",
        (
            Prop("resource", "text", "resource", required=True),
            Prop("kind", "text", "resource_kind"),
            Prop("status", "status", "status"),
        ),
    ),
    EventKind("not_found", "essential", "a page that does not exist was asked for"),
    EventKind(
        "vitals",
        "measurement",
        "how fast the page was",
        (
            Prop("ttfb", "milliseconds", "ttfb"),
            Prop("fcp", "milliseconds", "fcp"),
            Prop("lcp", "milliseconds", "lcp"),
            Prop("inp", "milliseconds", "inp"),
            Prop("cls", "score", "cls"),
            Prop("dom_ready", "milliseconds", "dom_ready"),
            Prop("load", "milliseconds", "load"),
            Prop("slow_host", "text", "slow_host"),
        ),
    ),
    EventKind(
        "ad_impression",
        "ads",
        "an advertisement was shown",
        (
            Prop("slot", "text", "ad_slot", required=True),
            Prop("creative", "text", "ad_creative"),
            Prop("position", "text", "ad_position"),
            Prop("ms", "milliseconds", "ad_viewable_ms"),
            Prop("visible", "fraction", "ad_visible"),
            Prop("quality", "text", "ad_quality"),
        ),
    ),
    EventKind("open", "essential", "an e-mail was opened (shown as image loads)"),
    EventKind(
        "call",
        "measurement",
        "a phone call reached the site's number",
        (
            Prop("dialled", "text", "dialled", required=True),
            Prop("caller_country", "text", "caller_country"),
            Prop("caller_area", "text", "caller_area"),
        ),
    ),
)

EVENT: Final[dict[str, EventKind]] = {kind.name: kind for kind in EVENTS}

CUSTOM: Final = EventKind(
    "custom",
    "measurement",
    "an event of the site's own",
    (Prop("revenue", "money", "revenue"), Prop("currency", "currency", "currency")),
    interaction=True,
)
"""What holds for every name that is not declared: scalars as properties, `revenue` and `currency` apart."""

MAX_PROPS: Final = 32
MAX_PROP_TEXT: Final = 300
MAX_EVENTS: Final = 100
MAX_BODY: Final = 64 * 1024


def kind_of(name: str) -> EventKind:
    """The declaration that rules an event of this name."""
    return EVENT.get(name, CUSTOM)
