"""Personal data out of paths and free text, before anything is stored (DESIGN §5, PRIVACY_RULES MIN-2, MIN-3).

Promises: mail addresses, phone numbers, cards, accounts, identity numbers, network addresses, tokens, hashes and long
numbers become typed placeholders, however they are encoded; what was cleaned once stays as it is; no text makes it
raise or run longer than linear in its length. Ordinary text comes back unchanged. Refuses: digests of persons as
values. What has no shape (a name, a street) it can't see; small groups are merged for that.
"""

import re
import unicodedata
from enum import Enum
from typing import Final, Literal
from urllib.parse import unquote

from collector.numbers import scrub_numbers
from collector.patterns import is_person_hash, scrub_named_secrets, scrub_shapes
from collector.randomness import looks_random

MAX_PATH: Final = 2048
MAX_TEXT: Final = 4096
_MAX_READ: Final = 8192

_PLAIN_PATH: Final = re.compile(r"(?:/[a-z._-]{0,19}+)*+\Z")
_PLAIN_TEXT: Final = re.compile(r"(?:[A-Za-zÀ-ɏ.,!?|&/'’\"“”–—-]{0,19}+(?: |\Z))++\Z|[^\d@%:=;\W]{0,19}\Z")
_ESCAPED: Final = re.compile(r"%(?:25)*+([0-9A-Fa-f]{2})")
_ENTITY: Final = re.compile(r"&#0*64;|&#x0*40;|&commat;|\\u0040|\\x40", re.I)
_ODD: Final = re.compile(
    r"[\u00ad\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u200b-\u200f\u2060\ufe50-\ufe6b\ufeff\uff01-\uff5e\U0001d400-\U0001d7ff]"
)
_INVISIBLE: Final = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")


class Refused(Enum):
    """Why a value is not stored at all."""

    PERSON_HASH = "person_hash"


class _Clean:
    """The last texts that came back unchanged, in two generations; the older one is dropped whole."""

    __slots__ = ("_new", "_old", "_room")

    def __init__(self, room: int) -> None:
        self._room = room // 2
        self._new: set[str] = set()
        self._old: set[str] = set()

    def __contains__(self, text: str) -> bool:
        return text in self._new or (text in self._old and self.kept(text, text) is text)

    def kept(self, text: str, clean: str) -> str:
        """The clean text; remembered only if nothing had to be replaced."""
        if clean == text and self._room:
            if len(self._new) >= self._room:
                self._old, self._new = self._new, set()
            self._new.add(text)
        return clean


class Scrubber:
    """Cleans paths, texts and values. Remembers clean ones only: no personal data stays in memory."""

    __slots__ = ("_paths", "_texts")

    def __init__(self, remember: int = 4096) -> None:
        """remember: how many clean paths, and as many clean texts, are kept in memory, 0 for none."""
        self._paths = _Clean(remember)
        self._texts = _Clean(remember)

    def scrub_path(self, path: str) -> str:
        """The path, decoded, its personal data replaced; at most MAX_PATH characters."""
        return path if path in self._paths else self._paths.kept(path, clean_path(path))

    def scrub_text(self, text: str) -> str:
        """The text, personal data replaced; at most MAX_TEXT characters."""
        if text in self._texts or _PLAIN_TEXT.match(text):
            return text
        return self._texts.kept(text, clean_text(text))

    def scrub_value(self, text: str) -> str | Literal[Refused.PERSON_HASH]:
        """A property's value, personal data replaced; Refused.PERSON_HASH where it is a digest."""
        return Refused.PERSON_HASH if is_person_hash(text) else self.scrub_text(text)


def clean_path(path: str) -> str:
    """What Scrubber.scrub_path promises, without a memory."""
    if _PLAIN_PATH.match(path) and len(path) <= MAX_PATH and not _names_secret(path):
        return path
    path = _CONTROL.sub("", _decoded(_read_encoded_slashes(path[:_MAX_READ]))).strip()
    for _ in range(4):
        cleaned = _swept(_after_secret_words(path), in_path=True)[:MAX_PATH]
        if cleaned == path:
            break
        path = cleaned
    return path.replace("?", "%3F").replace("#", "%23")[:MAX_PATH]


def clean_text(text: str) -> str:
    """What Scrubber.scrub_text promises. Where nothing is found the text stays as written, encodings too."""
    text = _CONTROL.sub(" ", text[:_MAX_READ])
    plain = _decoded(text) if "%" in text or "&" in text or "\\" in text or not text.isascii() else text
    cleaned = _scanned(plain)
    return (text if cleaned == plain else cleaned)[:MAX_TEXT]


def _swept(text: str, *, in_path: bool) -> str:
    return scrub_named_secrets(scrub_numbers(scrub_shapes(text, in_path=in_path), in_path=in_path))


def _scanned(text: str) -> str:
    for _ in range(4):
        cleaned = _swept(text, in_path=False)
        if cleaned == text:
            break
        text = cleaned
    return text


def _decoded(text: str) -> str:
    """Percent signs (also doubled), entities of @ and look-alikes of ASCII undone; the same for what is plain."""
    for _ in range(4):
        if "%" not in text:
            break
        text = unquote(_ESCAPED.sub(r"%\1", text), errors="replace")
    else:
        text = re.sub(r"%(?=[0-9A-Fa-f]{2})", "", text)
    if "&" in text or "\\" in text:
        text = _ENTITY.sub("@", text)
    if not text.isascii() and _ODD.search(text):
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
        text = "".join(str(unicodedata.digit(sign)) if sign.isdigit() else sign for sign in text)
    return text


_SECRET_WORDS: Final = frozenset(
    "reset resetpass resetpassword passwordreset setpassword password passwd recover recovery forgot forgotpassword "
    "invite invites invitation invitations invitecode acceptinvite acceptinvitation unsubscribe unsub optout abmelden "
    "desinscription verify verifyemail verification emailverification confirm confirmemail confirmation "
    "emailconfirmation activate activation magiclink loginlink signinlink passwordless otp onetime".split()
)
_SOFT_WORDS: Final = frozenset(
    "magic token auth oauth login signin sso session sessions key apikey callback ticket guest accept claim redeem "
    "join share tracking".split()
)
_FOLDED: Final = str.maketrans("", "", "-_.")
_WORDS: Final = re.compile(r"(?:[A-Za-z]?[a-z]*(?:[-_.][a-z]+)*(?:[-_.]?\d{1,2})?|\d{1,2})\Z")
_OPAQUE: Final = re.compile(r"(?=[^/]*[0-9])(?=[^/]*[A-Za-z])[A-Za-z0-9_-]{8,}\Z")
_NAME: Final = re.compile(r"[a-z]{4,}|[A-Z][a-z]{3,}")
_REACH: Final = 3
"""How many segments after a secret word are read as its codes: `/reset/<user>/<token>/`."""


def _names_secret(path: str) -> bool:
    words = [segment.translate(_FOLDED) for segment in path.split("/")]
    return not (_SECRET_WORDS.isdisjoint(words) and _SOFT_WORDS.isdisjoint(words))


def _after_secret_words(path: str) -> str:
    """Segments that look made, after a word such as reset or invite, are tokens whatever their length."""
    segments = path.split("/")
    reach, soft = 0, False
    for place, segment in enumerate(segments):
        if reach and segment:
            reach -= 1
            if _is_opaque(segment) if soft else _is_code(segment):
                segments[place] = "[token]"
        word = segment.lower().removesuffix(".php").removesuffix(".html").translate(_FOLDED)
        if word in _SECRET_WORDS:
            reach, soft = _REACH, False
        elif word in _SOFT_WORDS and (soft or not reach):
            reach, soft = 1, True
    return "/".join(segments)


def _is_code(segment: str) -> bool:
    if "@" in segment or "[" in segment:
        return False
    return not _WORDS.match(segment) or looks_random(segment, least_pairs=5)


def _is_opaque(segment: str) -> bool:
    return bool(_OPAQUE.match(segment)) and not any(
        not looks_random(name, least_pairs=3) for name in _NAME.findall(segment)
    )


def _read_encoded_slashes(path: str) -> str:
    """What holds an encoded slash is one segment before decoding and several after; it is read before."""
    if not _ENCODED_SLASH.search(path):
        return path
    segments = path.split("/")
    for place, segment in enumerate(segments):
        if _ENCODED_SLASH.search(segment):
            plain = _decoded(segment)
            cleaned = _scanned(plain)
            segments[place] = segment if cleaned == plain else cleaned
    return "/".join(segments)


_ENCODED_SLASH: Final = re.compile(r"%(?:25)*+2f", re.I)
