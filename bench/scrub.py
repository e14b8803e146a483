"""What the scrubber finds, what it wrongly takes, and what it costs.

Prints the recall on planted personal data, false hits on ordinary paths and texts, CPU microseconds a call for remembered
and new paths, titles and whole URLs, and the dearest of the hostile texts. CPU time of this process, the best of several
runs, so that a busy machine disturbs little.
"""

import time
from collections.abc import Callable
from typing import Final

from collector.page_url import read_page_url
from collector.scrub import Scrubber
from tests.collector import ordinary, planted
from tests.collector.test_scrub import HOSTILE, recall, stored

CASES: Final = 10_000
PATHS: Final = (
    "/",
    "/pricing",
    "/blog/how-to-choose-hiking-boots",
    "/blog/2024/05/17/hello-world",
    "/p/iphone-15-pro-max-256gb-titanium.html",
    "/caf%C3%A9/men%C3%BC",
    "/user/1234567/profile",
)
TEXTS: Final = (
    "newsletter",
    "Best hiking boots for men – Shop",
    "Best hiking boots for men in 2024 | Outdoor Shop",
    "Cannot read properties of undefined (reading 'foo')",
    "at e (https://shop.example/js/main.3f2a9c81.js:12:345)",
    "Order #12345678 for john@example.org",
)
URLS: Final = (
    "https://shop.example/blog/how-to",
    "https://shop.example/a?utm_source=newsletter&utm_medium=email&utm_campaign=spring_sale&gclid=abcdefghijkl",
)


def main() -> None:
    """Measure and print."""
    _quality()
    _cost()
    _hostile()


def _quality() -> None:
    scrubber = Scrubber()
    for name, cases, scrub in (
        ("paths", planted.paths(1, CASES), scrubber.scrub_path),
        ("texts", planted.texts(1, CASES), scrubber.scrub_text),
        ("URLs", planted.urls(1, CASES), stored),
    ):
        print(f"recall on {CASES:,} {name} with personal data: {recall(cases, scrub)[0]:.2%}")
    for name, items, scrub in (
        ("paths", ordinary.paths(1, CASES), scrubber.scrub_path),
        ("texts", ordinary.texts(1, CASES), scrubber.scrub_text),
    ):
        changed = sum(scrub(item) != item for item in items)
        print(f"false hits on {CASES:,} ordinary {name}: {changed / CASES:.2%}")


def _cost() -> None:
    warm, cold = Scrubber(), Scrubber()
    for path in PATHS:
        print(f"{_us(warm.scrub_path, path):6.2f} µs again, {_us(cold.scrub_path, path):6.2f} µs new  path {path}")
    for text in TEXTS:
        print(f"{_us(cold.scrub_text, text):6.2f} µs  text {text}")
    for url in URLS:
        print(f"{_us(lambda one: _page(one, warm), url):6.2f} µs  URL {url}")


def _hostile() -> None:
    scrubber = Scrubber()
    for size in (2048, 65536):
        costs = []
        for seed in HOSTILE:
            text = (seed * (size // len(seed) + 1))[:size]
            costs.append((max(_us(scrub, text, calls=1) for scrub in (scrubber.scrub_path, scrubber.scrub_text)), seed))
        dearest, seed = max(costs)
        print(
            f"{dearest / 1000:6.2f} ms  dearest of {len(HOSTILE)} hostile texts of {size:,} characters ({seed!r} repeated)"
        )


def _page(url: str, scrubber: Scrubber) -> object:
    keys = ("q", "s", "query", "search", "keyword")
    return read_page_url(url, allowed=frozenset(), search_keys=keys, hash_routes=False, scrubber=scrubber)


def _us(call: Callable[[str], object], argument: str, calls: int = 3000) -> float:
    """CPU microseconds of one call, the best of five rounds."""
    best = float("inf")
    for _ in range(5):
        start = time.process_time_ns()
        for _ in range(calls):
            call(argument)
        best = min(best, (time.process_time_ns() - start) / calls / 1000)
    return best


if __name__ == "__main__":
    main()
