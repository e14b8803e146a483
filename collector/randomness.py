"""Whether a run of letters and digits was made by a machine: tokens, keys and hashes against words and slugs.

The judge is how many neighbouring letters occur side by side in words. In slugs of the European languages about nine of
ten pairs do, in random letters fewer than half, in random letters and digits a third; a threshold between them errs for
less than one in a hundred at twenty signs. Promises: time linear in the length. Refuses: to say anything about digits
alone, which `collector.numbers` judges.
"""

import itertools
from typing import Final

_FOLLOWERS: Final[dict[str, str]] = {
    "a": "bcdfghiklmnpqrstuvwyz",
    "b": "abeilorsuy",
    "c": "acehikloqrtuyz",
    "d": "adeiorstuvwy",
    "e": "abcdefghiklmnpqrstuvwxyz",
    "f": "aefilortuy",
    "g": "aeghilnorstuy",
    "h": "aeilmnorstuwy",
    "i": "abcdefgiklmnopqrstuvxz",
    "j": "aeiou",
    "k": "aeiklnorstuwy",
    "l": "abdefgiklmostuvy",
    "m": "abeimnopsuy",
    "n": "acdefghijklmnoqrstuvyz",
    "o": "abcdefghiklmnoprstuvwxyz",
    "p": "aefhiloprstuwy",
    "q": "u",
    "r": "abcdefgiklmnoprstuvwyz",
    "s": "acdefhiklmnopqstuvwyz",
    "t": "acefhilmorstuwyz",
    "u": "abcdefghiklmnprstxz",
    "v": "aeioruy",
    "w": "aehiklnorsy",
    "x": "acehiopty",
    "y": "abcdelmnoprstwz",
    "z": "aehinoptuwyz",
}
_PAIRS: Final = frozenset(left + right for left, rights in _FOLLOWERS.items() for right in rights)

READABLE: Final = 0.75
"""Least share of word-like pairs in what is taken for words."""
PADDED: Final = 0.9
"""The same for what ends with the padding of base64, which words do not."""


def looks_random(run: str, *, least_pairs: int = 10, readable: float = READABLE) -> bool:
    """Whether the run (ASCII letters, digits, `-_+=/`) is no text that people write.

    Pairs that a separator, two digits or the hump of a camelCase word parts say nothing and are left out; a letter
    beside a digit and a hump of one or two letters count against words. With fewer than `least_pairs` telling pairs
    the answer is no.
    """
    told = wordlike = hump = 0
    for left, right in itertools.pairwise(run):
        hump += 1
        if not (left.isalnum() and right.isalnum()):
            hump = 0
        elif left.isalpha() and right.isalpha():
            if left.islower() and right.isupper():
                told += hump < 3
                hump = 0
            else:
                told += 1
                wordlike += (left + right).lower() in _PAIRS
        else:
            told += left.isalpha() or right.isalpha()
    return told >= least_pairs and wordlike < told * readable
