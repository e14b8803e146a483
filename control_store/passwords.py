"""Which passwords are taken: long enough, and none that is tried first. Length is what counts (NIST SP 800-63B).

`common_passwords.txt.gz` holds what was found most often where passwords had leaked: the lists that Django (Royce
Williams, BSD licence) and zxcvbn (Dropbox, MIT licence) bring along, put together. It is read here alone, and nothing
of a password leaves the machine to be compared.
"""

import gzip
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 128
_COMMON: Final = Path(__file__).parent / "common_passwords.txt.gz"
_REPEATED: Final = re.compile(r"(.{1,10}?)\1+.{0,3}", re.DOTALL)
_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "0123456789" * 3,
)


class BadPassword(ValueError):
    """A password that is not taken; the text is one sentence for a person."""


def check_strength(password: str, email: str) -> None:
    """Raise BadPassword unless the password is long enough and not easy to guess."""
    text = unicodedata.normalize("NFC", password)
    if len(text) < SHORTEST_PASSWORD:
        raise BadPassword(f"The password is too short: it needs {SHORTEST_PASSWORD} characters or more.")
    if len(text) > LONGEST_PASSWORD:
        raise BadPassword(f"The password is too long: {LONGEST_PASSWORD} characters are the most.")
    plain = text.casefold()
    if plain == email.casefold() or _is_pattern(plain):
        raise BadPassword("The password is too easy to guess; take one that is no pattern, and not the address.")
    if _is_common(plain):
        raise BadPassword("This password is among those that are tried first; several words in a row are good.")


def _is_pattern(plain: str) -> bool:
    """A sign or a few repeated, or the keyboard and the alphabet from one end to the other."""
    rows = (*_ROWS, *(row[::-1] for row in _ROWS))
    return bool(_REPEATED.fullmatch(plain)) or any(plain in row for row in rows)


def _is_common(plain: str) -> bool:
    """One of the list, also with digits and signs around it: `Football2024!` is no better than `football`."""
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain)
    return plain in _common() or core in _common()


@cache
def _common() -> frozenset[str]:
    return frozenset(gzip.decompress(_COMMON.read_bytes()).decode().split())
