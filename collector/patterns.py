"""Shapes of personal data that are not plain numbers: mail addresses, network addresses, accounts, identity numbers.

Promises: every pattern takes time linear in the text (possessive runs that begin at a boundary), and what one pass has
replaced no other pass takes for data. Refuses: names and postal addresses of people, which have no shape.
"""

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from collector.check_digits import IBAN_LENGTHS, is_card, is_corsican_number, is_fiscal_code, is_iban, is_spanish_number

_USERINFO: Final = re.compile(r"(?<=://)[^/\s@?#]{1,256}+@")

# Letters may be followed by marks (é in two signs); hosts have the dots that IDNA reads as one (RFC 3490, 3.1).
_LOCAL: Final = r"[\w\u0300-\u036f.!#$%'*+^`{|}~-]"
_LABEL: Final = r"[\w\u0300-\u036f-]++"
_DOMAIN: Final = rf"{_LABEL}(?:[.\u3002]{_LABEL})++"
_EMAIL: Final = re.compile(
    rf"(?:(?<!{_LOCAL}){_LOCAL}++|\"[^\"@]{{1,64}}+\")@"
    rf"(?:(?!\dx\.(?:png|jpe?g|webp|gif|svg|avif)){_DOMAIN}|\[[0-9A-Fa-f:.]{{6,45}}+\])",
    re.I,
)
_SPACED_EMAIL: Final = re.compile(
    rf"(?<!{_LOCAL})({_LOCAL}++)(?:\s{{1,2}}@[\s+]{{0,2}}|@[\s+]{{1,2}})({_DOMAIN})", re.I
)
_MAILERS: Final = re.compile(
    r"(?:gmail|googlemail|outlook|hotmail|live|yahoo|icloud|gmx|aol|proton|protonmail|web|mail|posteo|bluewin)\.", re.I
)

_SIX_DIGITS: Final = re.compile(r"\D*+(?:\d\D*+){6}")

_TEN_DIGITS: Final = re.compile(r"\D*+(?:\d\D*+){10}")

_SPELLED: Final = re.compile(r"\s?[(\[{]\s?(at|dot)\s?[)\]}]\s?", re.I)

_JWT: Final = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]*+){1,4}+")

_UUID: Final = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-f]{8}([-_])[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}(?![0-9A-Za-z])", re.I
)

_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"

_IPV4: Final = re.compile(
    rf"(?<![A-Za-z0-9.]){_OCTET}(?:\.{_OCTET}){{3}}(?![A-Za-z0-9]|\.\d)|\bip[-_]{_OCTET}(?:[-_]{_OCTET}){{3}}(?!\d)"
)

_NUMBERED: Final = re.compile(r"(?:version|release|build|chrome|firefox|edge|section|chapter|§)[-/ ]?\Z", re.I)

_IPV6: Final = re.compile(
    r"(?<![0-9A-Za-z.])([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}+(?:[0-9.]{6,15})?)(?:%\w{1,16})?(?![0-9A-Za-z:])"
)

_IPV6_DASHED: Final = re.compile(
    r"(?<![0-9A-Za-z-])[0-9a-f]{0,4}(?:-[0-9a-f]{0,4}){2,7}(?:s\w{1,8})?\.ipv6-literal\.net|"
    r"(?<![0-9A-Za-z-])(?=[0-9-]*[a-f])[0-9a-f]{3,4}(?:-[0-9a-f]{1,4}){7}(?![0-9A-Za-z-])",
    re.I,
)

_IP_CODED: Final = re.compile(
    r"(?<![0-9A-Za-z])0x[0-9a-f]{8}(?![0-9A-Za-z])|(?<![0-9A-Za-z])(?:[0-9a-f]\.){16,32}ip6\.arpa", re.I
)

_MAC: Final = re.compile(
    r"(?<![0-9A-Fa-f:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:-])"
)

_COOKIELESS: Final = re.compile(r"\(([A-Z])\([A-Za-z0-9]{8,}+\)\)")

_IBAN_START: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?=[ \-_+./]{0,2}[A-Za-z0-9])")

_IBAN_BODY: Final = re.compile(r"[A-Za-z0-9](?:[ \-_+./]{0,2}[A-Za-z0-9]){14,33}+")
_MOST: Final = 20
"""Beginnings of an IBAN that are tried in one text; what follows more of them is no text and goes whole."""

_GAP_SIGNS: Final = " -_+./"
_GAPS: Final = str.maketrans("", "", _GAP_SIGNS)
_CARD: Final = re.compile(r"(?<!\d)\d{4}([\W_]{1,3})(?:\d{4}\1\d{4}\1\d{4}|\d{6}\1\d{5})(?!\d)")
"""A card in its groups, whatever stands between them."""
_LETTERED: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:(?P<fiscal>[A-Z]{6}[0-9L-NP-V]{2}[A-EHLMPR-T][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z])"
    r"|(?P<spain>(?:[XYZ][- ]?\d{7}|\d{2}\.?\d{3}\.?\d{3})[- ]?[A-Z])"
    r"|(?P<nino>(?!BG|GB|NK|KN|TN|NT|ZZ)(?:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]|QQ)(?:[ -]?\d{2}){3}[ -]?[A-D])"
    r"|(?P<corsica>[12][ ]?\d{2}[ ]?\d{2}[ ]?2[AB][ ]?\d{3}[ ]?\d{3}[ ]?\d{2})"
    r"|(?P<finland>\d{6}[-+A][0-9]{3}[0-9A-Y]))(?![A-Za-z0-9])",
    re.I,
)


def scrub_shapes(text: str) -> str:
    """The text with everything replaced that has a shape of its own, plain numbers and plain runs of signs apart."""
    text = _scrub_emails(text)
    if "(" in text:  # shortcut
        text = _COOKIELESS.sub(r"(\1([token]))", text)
    if "eyJ" in text:  # shortcut
        text = _JWT.sub("[jwt]", text)
    text = _scrub_addresses(text)
    return _scrub_numbered(text) if _SIX_DIGITS.match(text) else text  # shortcut


def _scrub_emails(text: str) -> str:
    """Mail addresses, credentials in URLs; `name (at) host (dot) example` too, if it is an address that way."""
    spelt = _SPELLED.sub(lambda found: "@" if found[1].lower() == "at" else ".", text)
    if "@" not in spelt:  # shortcut
        return text
    cleaned = _EMAIL.sub(_email, _USERINFO.sub("[token]@", spelt))
    cleaned = _SPACED_EMAIL.sub(_spaced_email, cleaned)
    return text if cleaned == spelt else cleaned


def _scrub_addresses(text: str) -> str:
    """Network addresses, where there are as many separators as they need."""
    colons, dashes = text.count(":"), text.count("-")
    if colons >= 5 or dashes >= 5:  # shortcut
        text = _MAC.sub("[id]", text)
    if colons >= 2:  # shortcut
        text = _IPV6.sub(_ipv6, text)
    if dashes >= 2 and (dashes >= 7 or "-literal." in text.lower()):  # shortcut
        text = _IPV6_DASHED.sub("[ip]", text)
    if "0x" in text or ".arpa" in text.lower():  # shortcut
        text = _IP_CODED.sub("[ip]", text)
    if text.count(".") >= 3 or "ip-" in text or "ip_" in text:  # shortcut
        text = _IPV4.sub(_ipv4, text)
    return text


def _scrub_numbered(text: str) -> str:
    """UUIDs, accounts, identity numbers with letters: all hold six digits at least."""
    if text.count("-") >= 4 or text.count("_") >= 4:  # shortcut
        text = _UUID.sub("[uuid]", text)
    if _TEN_DIGITS.match(text):  # shortcut
        text = _CARD.sub(_card, _scrub_ibans(text))
    return _LETTERED.sub(_lettered, text)


def _email(found: re.Match[str]) -> str:
    """A name, and an address in brackets or a host whose last label is one of the DNS: `react@18.2.0` is a version."""
    top = re.split(r"[.\u3002\]]", found[0])[-1]
    return "[email]" if not top or (len(top) > 1 and not top[0].isdigit()) else found[0]


def _spaced_email(found: re.Match[str]) -> str:
    """With a gap at the sign, as telephones write what was spoken. `Meet us @ example.com` is no address."""
    told = re.search(r"[._+\d-]", found[1]) and any(map(str.isalpha, found[1]))
    return _email(found) if told or _MAILERS.match(found[2]) else found[0]


def _ipv4(found: re.Match[str]) -> str:
    before = found.string[max(0, found.start() - 12) : found.start()]
    return found[0] if _NUMBERED.search(before) or found[0].endswith(".0.0.0") else "[ip]"


def _ipv6(found: re.Match[str]) -> str:
    if not any(map(str.isdigit, found[1])):
        return found[0]
    try:
        IPv6Address(found[1])
    except AddressValueError:
        return found[0]
    return "[ip]"


def _card(found: re.Match[str]) -> str:
    return "[card]" if is_card("".join(filter(str.isdigit, found[0]))) else found[0]


def _scrub_ibans(text: str) -> str:
    pieces: list[str] = []
    start = tried = 0
    for found in _IBAN_START.finditer(text):
        length = IBAN_LENGTHS.get(found[0][:2].upper())
        if length is None or found.start() < start:
            continue
        tried += 1
        if tried > _MOST:
            return "".join((*pieces, text[start : found.start()], "[iban]"))
        end = _iban_end(text, found.start(), length)
        if end:
            pieces += [text[start : found.start()], "[iban]"]
            start = end
    return "".join((*pieces, text[start:]))


def _iban_end(text: str, start: int, length: int) -> int:
    """Where the IBAN that starts here ends, or 0. Signs may be parted by two others."""
    body = _IBAN_BODY.match(text, start)
    if body is None or not is_iban(body[0].translate(_GAPS)[:length].upper()):
        return 0
    end = start
    for _ in range(length):
        while text[end] in _GAP_SIGNS:
            end += 1
        end += 1
    return 0 if text[end : end + 1].isalnum() else end


def _lettered(found: re.Match[str]) -> str:
    kind, text = found.lastgroup, re.sub(r"[ .\-]", "", found[0]).upper()
    return "[id]" if _SURE[kind or ""](text) else found[0]


def _is_finnish(text: str) -> bool:
    return "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(text[:6] + text[-4:-1]) % 31] == text[-1]


_SURE: Final[dict[str, Callable[[str], bool]]] = {
    "fiscal": is_fiscal_code,
    "spain": is_spanish_number,
    "corsica": is_corsican_number,
    "finland": _is_finnish,
    "nino": lambda _: True,
}
