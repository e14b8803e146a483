"""Digits in running text and paths: which are about a person, and which are dates, prices, books or versions.

Promises: a phone number, card, account, identity or customer number becomes `[phone]`, `[card]` or `[id]`; dates,
times, prices, round sums, ISBNs, years and versions stay. Refuses: to keep six digits in a row whose harmlessness it
can't tell (PRIVACY_RULES MIN-3).
"""

import itertools
import re
from typing import Final

from collector.asset_names import is_build_hash
from collector.check_digits import is_card, is_isbn, is_national_number

# One sign between digits, or brackets and spaced dashes as people write them in phone numbers; a slash only in text.
_GAP: Final = (
    r"(?:[ .,_'’·\-\u00a0\u2000-\u200a\u2010-\u2015\u202f\u2212{slash}]| {{2,3}}|\)[ .\-]?| ?\(| [-–—{slash}] )"
)
_IN_TEXT: Final = re.compile(r"\(?\+?\(?\d(?:GAP?\d){5,}+".replace("GAP", _GAP.format(slash="/")))
_IN_PATH: Final = re.compile(r"\(?\+?\(?\d(?:GAP?\d){5,}+".replace("GAP", _GAP.format(slash="")))
_MOST: Final = 20
_LONGEST: Final = 160
"""Numbers in one text, and signs in one number, that are judged; beyond them stands `[id]`. No title or path has more,
and judging is what a sender could make expensive."""

_SIX_DIGITS: Final = re.compile(r"\D*+(?:\d\D*+){6}")
_EDGES: Final = re.compile(r"\A[^\d()]+|[^\d()]+\Z")
_GROUP: Final = re.compile(r"\d+")
_WIDE_GAP: Final = re.compile(r"( [-–—/] )")

_DAY: Final = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH: Final = r"(?:0?[1-9]|1[0-2])"
_YEAR: Final = r"(?:1[5-9]|20)\d\d"
_COMPACT: Final = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])"
_CLOCK: Final = r"(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?"
_DATE: Final = re.compile(
    rf"(?<!\d)(?:{_YEAR}([-./_ ]){_MONTH}\1{_DAY}|{_DAY}([-./_ ]){_MONTH}\2{_YEAR}|{_MONTH}([-./_ ]){_DAY}\3{_YEAR}"
    rf"|{_COMPACT}(?:0[1-9]|[12]\d|3[01])(?:[-_.]?{_CLOCK})?|{_YEAR}[-–/]{_YEAR}|{_YEAR}[-./_ ](?:0[1-9]|1[0-2])"
    rf"|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d|{_COMPACT})(?!\d)"
)
_PRICE: Final = re.compile(
    r"[1-9]\d{0,2}(?:([,'’])\d{3}(?:\1\d{3})*)(?:\.\d{1,2})?\Z|[1-9]\d{0,2}(?:\.\d{3})+,\d{1,2}\Z|\d{1,7}[.,]\d{1,2}\Z"
)
_SPACED_SUM: Final = re.compile(
    r"[1-9]\d{0,2}[. \u00a0\u202f]\d{3}\Z|[1-9][. \u00a0\u202f]\d{3}[. \u00a0\u202f]\d{3}\Z"
)
_ROUND: Final = re.compile(r"[1-9]\d{0,3}0{4,8}\Z|[1-9]\d{2,3}000\Z")
_FRACTION: Final = re.compile(r"(?:0|[1-9]\d?)\.\d+\Z")
_ARXIV: Final = re.compile(r"\d\d(?:0[1-9]|1[0-2])\.\d{4,5}\Z")
_ISBN_10: Final = re.compile(r"\d{1,5}-\d{1,7}-\d{1,6}-\d\Z")
_VERSION: Final = re.compile(r"\d{1,4}(?:\.\d{1,5}){2,4}\Z")
_LONG_VERSION: Final = re.compile(r"(?=.*(?<!\d)\d\.)\d{1,4}(?:\.\d{1,5}){2,4}\Z")
_AREA_CODE: Final = re.compile(r"\(?0\d{2,}")
_CLOCK_AFTER_T: Final = re.compile(rf"{_CLOCK}\Z")
_DOI_BEFORE: Final = re.compile(r"10\.\d{4,5}/[\w.()-]{0,16}\Z")
_POSITION_BEFORE: Final = re.compile(r"\.[a-z]{2,5}(?::\d{1,6})?:\Z|:\d{1,6}:\Z")  # file.js:1:204518
_MONEY: Final = "CHF|EUR|USD|GBP|SEK|NOK|DKK|PLN|JPY|INR|BRL"
_MONEY_BEFORE: Final = re.compile(rf"(?:[$€£¥₹₽₺₩]|\b(?:{_MONEY}|Fr\.|price|preis|prix)[-_:/ ]?) ?\Z", re.I)
_MONEY_AFTER: Final = re.compile(rf" ?(?:[$€£¥₹₽₺₩]|[-_ ]?(?:{_MONEY}|euros?|dollars?)(?![a-z]))", re.I)
_CALL_BEFORE: Final = re.compile(
    r"(?:tel|phone|telefon|telephone|mobile?|handy|call|fax|cell|whatsapp|msisdn|anrufen)[-_:=./ ]{0,3}\Z", re.I
)
_BOOK_BEFORE: Final = re.compile(r"(?:/books?|/buch|/buecher|/livres?|/libros?)[-_/]\Z", re.I)
_PRODUCT_BEFORE: Final = re.compile(r"(?:isbn(?:-?1[03])?|ean|gtin|upc|sku|asin|/dp|/products?)[-_:=/ ]{0,2}\Z", re.I)


def scrub_numbers(text: str, *, in_path: bool) -> str:
    """The text with personal numbers replaced. In a path the slash parts numbers."""
    if not _SIX_DIGITS.match(text):  # shortcut
        return text
    pattern = _IN_PATH if in_path else _IN_TEXT
    place = itertools.count()
    return pattern.sub(lambda found: _judged(found, text) if next(place) < _MOST else "[id]", text)


def _judged(found: re.Match[str], text: str) -> str:
    """One run of digits and gaps: what its whole and its neighbours say, then what its parts say."""
    whole = found[0]
    if len(whole) > _LONGEST:
        return "[id]"
    digits = "".join(_GROUP.findall(whole))
    dated = _DATE.fullmatch(whole) is not None
    if dated and len(digits) != 12:
        return whole
    before = text[max(0, found.start() - 24) : found.start()]
    if len(digits) == len(whole) and is_build_hash(text, *found.span()):
        return whole
    if _is_harmless_here(whole, digits, before=before, after=text[found.end() : found.end() + 10]):
        return whole
    lead = whole[: len(whole) - len(whole.lstrip("(+"))]
    if "+" in lead or (_CALL_BEFORE.search(before) and not dated):
        return "[phone]"
    if is_card(digits):
        return "[card]"
    if len(digits) == 12 and _is_birth_number(digits):
        return "[id]"
    if not dated and _is_phone_by_start(whole, digits):
        return "[phone]"
    opened = "(" if lead and ")" not in whole else ""
    return opened + _parts(whole[len(opened) :])


def _is_harmless_here(whole: str, digits: str, *, before: str, after: str) -> bool:
    """A time after T, a line of a source file, a book, a product, a sum of money."""
    near = before[-1:]
    if near.isalpha() and after[:1].isalpha() and len(digits) == len(whole) <= 8:
        return True
    if near in ("T", "t") and before[-2:-1].isdigit() and _CLOCK_AFTER_T.match(whole):
        return True
    if _POSITION_BEFORE.search(before):
        return len(digits) == len(whole)
    if _is_product(digits, before=before, after=after):
        return True
    money = len(digits) <= 12 and (_MONEY_BEFORE.search(before) or _MONEY_AFTER.match(after))
    return bool(money) and not whole.startswith(("0", "+", "("))


def _is_product(digits: str, *, before: str, after: str) -> bool:
    """ISBNs where a word or an X says so; article numbers after `ean`, `sku` or `/product/`; DOIs."""
    if len(digits) == 9 and after[:2].lstrip("-")[:1] in ("X", "x"):
        return is_isbn(f"{digits}X")
    if _BOOK_BEFORE.search(before):
        return is_isbn(digits)
    return len(digits) <= 14 and bool(_PRODUCT_BEFORE.search(before) or _DOI_BEFORE.search(before))


def _is_birth_number(digits: str) -> bool:
    """A long personnummer looks like a date and a time: years before 2000 and times that no clock shows decide."""
    return is_national_number(digits) and (digits < "2000" or digits[8:10] > "23" or digits[10] > "5")


def _is_phone_by_start(whole: str, digits: str) -> bool:
    if digits.startswith("00"):
        return 10 <= len(digits) <= 17
    return 9 <= len(digits) <= 12 and bool(_AREA_CODE.match(whole))


def _parts(body: str) -> str:
    """Dates are set aside; what lies between them is judged piece by piece. Two numbers with a dash are two."""
    pieces, start = [], 0
    for date in _DATE.finditer(body):
        pieces += [body[start : date.start()], date[0]]
        start = date.end()
    pieces.append(body[start:])
    return "".join(piece if place % 2 else _between_dates(piece) for place, piece in enumerate(pieces))


def _between_dates(piece: str) -> str:
    if sum(map(str.isdigit, piece)) > 13 and _WIDE_GAP.search(piece):
        return "".join(map(_piece, _WIDE_GAP.split(piece)))
    return _piece(piece)


def _piece(piece: str) -> str:
    core = _EDGES.sub("", piece)
    core = core if "(" in core and ")" in core else core.strip("()")
    groups = _GROUP.findall(core)
    digits = "".join(groups)
    if len(digits) < 6 or _is_harmless(core, digits):
        return piece
    kind = _solid(digits) if len(groups) == 1 else _grouped(core, groups, digits)
    if kind:
        return piece.replace(core, kind, 1)
    return _GROUP.sub(_group, piece)


def _group(found: re.Match[str]) -> str:
    digits = found[0]
    return digits if len(digits) < 6 or _is_harmless(digits, digits) else _solid(digits)


def _is_harmless(core: str, digits: str) -> bool:
    """A price, a sum, a fraction, a book, a version."""
    if len(digits) == 13 and is_isbn(digits):
        return True
    if core == digits:
        return bool(_ROUND.match(core))
    if len(digits) < 9 and (_VERSION.match(core) or _SPACED_SUM.match(core)):
        return True
    if _ARXIV.match(core) or (_ISBN_10.match(core) and is_isbn(digits)):
        return True
    if _LONG_VERSION.match(core) and not is_national_number(digits):
        return True
    return bool(_PRICE.match(core) or _FRACTION.match(core))


def _solid(digits: str) -> str:
    if is_card(digits):
        return "[card]"
    return "[phone]" if digits[0] == "0" and 9 <= len(digits) <= 12 else "[id]"


def _grouped(core: str, groups: list[str], digits: str) -> str:
    """The placeholder for digits in groups, or "" where the groups are likelier several small numbers."""
    sizes = tuple(map(len, groups))
    if is_card(digits):
        return "[card]"
    if is_national_number(digits) or sizes == (3, 2, 4):
        return "[id]"
    if sizes in ((3, 3, 4), (1, 3, 3, 4)) or (digits[0] == "0" and 9 <= len(digits) <= 12):
        return "[phone]"
    if (
        max(sizes) == 1
        or all(_ROUND.match(group) for group in groups)
        or all(len(group) == 4 and "1500" <= group <= "2100" for group in groups)
    ):
        return ""
    if "," not in core and _is_phone_shape(core, sizes, len(digits)):
        return "[phone]"
    if len(digits) >= 13 and (digits[0] == "0" or max(sizes) >= 3):
        return "[id]"
    return "[id]" if len(digits) >= 9 and max(sizes) >= 4 else ""


def _is_phone_shape(core: str, sizes: tuple[int, ...], total: int) -> bool:
    """Groups as national phone numbers have them; equal pairs only with spaces, else they are sizes or scores."""
    if sizes in ((2, 2, 2, 2), (3, 2, 3)):
        return " " in core
    return 9 <= total <= 12 and min(sizes) >= 2 and max(sizes) <= 4 and set(sizes) != {2}
