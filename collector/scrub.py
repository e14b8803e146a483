"""Personal data out of paths and free text, before anything is stored (DESIGN §5, PRIVACY_RULES MIN-2, MIN-3).

Promises: mail addresses, phone numbers, cards, accounts, identity numbers, network addresses, tokens, hashes and long
numbers become typed placeholders, however they are encoded; what was cleaned once stays as it is; no text makes it
raise or run longer than linear in its length. Ordinary text comes back unchanged. Refuses: digests of persons as
values. What has no shape (a name, a street) it can't see; small groups are merged for that.
"""

import re
import unicodedata
from enum import Enum, auto
from html import unescape
from typing import Final, Literal
from urllib.parse import unquote

from collector.check_digits import is_card
from collector.numbers import scrub_numbers
from collector.patterns import scrub_shapes
from collector.secret_links import names_secret, scrub_secret_links
from collector.tokens import is_person_hash, scrub_named_secrets, scrub_tokens

MAX_PATH: Final = 1024
MAX_TEXT: Final = 1024
_MAX_READ: Final = 2048
"""What comes after is not read: no column keeps more than 1024 characters, and length shall not buy time."""


# What every ordinary path and text is made of: words in one case, acronyms, short numbers, models such as wh1000 or 4k.
# No number is followed by another across a gap, so that no phone number, date or address hides among them.
_LOW: Final = "a-z\u00c0-\u1fff\u3040-\u9fff\uac00-\ud7af"
_WORD: Final = (
    rf"(?:[A-Z]?[{_LOW}]{{1,15}}+(?![A-Za-z0-9])|[A-Z]{{1,5}}+(?![A-Za-z0-9])"
    r"|[a-z]{0,6}[0-9]{1,4}+[a-z]{0,2}(?![A-Za-z0-9]|GAP[0-9]))"
)
_PLAIN_PATH: Final = re.compile(
    rf"(?:[/._~-]|{_WORD})*+\Z".replace("GAP[0-9]", r"[._~-]{1,3}[0-9]|[/~][0-9]{4}[/~][0-9]{4}")
)
_LETTERS_ONLY: Final = re.compile(r"(?:[A-Za-zÀ-ɏ.,!?|&'’\"“”–—-]{0,19}+(?: |\Z))++\Z")
_PLAIN_TEXT: Final = re.compile(
    rf"(?:[ .,!?|&/'’\"“”„«»–—…·*_-]|{_WORD})*+\Z".replace("GAP", r"[ .,!?|&/'’\"“”„«»–—…·*_-]{1,3}")
)
_ESCAPED: Final = re.compile(r"%(?:25)*([0-9A-Fa-f]{2})")
_ENCODED_SLASH: Final = re.compile(r"%(?:25)*+2f", re.I)
_GAP: Final = re.compile(r"[\s/]")
_CODED: Final = re.compile(r"(?:%u00|\\u00|\\x)([0-7][0-9A-Fa-f])", re.I)  # as scripts write signs of ASCII
_ENTITY: Final = re.compile(r"&(?:amp;)*+(?=#)", re.I)
# What browsers show as nothing (Unicode: Default_Ignorable_Code_Point), and the empty pattern of Braille.
_HIDDEN: Final = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_ODD: Final = re.compile(rf"[{_HIDDEN}\u2024\u2460-\u24ff\ufe50-\ufe6b\uff01-\uff61\U0001d400-\U0001d7ff]|(?![0-9])\d")
"""Signs that stand for others: hidden ones, look-alikes of ASCII, digits of other scripts."""
_INVISIBLE: Final = re.compile(rf"[{_HIDDEN}]")
_ESCAPES: Final = str.maketrans("", "", "%&\\")
_CAMPAIGN: Final = re.compile(r"[1-9][0-9]{5,19}\Z")
_BREAK: Final = re.compile(r"[\t-\r\x1c-\x1f\x85\u2028\u2029]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")


class Refused(Enum):
    """Why a value is not stored at all."""

    PERSON_HASH = auto()


class Scrubber:
    """Cleans paths, texts and values, and remembers none of them."""

    __slots__ = ()

    def scrub_path(self, path: str) -> str:
        """The path, decoded, its personal data replaced; at most MAX_PATH characters."""
        return clean_path(path)

    def scrub_text(self, text: str) -> str:
        """The text, personal data replaced; at most MAX_TEXT characters. Where nothing is found it stays as written."""
        return clean_text(text)

    def scrub_campaign(self, text: str) -> str:
        """A campaign's name or number. Advertising networks number campaigns: digits that no one is reached by stay."""
        return text if _CAMPAIGN.match(text) and not is_card(text) else clean_text(text)

    def scrub_value(self, text: str) -> str | Literal[Refused.PERSON_HASH]:
        """A property's value, personal data replaced; Refused.PERSON_HASH where it is a digest."""
        plain = text[:_MAX_READ]
        plain = plain if plain.isalnum() and plain.isascii() else _decoded(plain, control=" ")  # shortcut
        return Refused.PERSON_HASH if is_person_hash(plain) else clean_text(text)


def clean_path(path: str) -> str:
    """What Scrubber.scrub_path promises."""
    path = _beginning(path)
    if "%" in path or "&" in path or "\\" in path or not path.isascii():  # shortcut
        path = _decoded(_read_encoded_slashes(path), control="")
    if _PLAIN_PATH.match(path) and len(path) <= MAX_PATH and not names_secret(path):  # shortcut
        return path
    path = _without_controls(path, "").strip()
    for _ in range(4):
        cleaned = _fitted(_swept(scrub_secret_links(path), in_path=True))
        if cleaned == path:  # shortcut
            break
        path = cleaned
    return _escaped(path)


def _escaped(path: str) -> str:
    """With `?` and `#` encoded, which would end the path elsewhere."""
    return path.replace("?", "%3F").replace("#", "%23")


def _fitted(path: str) -> str:
    """Cut so that it fits when it is escaped."""
    return path[: max(0, MAX_PATH - len(_escaped(path)) + len(path))].strip()


def clean_text(text: str) -> str:
    """What Scrubber.scrub_text promises. Where nothing is found the text stays as written, encodings too."""
    text = _beginning(text)
    if (  # shortcut
        not ("earer " in text or "asic " in text or "igest " in text or "oken " in text)  # a secret is announced
        and (_LETTERS_ONLY.match(text) or (_PLAIN_TEXT.match(text) and (text.isascii() or not _ODD.search(text))))
    ):
        return text[:MAX_TEXT]
    text = _without_controls(text, " ")
    plain = text
    if "%" in text or "&" in text or "\\" in text or not text.isascii():  # shortcut
        plain = _decoded(text, control=" ")
    cleaned = _scanned(plain)
    if cleaned != plain:
        return cleaned
    return text if len(text) <= MAX_TEXT else _scanned(text[:MAX_TEXT])


def clean_host(host: str) -> str:
    """A host name, label by label: what looks like a number, token or digest of a person is replaced."""
    return ".".join(map(clean_text, host.split(".")))


def _beginning(text: str) -> str:
    """What is read of an overlong text, without a last word that the cut may have made harmless to look at."""
    if len(text) <= _MAX_READ:
        return text
    gaps = [gap.start() for gap in _GAP.finditer(text, _MAX_READ - 256, _MAX_READ)]
    return text[: gaps[-1] if gaps else _MAX_READ]


def _swept(text: str, *, in_path: bool) -> str:
    text = scrub_tokens(scrub_shapes(text), in_path=in_path)
    return scrub_named_secrets(scrub_numbers(text, in_path=in_path))


def _scanned(text: str) -> str:
    """Swept until nothing changes, so that what is clean stays as it is. A second sweep follows only on a find."""
    for _ in range(4):
        cleaned = _swept(text, in_path=False)
        if cleaned == text:
            break
        text = cleaned[:MAX_TEXT]
    return text


def _decoded(text: str, *, control: str) -> str:
    """Percent signs (also doubled), entities and look-alikes of ASCII undone; ends of lines as `control`."""
    for _ in range(4):
        plain = _without_controls(_unescaped(text), control)
        if plain == text:
            return text
        text = plain
    # No browser nests escapes this deep: what still looks like one is taken apart.
    return text.translate(_ESCAPES)


def _without_controls(text: str, gap: str) -> str:
    """Without control characters, which no screen shows; ends of lines become the gap."""
    return _CONTROL.sub("", _BREAK.sub(gap, text))


def _unescaped(text: str) -> str:
    text = _CODED.sub(r"%\1", text)
    if "%" in text:  # shortcut
        text = unquote(_ESCAPED.sub(r"%\1", text), errors="replace")
    if "&" in text:  # shortcut
        text = _ENTITY.sub("&", text.replace("&commat;", "@"))
        text = unescape(text) if "&#" in text else text
    if _ODD.search(text):
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
        text = "".join(str(unicodedata.digit(sign)) if sign.isdigit() else sign for sign in text)
    return text


def _read_encoded_slashes(path: str) -> str:
    """What holds an encoded slash is one segment before decoding and several after; it is read before."""
    if not _ENCODED_SLASH.search(path):  # shortcut
        return path
    segments = path.split("/")
    for place, segment in enumerate(segments):
        if _ENCODED_SLASH.search(segment):
            plain = _decoded(segment, control="")
            cleaned = _scanned(plain)
            segments[place] = segment if cleaned == plain else cleaned
    return "/".join(segments)
