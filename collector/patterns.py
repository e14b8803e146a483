"""Shapes of personal data that are not plain numbers: mail addresses, network addresses, secrets, accounts, hashes.

Promises: every pattern takes time linear in the text (possessive runs that begin at a boundary), and what one pass has
replaced no other pass takes for data. Refuses: names and postal addresses of people, which have no shape.
"""

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from collector.check_digits import IBAN_LENGTHS, is_corsican_number, is_fiscal_code, is_iban, is_spanish_number
from collector.randomness import looks_random

_USERINFO: Final = re.compile(r"(?<=://)[^/\s@?#]{1,256}+@")
_EMAIL: Final = re.compile(
    r"(?<![\w.!#$%'*+^`{|}~-])[\w.!#$%'*+^`{|}~-]++(?:\s?(?:@|[(\[{]\s?(?:at|AT)\s?[)\]}])\s?)(?!\dx\.(?:png|jpe?g|webp|gif|svg|avif))"
    r"(?:[\w-]++\.)++(?!\d)[\w-]{2,}+"
)
_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]*+){1,4}+")
_UUID: Final = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-f]{8}([-_]?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}(?![0-9A-Za-z])", re.I
)
_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4: Final = re.compile(
    rf"(?<![\w.]){_OCTET}(?:\.{_OCTET}){{3}}(?![\w]|\.\d)|\bip[-_]{_OCTET}(?:[-_]{_OCTET}){{3}}(?!\d)"
)
_IPV6: Final = re.compile(
    r"(?<![0-9A-Za-z:.])([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}+(?:[0-9.]{6,15})?)(?:%\w{1,16})?(?![0-9A-Za-z:])"
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
_HEX: Final = re.compile(r"[0-9a-f]{20,}+\Z|[0-9A-F]{20,}+\Z")
_HEX_PART: Final = re.compile(r"(?<![A-Za-z0-9])(?:[0-9a-f]{20,}+|[0-9A-F]{20,}+)(?![A-Za-z0-9])")
_PART: Final = re.compile(r"[A-Za-z0-9]{20,}+")
_CODE_FILE: Final = re.compile(r"(?:\.\w{1,16}){0,3}\.(?:m?js|css|map|woff2?|ttf|otf|eot|wasm)(?![A-Za-z0-9])")
_MEDIA_FILE: Final = re.compile(
    r"(?:\.\w{1,16}){0,2}\.(?:png|jpe?g|gif|webp|avif|svg|ico|mp[34]|webm|json|xml)(?![A-Za-z0-9])"
)
_HASH_SIZES: Final = frozenset((32, 40, 56, 64, 96, 128))


def scrub_shapes(text: str) -> str:
    """The text with everything replaced that has a shape of its own, plain numbers apart."""
    if "@" in text or "at" in text.lower():
        text = _USERINFO.sub("[token]@", text)
        text = _EMAIL.sub("[email]", text)
    if "=" in text or ":" in text:
        text = _NAMED.sub(_named, text)
    if " " in text:
        text = _BEARER.sub(_bearer, text)
    if "((" in text or ")(" in text or "(" in text:
        text = _COOKIELESS.sub(r"(\1([token]))", text)
    if "eyJ" in text:
        text = _JWT.sub("[jwt]", text)
    if _has_digit(text):
        text = _scrub_digit_shapes(text)
    if "=" in text:
        text = _BASE64.sub(lambda found: "[token]" if looks_random(found[0]) else found[0], text)
    return _RUN.sub(_run, text)


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
    text = _IPV4.sub(_ipv4, text)
    return _LETTERED.sub(_lettered, _scrub_ibans(text))


def _uuid(found: re.Match[str]) -> str:
    return "[uuid]" if found[1] else found[0]


def _ipv4(found: re.Match[str]) -> str:
    before = found.string[max(0, found.start() - 9) : found.start()].lower()
    return found[0] if before.endswith(("version ", "version-", "version/", "release ")) else "[ip]"


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
    if looks_random(run):
        return "[token]"
    run = _HEX_PART.sub(lambda part: part[0] if part[0].isdigit() else _digest(part[0]), run)
    return _PART.sub(lambda part: "[token]" if looks_random(part[0]) else part[0], run)


def _digest(run: str) -> str:
    return "[hash]" if len(run) in _HASH_SIZES else "[token]"


def _is_build(found: re.Match[str]) -> bool:
    """A content hash in the name of an asset stays; in a picture's name only after a name of the picture."""
    text, end = found.string, found.end()
    if text[end : end + 1] != ".":
        return False
    if _CODE_FILE.match(text, end):
        return True
    named = (found[0][:1].isalpha() and any(sign in found[0] for sign in "-_")) or text[
        found.start() - 1 : found.start()
    ] == "."
    return bool(named and _MEDIA_FILE.match(text, end)) and "avatar" not in text.lower()
