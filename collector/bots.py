"""Which beacons a machine sent, and by which rule.

Promises: "" for people, else the short name of the first rule that holds, out of a closed set, kept beside the row, so
that a bot report can say why and a rule can be taken back while the raw rows live. Sources, in order: what the browser
says of itself, the crawlers of language models, crawler-user-agents, tables/bots.toml, ua-parser's spiders, the shape
of the string. Refuses: rules that hit people behind proxies (a missing Sec-CH-UA, HTTP/1.1 with Sec-Fetch): a false
positive costs more than a crawler.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import ua_parser_rs
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from ua_parser import Domain

from collector.agent import LONGEST_AGENT, NO_HINTS, TABLES, Hints, shared_resolver
from collector.client_hints import LONGEST_HINT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

LONGEST_RULE: Final = 64
"""Characters of a rule's name: the catalogue's limit of the field `bot`."""


class Signals(NamedTuple):
    """What a request tells beside its agent string; "" where absent."""

    purpose: str = ""
    """Sec-Purpose, Purpose, X-Purpose or X-Moz: a browser that fetches ahead of a visit says so."""
    referrer_host: str = ""
    """Host of the page's referrer, for spam that is sent to be read in reports."""
    address: bytes = b""
    """Packed address, handed to the network lookup and to nothing else."""


NO_SIGNALS: Final = Signals()


class BotRules:
    """Decides whether a beacon is a machine's. Construct once per process (200 ms); pure after that.

    network: packed address → kind of network ("datacentre"), "" for none; asked for every beacon that seems a person's,
    so it must be quick. Without it no address is judged.
    """

    def __init__(self, network: Callable[[bytes], str] | None = None) -> None:
        table: dict[str, Any] = tomllib.loads((TABLES / "bots.toml").read_text(encoding="utf-8"))
        self._spiders = shared_resolver()
        own = [(f"(?i)(?:{pattern})", row["name"]) for row in table["rule"] for pattern in row["patterns"]]
        headless = [row for row in own if row[1].startswith("headless:")]
        assistants = [(f"(?i)(?:{pattern})", f"ai:{name}") for name, pattern in table["ai"].items()]
        self._known = _extractor([*assistants, *headless, *_known_crawlers(frozenset(table["exempt"]))])
        self._own = _extractor(own)
        self._people = re.compile(table["people"], re.IGNORECASE)
        self._spam = _spam_pattern(TABLES / "referrer_spam.toml")
        self._network = network

    def rule(self, user_agent: str, *, hints: Hints = NO_HINTS, headers: Signals = NO_SIGNALS) -> str:
        """Name of the first rule that takes the sender for a machine, "" for people."""
        is_spam = bool(headers.referrer_host) and self.is_spam(headers.referrer_host)
        return self.first(self.agent_rule(user_agent, hints), headers.purpose, is_spam, headers.address)

    def first(self, agent_rule: str, purpose: str, is_spam: bool, address: bytes) -> str:
        """The same where string and referrer were judged before."""
        if purpose and re.search(r"prefetch|preview|prerender", purpose, re.IGNORECASE):
            return "prefetch"
        if agent_rule:
            return agent_rule
        if is_spam:
            return "referrer-spam"
        network = self._network(address) if self._network is not None and address else ""
        return f"network:{network}"[:LONGEST_RULE] if network else ""

    def agent_rule(self, user_agent: str, hints: Hints = NO_HINTS) -> str:
        """The rule that an agent string and its brands fulfil, "" if they are a person's."""
        return self._agent_rule(user_agent[:LONGEST_AGENT], hints.brands[:LONGEST_HINT])

    def is_spam(self, host: str) -> bool:
        """Whether a referrer is one that is only sent to be read in reports."""
        return bool(self._spam.search(host.lower()))

    def _agent_rule(self, text: str, brands: str) -> str:
        text = text.strip()
        if not text:
            return "empty-agent"
        if "headless" in brands.lower():
            return "headless:chrome"
        known = self._known.extract(text)
        if known is not None:
            return str(known.family)
        if self._people.search(text):
            return ""
        return self._own_rule(text) or ("agent:spider" if self._is_spider(text) else _shape_rule(text))

    def _is_spider(self, text: str) -> bool:
        """ua-parser's device class "Spider". Its names are read from the string, so they are no names of a rule."""
        found = self._spiders(text, Domain.DEVICE | Domain.USER_AGENT)
        if found.device is None or found.device.family != "Spider":
            return False
        # Old Internet Explorers carry the names of toolbars and banks, in which that list finds "bot".
        is_explorer = found.user_agent is not None and found.user_agent.family == "IE"
        return not (is_explorer and _PEOPLES_COMPATIBLE.search(text))

    def _own_rule(self, text: str) -> str:
        found = self._own.extract(text)
        return str(found.family) if found is not None else ""


def _extractor(rows: Iterable[tuple[str, str]]) -> ua_parser_rs.UserAgentExtractor:
    """Patterns and the name each stands for, in one automaton: some 3 µs a string for 1,500 of them."""
    return ua_parser_rs.UserAgentExtractor((f"({pattern})", name, None, None, None, None) for pattern, name in rows)


def _known_crawlers(exempt: frozenset[str]) -> Iterable[tuple[str, str]]:
    """crawler-user-agents, without what people's browsers say too."""
    for entry in CRAWLER_USER_AGENTS_DATA:
        if entry["pattern"] not in exempt:
            kind = "ai" if "ai-crawler" in entry.get("tags", ()) else "agent"
            yield entry["pattern"], _rule_name(kind, _bare(entry["pattern"]))


def _bare(pattern: str) -> str:
    """The words of a pattern: `(sistrix|SISTRIX) [cC]rawler` → "sistrix-crawler"."""
    one_case = re.sub(r"\[(\w)\w\]", r"\1", pattern)
    first_of_group = re.sub(r"\(([^|()]*)\|[^()]*\)", r"\1", one_case)
    return re.sub(r"\\([./])", r"\1", first_of_group)


def _rule_name(kind: str, text: str) -> str:
    words = re.findall(r"[a-z0-9]+(?:\.[a-z0-9]+)*", text.lower())
    return f"{kind}:{'-'.join(words) or 'crawler'}"[:LONGEST_RULE]


_PEOPLES_COMPATIBLE: Final = re.compile(
    r"\(compatible; (?:MSIE|Konqueror|iCab|NetPositive|I?Browse|OmniWeb|WebTV|AOL|Opera|Windows|U; ABrowse|Lotus-Notes|"
    r"Dillo|NetFront|Linux|X11|Arachne|Palm|Avant|Maple|BlackBerry|PPC|Sleipnir|Gecko|OffByOne|NCBrowser|RISC OS|Amiga|"
    r"ms-office|U; Webpositive)|Windows NT.*(?:Firefox|Trident)/",
    re.IGNORECASE,
)
"""Browsers that call themselves compatible, most of them of the time when that meant Netscape."""
_BROWSER_START: Final = re.compile(
    r"Mozilla[/ ]|AppleWebKit/|Opera[/ ]|Dalvik/|UCWEB|Nokia|SAMSUNG|SonyEricsson|BlackBerry|LGE?-|MOT-|HTC|ZTE|HUAWEI|"
    r"SIE-|SEC-|DoCoMo|KDDI|J-PHONE|Vodafone|PANTECH|Alcatel|PHILIPS|Lynx|Links|ELinks|w3m|NetFront|TV Bro|IBrowse|"
    r"Amiga|\[FBAN|Instagram|LENOVO|Spice|Karbonn|Micromax|LAVA|Fly|MAUI|CELKON|Voyager|NCSA|Chrome/|Safari/|"
    r"Microsoft Office",
    re.IGNORECASE,
)
_APP_OF_A_DEVICE: Final = re.compile(
    r"iPhone|iPad|iPod|\biOS\b|Android|Darwin/|CFNetwork/|Windows Phone|MIDP|Tizen|webOS|Roku|HbbTV|PlayStation|PS4|"
    r"Nintendo|Xbox|Linux; U;|Mac ?OS|Windows NT|\bwin10\b|Kodi|SmartTV|BREW|Symbian|Series\d\d|Profile/|Sonos|"
    r"GoogleApp/|Mozilla/|UP\.Browser|MAUI|WAP[ -]Browser|UCBrowser/|Watch ?OS|ViziOS|tvOS|Amazon;A",
    re.IGNORECASE,
)


def _shape_rule(text: str) -> str:
    """Strings that have not the shape of a browser's or of an app on a device."""
    if "(compatible; " in text and not _PEOPLES_COMPATIBLE.search(text):
        return "agent:compatible"
    if not _BROWSER_START.match(text) and not _APP_OF_A_DEVICE.search(text):
        return "agent:program"
    return ""


def _spam_pattern(path: Path) -> re.Pattern[str]:
    """tables/referrer_spam.toml as one expression over a host."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    hosts = "|".join(re.escape(host) for host in table["hosts"])
    return re.compile(rf"{'|'.join(table['patterns'])}|(?:^|\.)(?:{hosts})$")
