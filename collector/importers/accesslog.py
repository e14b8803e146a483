"""Lines of an access log in the combined (or common) format, as page views and pages not found.

A page view is a GET answered 200 or 304 that is not an asset by its extension; a GET answered 404 gives `not_found`
(DESIGN §4). Everything else is no event, and counted by why. A line is read, used and dropped: nothing of it is
printed, not even where it can't be understood.
"""

import re
from datetime import datetime
from typing import Final, NamedTuple

_LINE: Final = re.compile(
    r'(?P<host>\S+) \S+ .*?\[(?P<time>[^\]]{20,30})\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) \S+'
    r'(?: "(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?'
)
_ASSETS: Final = frozenset(
    "7z avif bmp bz2 class css csv cur doc docx eot exe flac flv gif gz ico iso jar jpeg jpg js json jsonld less map "
    "m4a m4v mjs mkv mov mp3 mp4 mpeg mpg msi ogg ogv opus otf pdf png ppt pptx rar rpm rss scss svg svgz swf tar tgz "
    "tif tiff ttf txt wasm wav webm webmanifest webp wmv woff woff2 xls xlsx xml xsl xz zip atom deb dmg apk".split()
)


class Hit(NamedTuple):
    """One line that is an event. `host` is the client's address as text: it goes into a ClientAddress at once.

    Printed it tells nothing.
    """

    name: str
    at: int
    target: str
    referrer: str
    agent: str
    host: str

    def __repr__(self) -> str:
        return f"<{self.name} of an access log>"


def read_line(line: str) -> Hit | str:
    """The event of a line, or the word that says why it is none: `unreadable`, `method`, `status`, `asset`."""
    match = _LINE.match(line)
    if match is None:
        return "unreadable"
    method, _, rest = match["request"].partition(" ")
    target = rest.rpartition(" ")[0] or rest
    at = _time(match["time"])
    if at is None or not target:
        return "unreadable"
    if method != "GET":
        return "method"
    if match["status"] == "404":
        name = "not_found"
    elif match["status"] not in ("200", "304"):
        return "status"
    elif is_asset(target):
        return "asset"
    else:
        name = "pageview"
    return Hit(name, at, target, _field(match["referrer"]), _field(match["agent"]), match["host"])


def is_asset(target: str) -> bool:
    """Whether the path of a request target ends in the extension of something that is no page."""
    path = re.split(r"[?#]", target, maxsplit=1)[0]
    last = path.rpartition("/")[2]
    return "." in last and last.rpartition(".")[2].lower() in _ASSETS


def _field(text: str | None) -> str:
    return "" if text is None or text == "-" else text.replace('\\"', '"')


def _time(text: str) -> int | None:
    """`17/May/2015:10:05:03 +0000` in ms UTC. Month names are English whatever the locale, so not left to strptime."""
    match = re.fullmatch(r"(\d{2})/(\w{3})/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{4})", text)
    month = _MONTHS.get(match[2].lower()) if match else None
    if match is None or month is None:
        return None
    try:
        moment = datetime.strptime(f"{match[3]}-{month:02}-{match[1]}T{match[4]}{match[5]}", "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return None
    return int(moment.timestamp() * 1000)


_MONTHS: Final = {
    name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}
