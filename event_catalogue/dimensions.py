"""Every dimension that a reader may group or filter by, with the names it answers to.

A dimension of scope `visit` has one value for a whole visit: that of its first event that has one. A dimension of scope
`event` has one for each event. Names with a prefix are those of Plausible's Stats API; the plain ones are the columns.
"""

from typing import Final, Literal, NamedTuple

Scope = Literal["visit", "event", "time"]
Pick = Literal["first", "entry", "exit", "each"]
"""Where the value of a visit is taken from: its first event that has one, the page it began or ended with; or from
each event by itself."""

DIRECT: Final = "Direct / None"
UNKNOWN_KIND: Final = "unknown"
"""The kind of source of an event on a page that another page of the site led to, where that one could not be recorded
before the visitor's consent."""
UNKNOWN: Final = "unknown (before consent)"
"""What source, referrer and channel of a visit say that begins with such an event."""
NOT_SET: Final = "(not set)"
NONE: Final = "(none)"
OTHER: Final = "(other)"
RESERVED: Final = (NOT_SET, NONE, OTHER)
"""Words that mean something in an answer. A real value of this spelling is written with a backslash in front."""

PROPS: Final = "event:props:"
"""Prefix of the site's own properties; what follows is the property's name."""


class Dimension(NamedTuple):
    """One thing to group by, from `field` of the catalogue (empty for time and goals)."""

    name: str
    aliases: tuple[str, ...]
    scope: Scope
    field: str
    definition: str
    pick: Pick = "first"
    blank: str = NOT_SET
    """What an answer says where there is no value."""
    free_text: bool = False
    """Whether visitors or pages can put any text there: merged by k for everybody but admin and privacy officer."""


def _visit(name: str, definition: str, *aliases: str, blank: str = NOT_SET) -> Dimension:
    return Dimension(name, (f"visit:{name}", *aliases), "visit", name, definition, "first", blank)


def _page(name: str, field: str, pick: Pick, definition: str) -> Dimension:
    return Dimension(name, (f"visit:{name}",), "visit", field, definition, pick)


def _event(name: str, definition: str, *aliases: str, free_text: bool = False) -> Dimension:
    return Dimension(name, (f"event:{name}", *aliases), "event", name, definition, "each", free_text=free_text)


DIMENSIONS: Final[tuple[Dimension, ...]] = (
    Dimension("time", (), "time", "", "Hours for one day, days up to three months, months beyond."),
    Dimension("time:hour", (), "time", "", "Hour of the site's clock; an hour that comes twice carries its offset."),
    Dimension("time:day", (), "time", "", "The site's local day."),
    Dimension("time:week", (), "time", "", "Week, named by its Monday, or by the first day of the range."),
    Dimension("time:month", (), "time", "", "Month, named by its first day."),
    Dimension("path", ("event:page", "page"), "event", "path", "Page on which something happened.", "each"),
    Dimension(
        "next_page",
        ("event:next_page",),
        "event",
        "path",
        "Page that the visit went on to; of page views that were not its last.",
        "each",
    ),
    Dimension(
        "previous_page",
        ("event:previous_page",),
        "event",
        "path",
        "Page that the visit came from; of page views that were not its first.",
        "each",
    ),
    _event("hostname", "Host of the page."),
    _event("title", "Title of the page.", free_text=True),
    _event("name", "Kind of event."),
    Dimension("goal", ("event:goal",), "event", "", "Goal of the site that an event reaches; it may be several."),
    _page("entry_page", "path", "entry", "First page viewed in the visit."),
    _page("exit_page", "path", "exit", "Last page viewed in the visit."),
    _page("entry_page_hostname", "hostname", "entry", "Host of the first page viewed in the visit."),
    _page("exit_page_hostname", "hostname", "exit", "Host of the last page viewed in the visit."),
    _visit("source", "Name of the site, campaign or application that led here.", blank=DIRECT),
    _visit("referrer", "Site that linked here; its path only for the site's own campaigns.", blank=DIRECT),
    _visit("source_kind", "Search, social, email, ai, messaging, referral, paid or direct; unknown: before consent."),
    _visit("channel", "Marketing channel."),
    _visit("click_network", "Advertising network of the click that led here."),
    _visit("utm_source", "Campaign tag: source."),
    _visit("utm_medium", "Campaign tag: medium."),
    _visit("utm_campaign", "Campaign tag: name."),
    _visit("utm_term", "Campaign tag: term."),
    _visit("utm_content", "Campaign tag: content."),
    _visit("utm_id", "Campaign tag: id."),
    _visit("utm_source_platform", "Campaign tag: platform."),
    _visit("utm_creative_format", "Campaign tag: format."),
    _visit("utm_marketing_tactic", "Campaign tag: tactic."),
    _visit("country", "ISO 3166-1 code of the visitor's country."),
    _visit("region", "ISO 3166-2 code of the region where the database has one, else its name."),
    Dimension("city", ("visit:city_name",), "visit", "city", "English name of the visitor's city."),
    Dimension(
        "city_id", ("visit:city",), "visit", "city_id", "The city's number at GeoNames; its name where it has none."
    ),
    _visit("language", "Language that the browser asks for."),
    _visit("timezone", "Time zone of the browser, by its IANA name."),
    _visit("browser", "Browser."),
    _visit("browser_version", "Version of the browser."),
    _visit("engine", "Engine of the browser."),
    _visit("os", "Operating system."),
    _visit("os_version", "Version of the operating system, where the browser tells."),
    _visit("device", "Kind of device."),
    _visit("platform", "Browser on system."),
    _visit("screen_class", "Width class of the screen."),
    _visit("viewport_class", "Width class of the window."),
    _visit("screen", "Exact size of the screen; only with consent."),
    _visit("build", "Build of the script that reported."),
    _event("target", "Label of what was clicked, submitted or played.", free_text=True),
    _event("target_role", "Kind of that element."),
    _event("target_region", "Part of the page it is in."),
    _event("target_url", "File, number or address that was opened.", free_text=True),
    _event("target_host", "Site that was gone to."),
    _event("method", "How the page was left, a reload or a way back as the page behind it tells."),
    _event("flag", "Rage or dead click; only with consent."),
    _event("search_term", "What the site's search was asked.", free_text=True),
    _event("error_message", "Error that a script reported.", free_text=True),
    _event("error_source", "File and line of the error.", free_text=True),
    _event("error_stack", "Hash that groups equal errors."),
    _event("resource", "File that did not load.", free_text=True),
    _event("resource_kind", "Image, script, style or fetch."),
    _event("status", "Answer of the server to it."),
    _event("currency", "Currency of the revenue."),
    _event("dialled", "Number of the site that was called."),
    _event("caller_country", "Country of the caller."),
    _event("caller_area", "Area prefix of the caller."),
    _event("ad_slot", "Place of the advertisement."),
    _event("ad_creative", "Advertisement."),
    _event("ad_position", "Position on the page."),
    _event("ad_quality", "Hidden tab or stacked slot."),
    _event("slow_host", "Host of the slowest file that a page waited for, where it took a second or more."),
)

DIMENSION: Final[dict[str, Dimension]] = {
    name: dimension for dimension in DIMENSIONS for name in (dimension.name, *dimension.aliases)
}
"""By every name that it answers to."""


GOAL: Final = DIMENSION["goal"]
STEPS: Final = (DIMENSION["next_page"], DIMENSION["previous_page"])
"""Of a page view, what was viewed after it or before it."""

NAMED: Final[dict[str, str]] = {
    name: dimension for dimension in ("country", "region") for name in (f"visit:{dimension}_name", f"{dimension}_name")
}
"""Names under which a dimension is asked for by the English names of its values, and that dimension."""

FUNNEL: Final = "visit:funnel:"
"""Prefix of the site's funnels; what follows is the funnel's name."""


def funnel_dimension(name: str) -> Dimension:
    """The dimension of a funnel's steps, `name` without prefix: a visit has every step that it came to."""
    return Dimension(FUNNEL + name, (), "visit", "", f"Steps of the funnel {name} that a visit came to.")


def property_dimension(name: str) -> Dimension:
    """The dimension of one property of the site's own events, `name` without prefix."""
    return Dimension(
        PROPS + name, (), "event", "prop_values", f"The site's own property {name}.", "each", NONE, free_text=True
    )
