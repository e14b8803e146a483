"""What fields tell, in some twenty topics that a visitor can read: banner and notice list topics, never columns.

Every field belongs to exactly one topic, which a test holds; one that is new and has none is told as technical until
then, so that no notice leaves it out.
"""

from collections.abc import Iterable
from typing import Final

TOPICS: Final[dict[str, tuple[str, ...]]] = {
    "pages": ("hostname", "path", "title", "name"),
    "source": (
        *("referrer", "source", "source_kind", "channel", "click_network"),
        *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"),
        *("utm_id", "utm_source_platform", "utm_creative_format", "utm_marketing_tactic"),
    ),
    "browser": ("browser", "browser_version", "engine", "os", "os_version", "device", "platform", "bot"),
    "place": ("country", "region", "city", "city_id", "place_from"),
    "language": ("language",),
    "visitor": ("visitor",),
    "timezone": ("timezone",),
    "window": ("screen_class", "viewport_class"),
    "reading": ("engaged_ms", "scroll"),
    "actions": ("target", "target_role", "target_region", "target_url", "target_host", "method", "progress"),
    "search": ("search_term", "search_results"),
    "faults": ("error_message", "error_source", "error_stack", "resource", "resource_kind", "status"),
    "speed": ("ttfb", "fcp", "lcp", "inp", "cls", "dom_ready", "load", "slow_host"),
    "orders": ("revenue", "currency"),
    "own": ("prop_keys", "prop_values"),
    "calls": ("dialled", "caller_country", "caller_area"),
    "technical": (
        *("site", "day", "keep", "batch", "beacon", "idx", "page", "at", "received", "stored_on"),
        *("tier", "no_share", "policy_version", "build", "import_id"),
    ),
    "returning": ("returning",),
    "screen": ("screen",),
    "plugins": ("plugins",),
    "attention": ("hover_ms", "flag"),
    "ads": ("ad_slot", "ad_creative", "ad_position", "ad_viewable_ms", "ad_visible", "ad_quality"),
}
"""Fields by topic, in the order in which topics are listed."""

TOPIC_OF: Final = {name: topic for topic, names in TOPICS.items() for name in names}


def topics_of(fields: Iterable[str]) -> tuple[str, ...]:
    """The topics that these fields belong to, in their order."""
    found = {TOPIC_OF.get(name, "technical") for name in fields}
    return tuple(topic for topic in TOPICS if topic in found)
