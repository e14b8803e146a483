"""Links that let someone in: what follows a word such as reset, invite or unsubscribe in a path.

Promises: after such a word a segment that was made, not written, becomes `[token]` whatever its length; words, step
numbers and file names stay. After softer words (`/share/`, `/session/`) only what is plainly a code. Refuses: to guess
where no word tells.
"""

import re
from typing import Final

from collector.randomness import looks_random

_WORDS: Final = frozenset(
    "reset resetpass resetpassword passwordreset setpassword password passwd recover recovery forgot forgotpassword "
    "invite invites invitation invitations invitecode acceptinvite acceptinvitation unsubscribe unsub optout abmelden "
    "desinscription verify verifyemail verification emailverification confirm confirmemail confirmation "
    "emailconfirmation activate activation magiclink magiclogin magicsignin loginlink signinlink passwordless otp "
    "onetime".split()
)
_SOFT_WORDS: Final = frozenset(
    "magic token auth oauth login signin sso session sessions key apikey callback ticket guest accept claim redeem "
    "join share tracking".split()
)
_REACH: Final = 3
"""How many segments after a word are read as its codes: `/reset/<user>/<token>/`."""

_DEPTH: Final = 64
"""Segments that are read; no site is deeper, and what follows is one segment."""

_JOINTS: Final = str.maketrans("", "", "-_.")
_WRITTEN: Final = re.compile(r"(?:[A-Za-z]?[a-z]*(?:[-_.][a-z]+)*(?:[-_.]?\d{1,2})?|\d{1,2})\Z")
_CODE: Final = re.compile(r"(?=[^/]*[0-9])(?=[^/]*[A-Za-z])[A-Za-z0-9_-]{8,}\Z")
_NAME: Final = re.compile(r"[a-z]{4,}|[A-Z][a-z]{3,}")


def scrub_secret_links(path: str) -> str:
    """The path with the codes of secret links replaced."""
    if not names_secret(path):  # shortcut
        return path
    segments = path.split("/", _DEPTH)
    reach, soft, before = 0, False, ""
    for place, segment in enumerate(segments):
        if reach and segment:
            reach -= 1
            if _is_code(segment) if soft else _is_made(segment):
                segments[place] = "[token]"
        word = segment.lower().removesuffix(".php").removesuffix(".html").translate(_JOINTS)
        if word in _WORDS or before + word in _WORDS:  # `/magic/login/` is one word in two segments
            reach, soft = _REACH, False
        elif word in _SOFT_WORDS and (soft or not reach):
            reach, soft = 1, True
        before = word
    return "/".join(segments)


def names_secret(path: str) -> bool:
    """Whether one of the words stands in the path as a segment."""
    words = path.lower().replace("-", "").replace("_", "").replace(".php", "").replace(".html", "").split("/")
    return not (_WORDS.isdisjoint(words) and _SOFT_WORDS.isdisjoint(words))


def _is_made(segment: str) -> bool:
    if "@" in segment or "[" in segment:
        return False
    return not _WRITTEN.match(segment) or looks_random(segment, least_pairs=5)


def _is_code(segment: str) -> bool:
    return bool(_CODE.match(segment)) and all(looks_random(name, least_pairs=3) for name in _NAME.findall(segment))
