"""Shapes of personal data that are not plain numbers: mail addresses, network addresses, secrets, accounts, hashes.

Promises: every pattern takes time linear in the text (possessive runs that begin at a boundary), and what one pass has
replaced no other pass takes for data. Refuses: names and postal addresses of people, which have no shape.
"""

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from collector.check_digits import IBAN_LENGTHS, is_corsican_number, is_fiscal_code, is_iban, is_spanish_number
from collector.randomness import PADDED, READABLE, looks_random

_USERINFO: Final = re.compile(r"(?<=://)[^/\s@?#]{1,256}+@")
_EMAIL: Final = re.compile(
    r"(?<![\w.!#$%'*+^`{|}~-])[\w.!#$%'*+^`{|}~-]++(?:@|\s?[(\[{]\s?at\s?[)\]}]\s?)"
    r"(?!\dx\.(?:png|jpe?g|webp|gif|svg|avif))[\w-]++(?:\.[\w-]++)++",
    re.I,
)
_SPELLED_AT: Final = re.compile(r"[(\[{]\s?at\s?[)\]}]", re.I)
_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]*+){1,4}+")
_UUID: Final = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-f]{8}([-_]?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}(?![0-9A-Za-z])", re.I
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
_NAMED: Final = re.compile(
    r"(?<![A-Za-z0-9])((?:j?sess(?:ion)?_?-?id|phpsessid|asp\.?net_?sessionid|aspsessionid\w{0,16}|cfid|cftoken|sid|s_?id|session|"
    r"(?:access|refresh|id|auth|csrf|xsrf|api|reset|invite|login|verification|magic)?[_-]?token|api[_-]?key|secret|"
    r"client[_-]?secret|passw(?:or)?d|pwd|pass|passwort|auth|authorization|signature|sig|otp|code|ticket|nonce|state|hash|"
    r"jwt|bearer|uid|user_?id|customer_?id|client_?id|member_?id|visitor_?id|device_?id)\s?[=:]\s?)"
    r"([^\s&;,/\"'<>(){}]{1,2048}+)",
    re.I,
)
_AUTHORIZATION: Final = re.compile(
    r"((?<![A-Za-z0-9])authorization\s?[=:]\s?(?:[A-Za-z]{1,16}\s)?)([^\s,\"'<>\[]{4,}+)", re.I
)
_BEARER: Final = re.compile(r"\b(Bearer|Basic|Digest|Token)\s+([A-Za-z0-9._~+/=-]{8,}+)", re.I)
_COOKIELESS: Final = re.compile(r"\(([A-Z])\([A-Za-z0-9]{8,}+\)\)")
_IBAN_START: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?=[ \-_+.]?[A-Za-z0-9])")
_LETTERED: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:(?P<fiscal>[A-Z]{6}[0-9L-NP-V]{2}[A-EHLMPR-T][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z])"
    r"|(?P<spain>(?:[XYZ][- ]?\d{7}|\d{2}\.?\d{3}\.?\d{3})[- ]?[A-Z])"
    r"|(?P<nino>(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?[A-D])"
    r"|(?P<corsica>[12][ ]?\d{2}[ ]?\d{2}[ ]?2[AB][ ]?\d{3}[ ]?\d{3}[ ]?\d{2})"
    r"|(?P<finland>\d{6}[-+A][0-9]{3}[0-9A-Y]))(?![A-Za-z0-9])",
    re.I,
)
_RUN: Final = re.compile(r"[A-Za-z0-9_+\-]{20,}+={0,2}")
_BASE64: Final = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{20,}+={1,2}")
_SLASHED: Final = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+]++(?:/[A-Za-z0-9+]*+)++={0,2}")
_HEX: Final = re.compile(r"[0-9a-f]{20,}+\Z|[0-9A-F]{20,}+\Z")
_HEX_PART: Final = re.compile(r"(?<![A-Za-z0-9])(?:[0-9a-f]{20,}+|[0-9A-F]{20,}+)(?![A-Za-z0-9])")
_PART: Final = re.compile(r"[A-Za-z0-9]+")
_MODEL: Final = re.compile(r"(?:[A-Z]{1,4}|[a-z]{1,6})\d{1,4}[A-Za-z]?\Z|\d{1,4}[a-z]{1,3}\Z")
_CODE_FILE: Final = re.compile(r"(?:\.\w{1,16}){0,3}\.(?:m?js|css|map|woff2?|ttf|otf|eot|wasm)(?![A-Za-z0-9])")
_MEDIA_FILE: Final = re.compile(
    r"(?:\.\w{1,16}){0,2}\.(?:png|jpe?g|gif|webp|avif|svg|ico|mp[34]|webm|json|xml)(?![A-Za-z0-9])"
)
_BUILD_FOLDER: Final = re.compile(r"/(?:static|assets|dist|build|_next|_nuxt|_app|bundles?)/")
_PORTRAIT: Final = re.compile(r"avatar|portrait|profile|user", re.I)
_HASH_SIZES: Final = frozenset((32, 40, 56, 64, 96, 128))


def scrub_shapes(text: str, *, in_path: bool) -> str:
    """The text with everything replaced that has a shape of its own, plain numbers apart. In a path a slash parts."""
    if "@" in text or _SPELLED_AT.search(text):
        text = _USERINFO.sub("[token]@", text)
        text = _EMAIL.sub(_email, text)
    if "(" in text:
        text = _COOKIELESS.sub(r"(\1([token]))", text)
    if "eyJ" in text:
        text = _JWT.sub("[jwt]", text)
    if _has_digit(text):
        text = _scrub_digit_shapes(text)
    if "=" in text:
        text = _BASE64.sub(lambda found: "[token]" if looks_random(found[0], readable=PADDED) else found[0], text)
    if not in_path and "/" in text:
        text = _SLASHED.sub(_slashed, text)
    return _RUN.sub(_run, text)


def scrub_named_secrets(text: str) -> str:
    """The text without values that are called a session, token, password or key. Comes last: it knows no kinds."""
    if "=" in text or ":" in text:
        text = _AUTHORIZATION.sub(_named, text)
        text = _NAMED.sub(_named, text)
    return _BEARER.sub(_bearer, text) if " " in text else text


def is_person_hash(text: str) -> bool:
    """Whether the whole value is a digest (MD5, SHA-1, SHA-2; hex, or SHA-256 in base64), as made of mail addresses."""
    value = text.strip().lower()
    prefix, colon, rest = value.rpartition(":")
    value = rest if colon and prefix in ("md5", "sha1", "sha256", "sha-1", "sha-256", "sha512", "sha-512") else value
    if len(value) in _HASH_SIZES and all(sign in "0123456789abcdef" for sign in value):
        return not value.isdigit()
    return bool(_BASE64_DIGEST.match(text.strip())) and looks_random(text.strip())


_BASE64_DIGEST: Final = re.compile(r"(?:[A-Za-z0-9+/_-]{43}=?|[A-Za-z0-9+/_-]{22}==|[A-Za-z0-9+/_-]{27}=)\Z")
_has_digit = re.compile(r"\d").search


def _scrub_digit_shapes(text: str) -> str:
    text = _UUID.sub(_uuid, text)
    if ":" in text or "-" in text:
        text = _MAC.sub("[id]", text)
        text = _IPV6.sub(_ipv6, text)
        text = _IPV6_DASHED.sub("[ip]", text)
    if "0x" in text or ".arpa" in text or ".ARPA" in text:
        text = _IP_CODED.sub("[ip]", text)
    text = _IPV4.sub(_ipv4, text)
    return _LETTERED.sub(_lettered, _scrub_ibans(text))


def _email(found: re.Match[str]) -> str:
    """A name and a host whose last label is one of the DNS: `react@18.2.0` is a version."""
    top = found[0].rpartition(".")[2]
    return "[email]" if len(top) > 1 and not top[0].isdigit() else found[0]


def _uuid(found: re.Match[str]) -> str:
    return "[uuid]" if found[1] else found[0]


def _ipv4(found: re.Match[str]) -> str:
    before = found.string[max(0, found.start() - 12) : found.start()]
    return found[0] if _NUMBERED.search(before) or found[0].endswith(".0.0.0") else "[ip]"


def _ipv6(found: re.Match[str]) -> str:
    if not _has_digit(found[1]):
        return found[0]
    try:
        IPv6Address(found[1])
    except AddressValueError:
        return found[0]
    return "[ip]"


def _named(found: re.Match[str]) -> str:
    name, value = found[1], found[2]
    key = name.rstrip("=: \t").lower()
    if key in _WEAK and not _is_secret(value):
        return found[0]
    if ":" in name and not _is_secret(value):
        return found[0]
    return f"{name}[token]"


_WEAK: Final = frozenset(
    ("session", "code", "state", "pass", "hash", "ticket", "sig", "auth", "bearer", "token", "secret")
)


def _is_secret(value: str) -> bool:
    return len(value) >= 6 and any(map(str.isdigit, value)) and not value.startswith("[")


def _bearer(found: re.Match[str]) -> str:
    secret = found[2]
    return f"{found[1]} [token]" if _is_secret(secret) or secret.endswith("=") or looks_random(secret) else found[0]


def _scrub_ibans(text: str) -> str:
    pieces, start = [], 0
    for found in _IBAN_START.finditer(text):
        if found.start() < start:
            continue
        length = IBAN_LENGTHS.get(found[0][:2].upper())
        end = _iban_end(text, found.start(), length) if length else 0
        if end:
            pieces += [text[start : found.start()], "[iban]"]
            start = end
    return "".join((*pieces, text[start:])) if pieces else text


def _iban_end(text: str, start: int, length: int) -> int:
    """Where the IBAN that starts here ends, or 0. Groups may be parted by one sign."""
    signs: list[str] = []
    place = start
    while len(signs) < length and place < len(text):
        if text[place].isascii() and text[place].isalnum():
            signs.append(text[place])
        elif text[place] not in " -_+." or not text[place - 1].isalnum():
            return 0
        place += 1
    if place < len(text) and text[place].isalnum():
        return 0
    return place if is_iban("".join(signs).upper()) else 0


def _lettered(found: re.Match[str]) -> str:
    kind, text = found.lastgroup, re.sub(r"[ .\-]", "", found[0]).upper()
    if kind == "fiscal":
        sure = is_fiscal_code(text)
    elif kind == "spain":
        sure = is_spanish_number(text)
    elif kind == "corsica":
        sure = is_corsican_number(text)
    elif kind == "finland":
        sure = "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(text[:6] + text[-4:-1]) % 31] == text[-1]
    else:
        sure = True
    return "[id]" if sure else found[0]


def _run(found: re.Match[str]) -> str:
    run = found[0]
    if run.isdigit() or _is_build(found):
        return run
    if _HEX.match(run):
        return _digest(run)
    start, end = _odd_span(run)
    odd = run[start:end]
    if _HEX.match(odd):
        return f"{run[:start]}{_digest(odd)}{run[end:]}"
    if len(odd) >= 20 and looks_random(odd, readable=PADDED if odd.endswith("=") else READABLE):
        return f"{run[:start]}[token]{run[end:]}"
    return _HEX_PART.sub(lambda part: part[0] if part[0].isdigit() else _digest(part[0]), run)


def _odd_span(run: str) -> tuple[int, int]:
    """From the first part that is no word to the last one; (0, 0) where words prevail or no part is long enough."""
    odd: list[tuple[int, int]] = []
    words = longest = 0
    for part in _PART.finditer(run):
        if not _is_word(part[0]):
            odd.append(part.span())
            longest = max(longest, len(part[0]))
        elif odd and len(part[0]) > 3:
            words += len(part[0])
    if not odd or words * 3 > odd[-1][1] - odd[0][0] or (words and longest < 8):
        return 0, 0
    return odd[0][0], len(run) if run.endswith("=") else odd[-1][1]


def _is_word(part: str) -> bool:
    """A short number, an acronym, a model's number, or letters in one case that might be read."""
    if part.isdigit() or part.isupper():
        return len(part) < 6
    if not part.isalpha():
        return len(part) < 8 and bool(_MODEL.match(part))
    return (part.islower() or part.istitle()) and not looks_random(part, least_pairs=15)


def _slashed(found: re.Match[str]) -> str:
    """Base64 with slashes: no part of it reads as words. A path of words with a token in it is read part by part."""
    parts = found[0].split("/")
    if not looks_random(found[0]) or any(len(part) > 3 and not looks_random(part, least_pairs=3) for part in parts):
        return found[0]
    return "[token]"


def _digest(run: str) -> str:
    return "[hash]" if len(run) in _HASH_SIZES else "[token]"


def _is_build(found: re.Match[str]) -> bool:
    """A content hash in the name of an asset stays; a picture's only after its name or in a folder of build output."""
    text, end = found.string, found.end()
    if text[end : end + 1] != ".":
        return False
    if _CODE_FILE.match(text, end):
        return True
    if not _MEDIA_FILE.match(text, end) or _PORTRAIT.search(text):
        return False
    named = found[0][:1].isalpha() and any(sign in found[0] for sign in "-_")
    return named or text[found.start() - 1 : found.start()] == "." or bool(_BUILD_FOLDER.search(text))
