"""What holds for every test: how long hypothesis searches, and what is said at the end of a run.

The last words of a run are one line `N passed, N failed, N skipped`, and each different reason for a skip, so that
neither a person nor a script has to read pytest's colours. Errors of fixtures count as failed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import hypothesis
import pytest

hypothesis.settings.register_profile(
    "fast",
    max_examples=50,
    deadline=None,
    print_blob=True,
    # The same cases in every run: whether a change is accepted is no matter of luck. New ones are searched for by the
    # long runs, and what they find becomes an example.
    derandomize=True,
    # Two cores shared with other work: a slow draw says something about the machine, not about the code.
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "long", hypothesis.settings.get_profile("fast"), derandomize=False, max_examples=5000
)
hypothesis.settings.load_profile("fast")


def pytest_configure(config: pytest.Config) -> None:
    """`-m long` searches long too, unless a profile was named (--hypothesis-profile)."""
    if config.getoption("markexpr", "") == "long" and not config.getoption("--hypothesis-profile", None):
        hypothesis.settings.load_profile("long")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Speaks after pytest's own summary. Once: the workers of xdist have no terminal."""
    yield
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if reporter is None or session.config.getoption("collectonly"):
        return
    for reason, count in sorted(skip_reasons(reporter.stats.get("skipped", ())).items()):
        reporter.write_line(f"skipped {count}: {reason}")
    reporter.write_line(outcome_line(reporter.stats))


def outcome_line(stats: dict[str, list[Any]]) -> str:
    """`N passed, N failed, N skipped` from a terminal reporter's statistics."""
    passed, failed, skipped = (
        sum(len(stats.get(word, ())) for word in words)
        for words in (("passed",), ("failed", "error"), ("skipped", "xfailed"))
    )
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def skip_reasons(reports: Iterable[Any]) -> Counter[str]:
    """How often each reason was given. A skip's `longrepr` is (file, line, "Skipped: reason")."""
    reasons: Counter[str] = Counter()
    for report in reports:
        told = report.longrepr
        reason = str(told[2] if isinstance(told, tuple | list) else told)
        reasons[reason.removeprefix("Skipped: ")] += 1
    return reasons
