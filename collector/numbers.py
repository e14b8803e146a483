"""Digits in running text and paths: which are about a person, and which are dates, prices, books or versions.

Promises: a phone number, card, account, identity or customer number becomes `[phone]`, `[card]` or `[id]`; dates, times,
prices, round sums, ISBNs, years and version numbers stay. Refuses: to keep six digits in a row whose harmlessness it
can't tell (PRIVACY_RULES MIN-3).
"""

import re
from typing import Final

from collector.check_digits import is_card, is_isbn, is_national_number

_GAP: Final = r"(?:[ .,_'’\u00a0\u202f()\-–]|/)"
_IN_TEXT: Final = re.compile(r"\(?\+?\(?\d(?:[ .,_'’\u00a0\u202f()/\-–]{0,3}\d){5,}+")
_IN_PATH: Final = re.compile(r"\(?\+?\(?\d(?:[ .,_'’\u00a0\u202f()\-–]{0,3}\d){5,}+")
_GROUP: Final = re.compile(r"\d+")

_DAY: Final = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH: Final = r"(?:0?[1-9]|1[0-2])"
_YEAR: Final = r"(?:1[5-9]|20)\d\d"
_CLOCK: Final = r"(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?"
_DATE: Final = re.compile(
    rf"(?<!\d)(?:{_YEAR}([-./_ ]){_MONTH}\1{_DAY}|{_DAY}([-./_ ]){_MONTH}\2{_YEAR}|{_MONTH}([-./_ ]){_DAY}\3{_YEAR}"
    rf"|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[-_.]?{_CLOCK})?|{_YEAR}[-–/]{_YEAR}|{_YEAR}[-./_ ](?:0[1-9]|1[0-2])"
    rf"|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d|{_YEAR}(?:0[1-9]|1[0-2]))(?!\d)"
)
_PRICE: Final = re.compile(
    r"[1-9]\d{0,2}(?:([,'’])\d{3}(?:\1\d{3})*)(?:\.\d{1,2})?\Z|[1-9]\d{0,2}(?:\.\d{3})+,\d{1,2}\Z|\d{1,7}[.,]\d{1,2}\Z"
)
_SPACED_SUM: Final = re.compile(
    r"[1-9]\d{0,2}[.  \u00a0\u202f]\d{3}\Z|[1-9][.  \u00a0\u202f]\d{3}[.  \u00a0\u202f]\d{3}\Z"
)
_ROUND: Final = re.compile(r"[1-9]\d{0,3}0{4,8}\Z|[1-9]\d{2,3}000\Z")
_VERSION: Final = re.compile(r"\d{1,4}(?:\.\d{1,5}){2,4}\Z")
_CURRENCY_BEFORE: Final = re.compile(
    r"(?:[$€£¥₹₽₺₩]|\b(?:CHF|EUR|USD|GBP|Fr\.|SEK|NOK|DKK|PLN|JPY|INR|BRL|price|preis|prix)[-_: ]?)\s?\Z", re.I
)
_CURRENCY_AFTER: Final = re.compile(
    r"\s?(?:[$€£¥₹₽₺₩]|[-_ ]?(?:CHF|EUR|USD|GBP|SEK|NOK|DKK|PLN|JPY|INR|BRL|euros?|dollars?)(?![a-z]))", re.I
)
_CALL_BEFORE: Final = re.compile(
    r"(?:tel|phone|telefon|telephone|mobile?|handy|call|fax|cell|whatsapp|sms|msisdn|number|anrufen)[-_:=./ ]{0,3}\Z",
    re.I,
)
_BOOK_BEFORE: Final = re.compile(r"(?:isbn(?:-?1[03])?|/dp|/product|/books?|/asin)[-_:=/ ]{0,2}\Z", re.I)


def scrub_numbers(text: str, *, in_path: bool) -> str:
    """The text with personal numbers replaced. In a path the slash parts numbers."""
    pattern = _IN_PATH if in_path else _IN_TEXT
    return pattern.sub(lambda found: _judged(found, text), text)


def _judged(found: re.Match[str], text: str) -> str:
    whole = found[0]
    before, after = text[max(0, found.start() - 14) : found.start()], text[found.end() : found.end() + 10]
    lead = whole[: len(whole) - len(whole.lstrip("(+"))]
    digits = "".join(_GROUP.findall(whole))
    if "+" in lead or (digits.startswith("00") and 10 <= len(digits) <= 17) or _CALL_BEFORE.search(before):
        return "[phone]"
    if is_card(digits):
        return "[card]"
    opened = "(" if lead and ")" not in whole else ""
    body = whole[len(opened) :]
    if _BOOK_BEFORE.search(before) and len(digits) in (9, 10, 13):
        return whole
    if _CURRENCY_BEFORE.search(before) or _CURRENCY_AFTER.match(after):
        return whole
    if before[-1:].isalpha() and after[:1].isalpha() and len(digits) == len(whole) <= 8:
        return whole
    return opened + _parts(body)


def _parts(body: str) -> str:
    """Dates are set aside; what lies between them is judged piece by piece."""
    pieces, start = [], 0
    for date in _DATE.finditer(body):
        pieces += [_piece(body[start : date.start()]), date[0]]
        start = date.end()
    return "".join((*pieces, _piece(body[start:])))


def _piece(piece: str) -> str:
    core = piece.strip(" .,_'’()/-–\u00a0\u202f")
    groups = _GROUP.findall(core)
    digits = "".join(groups)
    if len(digits) < 6 or _harmless(core, digits):
        return piece
    kind = _solid(digits) if len(groups) == 1 else _grouped(core, groups, digits)
    if kind:
        return piece.replace(core, kind, 1)
    return _GROUP.sub(
        lambda group: _solid(group[0]) if len(group[0]) >= 6 and not _harmless(group[0], group[0]) else group[0], piece
    )


def _harmless(core: str, digits: str) -> bool:
    return bool(
        _PRICE.match(core)
        or _SPACED_SUM.match(core)
        or _ROUND.match(core)
        or (len(digits) == 13 and is_isbn(digits))
        or (_VERSION.match(core) and len(digits) < 9)
    )


def _solid(digits: str) -> str:
    if is_card(digits):
        return "[card]"
    return "[phone]" if digits[0] == "0" and 9 <= len(digits) <= 12 else "[id]"


def _grouped(core: str, groups: list[str], digits: str) -> str:
    """The placeholder for digits in groups, or "" where the groups are likelier several small numbers."""
    sizes = tuple(map(len, groups))
    if is_national_number(digits) or sizes == (3, 2, 4):
        return "[id]"
    if sizes == (3, 3, 4) or (digits[0] == "0" and 9 <= len(digits) <= 12):
        return "[phone]"
    if max(sizes) == 1 or len(set(_GROUP.sub("", core))) > 3:
        return ""
    if 9 <= len(digits) <= 12 and min(sizes) >= 2 and max(sizes) <= 4:
        return "[phone]"
    if sizes in ((2, 2, 2, 2), (3, 2, 3)):
        return "[phone]"
    return (
        "[id]"
        if len(digits) >= 9 and max(sizes) >= 4 and not all(1500 <= int(group) <= 2100 for group in groups)
        else ""
    )
