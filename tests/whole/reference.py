"""An access log counted in plain Python, by other code than the product's: what the numbers must be."""

import gzip
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

LOG = Path(__file__).parents[3] / "shared" / "data" / "access_log_semicomplete_2015.gz"

NO_PAGES = {
    *("css js mjs map json jsonld xml rss atom xsl less scss txt csv".split()),
    *("png jpg jpeg gif svg svgz ico webp avif bmp tif tiff cur psd".split()),
    *("woff woff2 ttf otf eot".split()),
    *("pdf doc docx xls xlsx ppt pptx rtf odt ods epub".split()),
    *("zip gz tgz bz2 xz 7z rar tar jar class exe msi deb rpm dmg iso apk swf wasm".split()),
    *("mp3 mp4 m4a m4v mov avi mkv mpg mpeg ogg ogv opus wav webm flac flv wmv".split()),
    "webmanifest",
}


def lines() -> list[str]:
    """The log's lines."""
    with gzip.open(LOG, "rt", encoding="utf-8", errors="replace") as file:
        return file.readlines()


class Line:
    """One line, cut at brackets and quotes instead of by a pattern."""

    def __init__(self, text: str) -> None:
        head, _, rest = text.partition("[")
        stamp, _, rest = rest.partition("] ")
        self.host = head.split()[0]
        self.moment = datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z")
        quoted = rest.split('"')
        self.method, _, target = quoted[1].partition(" ")
        self.target = target.rsplit(" ", 1)[0]
        self.status = quoted[2].split()[0]
        self.agent = quoted[5]

    @property
    def path(self) -> str:
        """The path without query and fragment."""
        for mark in "?#":
            self.target = self.target.split(mark)[0]
        return self.target

    @property
    def day(self) -> str:
        """The day in UTC."""
        return self.moment.astimezone(UTC).date().isoformat()

    @property
    def kind(self) -> str:
        """`pageview`, `not_found` or nothing."""
        last = self.path.rsplit("/", 1)[-1]
        asset = "." in last and last.rsplit(".", 1)[1].lower() in NO_PAGES
        if self.method != "GET":
            return ""
        if self.status == "404":
            return "not_found"
        return "pageview" if self.status in ("200", "304") and not asset else ""


class Reference:
    """The counts of a list of lines, people and machines alike unless a set of agents is left out."""

    def __init__(self, texts: list[str], bots: frozenset[str] = frozenset()) -> None:
        self.views: Counter[str] = Counter()
        self.pages: Counter[str] = Counter()
        self.not_found: Counter[str] = Counter()
        self.visitors: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self.agents: Counter[str] = Counter()
        for text in texts:
            line = Line(text)
            if not line.kind or line.agent in bots:
                continue
            self.visitors[line.day].add((line.host, line.agent))
            if line.kind == "not_found":
                self.not_found[line.day] += 1
                continue
            self.views[line.day] += 1
            self.pages[line.path] += 1
            self.agents[line.agent] += 1
