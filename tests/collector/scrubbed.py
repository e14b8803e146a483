"""Says what the scrubber makes of many texts, one answer a line; the modules named take no shortcuts.

A process of its own, `python -m tests.collector.scrubbed [MODULE …]`, because modules are imported once.
"""

import importlib
import random
import sys
from collections.abc import Iterator
from typing import Any

from tests.collector import ordinary, planted
from tests.collector.mutants import take_no_shortcuts

_GLUE = (
    *(
        "",
        " ",
        "/",
        "-",
        ".",
        "%20",
        "%252f",
        "&",
        "=",
        ": ",
        "(",
        ")",
        "\u200b",
        "é",
        "％",
        "\\x40",
        "&#64;",
        "²",
        "%",
    ),
    *("eyJ", "0x", "ip-", "::", "a1", "2024", "-literal.net", ".arpa", "\n", "x" * 30, "/a" * 300),
)


def texts(seed: int) -> Iterator[str]:
    """Paths and texts with and without personal data, by themselves and glued together."""
    dice = random.Random(seed)
    some = [one.carrier for one in (*planted.paths(seed, 250), *planted.texts(seed, 250))]
    some += [*ordinary.paths(seed, 150), *ordinary.texts(seed, 150), *ordinary.PATHS, *ordinary.TEXTS]
    yield from some
    for _ in range(500):
        yield "".join(dice.choice(some) + dice.choice(_GLUE) for _ in range(dice.randint(1, 3)))
        yield "".join(dice.choices(_GLUE, k=dice.randint(1, 6)))


def main(modules: list[str]) -> None:
    """Print the answers."""
    take_no_shortcuts(modules)
    scrubber: Any = importlib.import_module("collector.scrub").Scrubber()
    for text in texts(11):
        print(ascii((scrubber.scrub_path(text), scrubber.scrub_text(text), str(scrubber.scrub_value(text)))))


if __name__ == "__main__":
    main(sys.argv[1:])
