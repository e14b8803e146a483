"""The statement of support for Global Privacy Control that a site shows at /.well-known/gpc.json.

Served by the collector for its own address, and printed by `footfall site gpc` for the site's own: the specification
wants it on the origin that the visitor sees (W3C Global Privacy Control, "GPC Support Resource").
"""

from typing import Final

_STATED: Final = "2025-11-01"
"""When this statement was made, by the draft of the specification of that time. It changes when what it says changes,
not when somebody looks at it, so it is no date of today."""


def gpc_statement() -> dict[str, object]:
    """The content of gpc.json. True for every site: the signal is an opt-out of sale and sharing under each setting."""
    return {"gpc": True, "lastUpdate": _STATED}
