"""Every field of a stored event, once: what holds it, where it comes from, why, and which consent opens it.

The order of FIELDS is the order of columns, of the spool's rows and of the loader's blocks. A new field goes to the
end of its list, together with a migration; the rows that an older version spooled are shorter and get the default.
"""

from typing import Final, Literal, NamedTuple

FieldClass = Literal["essential", "measurement", "consent", "ads"]
"""Which choice opens a field: sent by every browser anyway; read by the script for audience statistics; opened by
statistics consent; opened by the purpose `ads`."""

Origin = Literal["server", "request", "address", "agent", "page", "script"]
"""Where a value comes from: made by the server, the HTTP request's own headers, the client's address (then dropped),
the agent string or its hints (then dropped), the page's URL and referrer, or read by the script."""

CcpaCategory = Literal["none", "identifiers", "internet_activity", "geolocation", "commercial"]
"""Category of Cal. Civ. Code § 1798.140(v)(1) that the notice at collection names for the field."""

Aggregated = Literal["no", "dimension", "sum", "buckets", "count"]
"""What the seal keeps of it: nothing, a dimension under k, a sum under k, counts in logarithmic buckets, a count."""

FieldValue = int | str | bytes | list[str]


class Field(NamedTuple):
    """One column of `events`."""

    name: str
    column: str
    """ClickHouse type, as DESCRIBE prints it."""
    field_class: FieldClass
    origin: Origin
    purpose: str
    """In the visitor's words; the notice prints it."""
    ccpa: CcpaCategory = "internet_activity"
    aggregated: Aggregated = "no"
    limit: int = 0
    """Longest text kept, in characters; 0 for types that have a length of their own."""

    @property
    def default(self) -> FieldValue:
        """What stands in the column when the field may not be kept or was not told."""
        return _default(self.column)

    @property
    def python_type(self) -> type:
        """The type of the value in a row: int, str, bytes or list."""
        return type(self.default)


def _default(column: str) -> FieldValue:
    if column.startswith("Array"):
        return []
    if "String" not in column:
        return 0
    return bytes(16) if column.startswith("FixedString") else ""


_LC = "LowCardinality(String)"
_MS = "DateTime64(3, 'UTC')"

RECORD: Final = (
    Field("site", "UInt32", "essential", "server", "which site was visited", "none"),
    Field("day", "Date", "essential", "server", "the site's local day, fixed at receipt", "none", "dimension"),
    Field("keep", "UInt16", "essential", "server", "after how many days the row is deleted", "none"),
    Field("batch", "UInt64", "essential", "server", "proves that the row was stored once", "none"),
    Field("beacon", "FixedString(16)", "essential", "script", "drops a message that was sent twice"),
    Field("idx", "UInt8", "essential", "server", "place of the event in its message", "none"),
    Field("page", "FixedString(16)", "essential", "script", "joins what happened during one page view"),
    Field("name", _LC, "essential", "script", "what happened", "internet_activity", "dimension", 64),
    Field("at", _MS, "essential", "script", "when it happened"),
    Field("received", _MS, "essential", "server", "when the message arrived", "none"),
    Field("stored_on", "Date", "essential", "server", "start of the longest legal period", "none"),
    Field("tier", _LC, "essential", "server", "what the visitor's choice allowed", "none", "dimension", 16),
    Field("no_share", "UInt8", "essential", "server", "keeps the row out of every transfer", "none"),
    Field("policy_version", _LC, "essential", "server", "the notice that was in force", "none", "no", 32),
    Field("build", _LC, "essential", "script", "finds outdated copies of the script", "none", "dimension", 64),
    Field("visitor", "FixedString(16)", "essential", "address", "tells visitors of one day apart", "identifiers"),
    Field("returning", "FixedString(16)", "consent", "script", "recognises this browser next time", "identifiers"),
    Field("import_id", "UInt32", "essential", "server", "which import brought the row, 0 for none", "none"),
)

PLACE_IN_SITE: Final = (
    Field("hostname", _LC, "essential", "page", "host of the page", "internet_activity", "dimension", 255),
    Field("path", "String", "essential", "page", "page that was viewed", "internet_activity", "dimension", 1024),
    Field("title", "String", "essential", "page", "title of the page", "internet_activity", "dimension", 300),
)

SOURCE: Final = (
    Field("referrer", "String", "essential", "page", "site that linked here", "internet_activity", "dimension", 512),
    Field("source", _LC, "essential", "page", "name of that site", "internet_activity", "dimension", 200),
    Field("source_kind", _LC, "essential", "page", "kind of that site", "internet_activity", "dimension", 16),
    Field("channel", _LC, "essential", "page", "marketing channel", "internet_activity", "dimension", 32),
    Field(
        "click_network",
        _LC,
        "essential",
        "page",
        "advertising network of a click; never its id",
        "internet_activity",
        "dimension",
        32,
    ),
    Field("utm_source", _LC, "essential", "page", "campaign tag: source", "internet_activity", "dimension", 200),
    Field("utm_medium", _LC, "essential", "page", "campaign tag: medium", "internet_activity", "dimension", 200),
    Field("utm_campaign", _LC, "essential", "page", "campaign tag: name", "internet_activity", "dimension", 200),
    Field("utm_term", _LC, "essential", "page", "campaign tag: term", "internet_activity", "dimension", 200),
    Field("utm_content", _LC, "essential", "page", "campaign tag: content", "internet_activity", "dimension", 200),
    Field("utm_id", _LC, "essential", "page", "campaign tag: id", "internet_activity", "dimension", 200),
    Field(
        "utm_source_platform", _LC, "essential", "page", "campaign tag: platform", "internet_activity", "dimension", 200
    ),
    Field(
        "utm_creative_format", _LC, "essential", "page", "campaign tag: format", "internet_activity", "dimension", 200
    ),
    Field(
        "utm_marketing_tactic", _LC, "essential", "page", "campaign tag: tactic", "internet_activity", "dimension", 200
    ),
)

AGENT: Final = (
    Field("browser", _LC, "essential", "agent", "which browsers to support", "internet_activity", "dimension", 64),
    Field(
        "browser_version", _LC, "essential", "agent", "which versions to support", "internet_activity", "dimension", 32
    ),
    Field("engine", _LC, "essential", "agent", "which engines to test", "internet_activity", "dimension", 32),
    Field("os", _LC, "essential", "agent", "which systems to support", "internet_activity", "dimension", 64),
    Field(
        "os_version",
        _LC,
        "essential",
        "agent",
        "which versions, where the browser tells",
        "internet_activity",
        "dimension",
        32,
    ),
    Field("device", _LC, "essential", "agent", "kind of device", "internet_activity", "dimension", 16),
    Field("platform", _LC, "essential", "agent", "browser on system", "internet_activity", "dimension", 128),
    Field("bot", _LC, "essential", "agent", "rule that took this for a machine", "none", "dimension", 64),
)

PLACE: Final = (
    Field("country", _LC, "essential", "address", "countries of the visitors", "geolocation", "dimension", 2),
    Field("region", _LC, "essential", "address", "regions of the visitors", "geolocation", "dimension", 64),
    Field("city", _LC, "essential", "address", "cities of the visitors, never finer", "geolocation", "dimension", 128),
    Field("city_id", "UInt32", "essential", "address", "the city's number at GeoNames", "geolocation", "dimension"),
    Field("place_from", _LC, "essential", "server", "address or time zone", "none", "no", 16),
    Field("language", _LC, "essential", "request", "languages to write in", "internet_activity", "dimension", 35),
)

SCRIPT: Final = (
    Field("timezone", _LC, "measurement", "script", "when visitors are awake", "geolocation", "dimension", 64),
    Field("screen_class", _LC, "measurement", "script", "screens to design for", "internet_activity", "dimension", 8),
    Field("viewport_class", _LC, "measurement", "script", "windows to design for", "internet_activity", "dimension", 8),
    Field("screen", _LC, "consent", "script", "exact screen size", "internet_activity", "dimension", 16),
    Field(
        "plugins",
        "Array(LowCardinality(String))",
        "consent",
        "script",
        "plug-ins; today's browsers answer with a fixed list",
        "internet_activity",
        "dimension",
        100,
    ),
)

DETAIL: Final = (
    Field("engaged_ms", "UInt32", "measurement", "script", "time with the page in front", "internet_activity", "sum"),
    Field("scroll", "UInt8", "measurement", "script", "how far down, in percent", "internet_activity", "dimension"),
    Field(
        "target",
        "String",
        "measurement",
        "script",
        "label of what was clicked, submitted or played",
        "internet_activity",
        "dimension",
        200,
    ),
    Field("target_role", _LC, "measurement", "script", "kind of that element", "internet_activity", "dimension", 32),
    Field("target_region", _LC, "measurement", "script", "part of the page", "internet_activity", "dimension", 64),
    Field(
        "target_url",
        "String",
        "measurement",
        "script",
        "file, number or address that was opened",
        "internet_activity",
        "dimension",
        512,
    ),
    Field("target_host", _LC, "measurement", "script", "site that was gone to", "internet_activity", "dimension", 255),
    Field("method", _LC, "measurement", "script", "how the page was left", "internet_activity", "dimension", 16),
    Field("hover_ms", "UInt32", "consent", "script", "time the pointer rested on it", "internet_activity", "sum"),
    Field("flag", _LC, "consent", "script", "rage or dead click", "internet_activity", "dimension", 8),
    Field(
        "progress",
        "UInt8",
        "measurement",
        "script",
        "how much was played, in percent",
        "internet_activity",
        "dimension",
    ),
    Field(
        "search_term",
        "String",
        "measurement",
        "page",
        "what the site's search was asked",
        "internet_activity",
        "dimension",
        200,
    ),
    Field(
        "search_results",
        "Int32",
        "measurement",
        "script",
        "how many answers; -1 if not told",
        "internet_activity",
        "sum",
    ),
    Field("error_message", "String", "measurement", "script", "error to mend", "internet_activity", "dimension", 300),
    Field(
        "error_source", "String", "measurement", "script", "file and line of it", "internet_activity", "dimension", 300
    ),
    Field(
        "error_stack",
        _LC,
        "measurement",
        "script",
        "hash that groups equal errors",
        "internet_activity",
        "dimension",
        32,
    ),
    Field(
        "resource", "String", "measurement", "script", "file that did not load", "internet_activity", "dimension", 512
    ),
    Field(
        "resource_kind",
        _LC,
        "measurement",
        "script",
        "image, script, style or fetch",
        "internet_activity",
        "dimension",
        16,
    ),
    Field("status", "UInt16", "measurement", "script", "answer of the server to it", "internet_activity", "dimension"),
    Field("ttfb", "UInt32", "measurement", "script", "time to first byte, ms", "internet_activity", "buckets"),
    Field("fcp", "UInt32", "measurement", "script", "first contentful paint, ms", "internet_activity", "buckets"),
    Field("lcp", "UInt32", "measurement", "script", "largest contentful paint, ms", "internet_activity", "buckets"),
    Field("inp", "UInt32", "measurement", "script", "interaction to next paint, ms", "internet_activity", "buckets"),
    Field("cls", "UInt32", "measurement", "script", "layout shift × 1,000", "internet_activity", "buckets"),
    Field("dom_ready", "UInt32", "measurement", "script", "document ready, ms", "internet_activity", "buckets"),
    Field("load", "UInt32", "measurement", "script", "load finished, ms", "internet_activity", "buckets"),
    Field("revenue", "Int64", "measurement", "script", "revenue, in the currency's minor units", "commercial", "sum"),
    Field("currency", _LC, "measurement", "script", "currency of it", "commercial", "dimension", 3),
    Field(
        "prop_keys",
        "Array(LowCardinality(String))",
        "measurement",
        "script",
        "names of the site's own properties",
        "internet_activity",
        "dimension",
        64,
    ),
    Field(
        "prop_values", "Array(String)", "measurement", "script", "their values", "internet_activity", "dimension", 300
    ),
    Field(
        "dialled",
        _LC,
        "measurement",
        "server",
        "number of the site that was called",
        "internet_activity",
        "dimension",
        32,
    ),
    Field("caller_country", _LC, "measurement", "server", "country of the caller", "geolocation", "dimension", 2),
    Field("caller_area", _LC, "measurement", "server", "area prefix of the caller", "geolocation", "dimension", 8),
    Field("ad_slot", _LC, "ads", "script", "place of the advertisement", "internet_activity", "dimension", 100),
    Field("ad_creative", _LC, "ads", "script", "advertisement", "internet_activity", "dimension", 100),
    Field("ad_position", _LC, "ads", "script", "position on the page", "internet_activity", "dimension", 32),
    Field("ad_viewable_ms", "UInt32", "ads", "script", "how long it could be seen", "internet_activity", "sum"),
    Field("ad_visible", "UInt8", "ads", "script", "how much of it, in percent", "internet_activity", "sum"),
    Field("ad_quality", _LC, "ads", "script", "hidden tab or stacked slot", "internet_activity", "dimension", 16),
    Field("slow_host", _LC, "measurement", "script", "host of a slow file", "internet_activity", "dimension", 255),
)

FIELDS: Final[tuple[Field, ...]] = RECORD + PLACE_IN_SITE + SOURCE + AGENT + PLACE + SCRIPT + DETAIL
FIELD: Final[dict[str, Field]] = {field.name: field for field in FIELDS}
POSITION: Final[dict[str, int]] = {field.name: place for place, field in enumerate(FIELDS)}

KEEP_CLASSES: Final = (0, 1, 7, 14, 35, 60, 90, 180, 395)
"""Retention classes in days; a partition holds rows of one class, so a purge is a partition drop."""
