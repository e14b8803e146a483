"""Secrets and digests: long runs of signs that no one reads, and values that are called a token or a password.

Promises: a run of twenty signs or more that reads as no words becomes `[token]`, a hexadecimal one `[hash]` or
`[token]` by its length; content hashes in the names of assets stay, slugs and names in code too. Refuses: passwords and
short codes that stand nowhere near a word that says what they are.
"""

import re
from typing import Final

from collector.asset_names import is_build_hash
from collector.randomness import PADDED, READABLE, looks_random

_KEY: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9._-]{1,40}+[\"'\]]{0,2}\s?[=:]\s?[\"']?")
_VALUE: Final = re.compile(r"(?:[^\s&;,/\"'<>(){}\[\]]|\[[a-z]{2,5}\])++")
_PLACEHOLDER: Final = re.compile(r"\[[a-z]{2,5}\]\Z")
_AUTHORIZATION: Final = re.compile(
    r"((?<![A-Za-z0-9])authorization\s?[=:]\s?(?:Bearer|Basic|Digest|Token|ApiKey|Negotiate)\s)[^\s,\"'<>\[]{4,}+", re.I
)
_BEARER: Final = re.compile(r"\b(Bearer|Basic|Digest|Token)\s+([A-Za-z0-9._~+/=-]{8,}+)", re.I)
_RUN: Final = re.compile(r"(?<![A-Za-z0-9_+\-])[A-Za-z0-9_+\-]{20,}+={0,2}")
_BASE64: Final = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{20,}+={1,2}")
_BASE64_SEGMENT: Final = re.compile(r"(?<![A-Za-z0-9+])[A-Za-z0-9+]{20,}+={1,2}")
_SLASHED: Final = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+]++(?:/[A-Za-z0-9+]*+)++={0,2}")
_HEX: Final = re.compile(r"[0-9a-f]{20,}+\Z|[0-9A-F]{20,}+\Z")
_HEX_PART: Final = re.compile(r"(?<![A-Za-z0-9])(?:[0-9a-f]{20,}+|[0-9A-F]{20,}+)(?![A-Za-z0-9])")
_PART: Final = re.compile(r"[A-Za-z0-9]+")
_SLUG: Final = re.compile(
    r"(?:(?:[A-Z]?[a-z]{1,15}+|[0-9]{1,5}+|[A-Z]{1,5}+|[a-z]{1,6}[0-9]{1,4}[a-z]?)(?:[-_+]+|\Z))*+\Z"
)
_ACCESS_KEY: Final = re.compile(r"(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\Z")
"""Key ids of a large cloud, in upper case alone: often they read as words."""
_MODEL: Final = re.compile(r"(?:[A-Z]{1,4}|[a-z]{1,6})\d{1,4}[A-Za-z]?\Z|\d{1,4}[a-z]{1,3}\Z")
_LONGEST: Final = 512  # no slug is longer; judging what is would cost the sender nothing and us much
_HASH_SIZES: Final = frozenset((32, 40, 56, 64, 96, 128))
_HASH_NAME: Final = re.compile(r"\A(?:0x|(?:md5|sha-?(?:1|2|224|256|384|512)|hash|em|email_?hash)\s?[:=$ -])", re.I)
_BASE64_DIGEST: Final = re.compile(
    r"(?:[A-Za-z0-9+/_-]{43}=?|[A-Za-z0-9+/_-]{22}==|[A-Za-z0-9+/_-]{27}=|[A-Za-z0-9+/_-]{86}={0,2})\Z"
)
_SECRET_KEYS: Final = frozenset(
    "sessionid jsessionid sessid phpsessid aspnetsessionid cfid cftoken sid apikey secret clientsecret password passwd "
    "pwd pw pass passwort kennwort motdepasse contrasena senha wachtwoord privatekey accesskey secretkey csrf xsrf pin "
    "authorization signature uid userid customerid clientid memberid visitorid deviceid otp jwt nonce "
    "token".split()
)
_WEAK_KEYS: Final = frozenset("session sess code state hash ticket sig auth bearer key".split())
_SECRET_ENDINGS: Final = ("token", "sessionid", "password", "secret", "apikey")
_JOINTS: Final = str.maketrans("", "", "-_. =:\t\n\r\"']")


def is_person_hash(text: str) -> bool:
    """Whether the whole value is a digest (MD5, SHA-1, SHA-2 and equals; hex or base64), as made of mail addresses."""
    value = _HASH_NAME.sub("", text.strip(" \t\"'{}[]()"))
    if len(value) in _HASH_SIZES and _HEX.match(value.lower()):
        return not value.isdigit()
    return bool(_BASE64_DIGEST.match(value)) and (value.endswith("=") or looks_random(value, readable=PADDED))


def scrub_tokens(text: str, *, in_path: bool) -> str:
    """The text without runs of signs that machines make: base64, hex, nanoids. In a path a slash parts runs."""
    if " " in text:  # shortcut
        text = _AUTHORIZATION.sub(r"\1[token]", text)
        text = _BEARER.sub(_bearer, text)
    if "=" in text:  # shortcut
        text = (_BASE64_SEGMENT if in_path else _BASE64).sub(_padded, text)
    if not in_path:
        text = _SLASHED.sub(_slashed, text)
    return _RUN.sub(_run, text)


def scrub_named_secrets(text: str) -> str:
    """The text without values that are called a session, token, password or key. Comes last: it knows no kinds."""
    return _scrub_values(text) if "=" in text or ":" in text else text  # shortcut


def _padded(found: re.Match[str]) -> str:
    return "[token]" if looks_random(found[0], readable=PADDED) else found[0]


def _scrub_values(text: str) -> str:
    """After `=` whatever a secret's key holds; after a colon, or a key of many meanings, what looks like a secret."""
    pieces, start = [], 0
    for found in _KEY.finditer(text):
        if found.start() < start:
            continue
        key = found[0].translate(_JOINTS).lower()
        strong = key in _SECRET_KEYS or key.endswith(_SECRET_ENDINGS) or key.startswith("aspsessionid")
        value = _VALUE.match(text, found.end()) if strong or key in _WEAK_KEYS else None
        if not value or _PLACEHOLDER.match(value[0]):
            continue
        if (strong and ("=" in found[0] or _is_literal(found[0], key))) or _is_secret(value[0]):
            pieces += [text[start : found.end()], "[token]"]
            start = value.end()
    return "".join((*pieces, text[start:]))


def _is_literal(found: str, key: str) -> bool:
    """Whether the value is quoted, as in code and JSON. `Unexpected token: 'x'` is what parsers say of any word."""
    return found[-1] in "\"'" and key != "token"


def _is_secret(value: str) -> bool:
    return len(value) >= 6 and ("[" in value or any(map(str.isdigit, value)))


def _bearer(found: re.Match[str]) -> str:
    secret = found[2]
    return f"{found[1]} [token]" if _is_secret(secret) or secret.endswith("=") or looks_random(secret) else found[0]


def _run(found: re.Match[str]) -> str:
    run = found[0]
    if _ACCESS_KEY.match(run):
        return "[token]"
    if _SLUG.match(run) or run.isdigit() or is_build_hash(found.string, *found.span()):
        return run
    if _HEX.match(run):
        return _digest(run)
    if len(run) > _LONGEST:
        return "[token]"
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
    words = after = longest = 0
    for part in _PART.finditer(run):
        if not _is_word(part[0]):
            odd.append(part.span())
            longest = max(longest, len(part[0]))
            words, after = words + after, 0
        elif odd and len(part[0]) > 3:
            after += len(part[0])
    end = odd[-1][1] if odd else 0
    if run.endswith("="):  # padding belongs to all of it
        words, end = words + after, len(run)
    if not odd or words * 3 > end - odd[0][0] or (words and longest < 8):
        return 0, 0
    return odd[0][0], end


def _is_word(part: str) -> bool:
    """A short number, an acronym, a model's number, or letters in one case that might be read."""
    if part.isdigit() or part.isupper():
        return len(part) < 6
    if not part.isalpha():
        return len(part) < 8 and bool(_MODEL.match(part))
    if not (part.islower() or part.istitle()):
        return False
    return len(part) < 16 or not looks_random(part, least_pairs=15)


def _slashed(found: re.Match[str]) -> str:
    """Base64 with slashes: no part of it reads as words. A path of words with a token in it is read part by part."""
    parts = found[0].split("/")
    if not looks_random(found[0]) or any(len(part) > 3 and _may_be_read(part) for part in parts):
        return found[0]
    return "[token]"


def _may_be_read(part: str) -> bool:
    """A word, or something too short to be judged that mixes no digits with letters of both cases."""
    mixed = not part.isalpha() and not part.isdigit() and part.lower() != part and part.upper() != part
    return not (mixed or looks_random(part, least_pairs=3))


def _digest(run: str) -> str:
    return "[hash]" if len(run) in _HASH_SIZES else "[token]"
