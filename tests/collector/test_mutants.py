"""Of small faults in gate, choices and scrubber at least nine of ten are noticed by the tests of those modules."""

from typing import Final

import pytest

from tests.collector.mutants import ROOT, mutants, survivors

GATE: Final = {
    "collector.consent": ["test_consent.py", "test_gate.py"],
    "collector.path_rules": ["test_path_rules.py"],
    "collector.exclusions": ["test_exclusions.py"],
    "collector.choosing": ["test_choosing.py"],
    "control_store.policies": ["../control_store/test_policies.py"],
    "event_catalogue.choice": ["test_choosing.py"],
}
SCRUBBER: Final = {
    "collector.scrub": ["test_scrub.py"],
    "collector.tokens": ["test_scrub.py"],
    "collector.secret_links": ["test_scrub.py"],
    "collector.numbers": ["test_scrub.py"],
    "collector.patterns": ["test_scrub.py"],
    "collector.check_digits": ["test_check_digits.py", "test_scrub.py"],
}
MOST: Final = 80
"""Faults of one module that are tried; a module with more is drawn from."""


@pytest.mark.long
@pytest.mark.req("P7", "P8")
@pytest.mark.parametrize("modules", [GATE, SCRUBBER], ids=["gate", "scrubber"])
def test_nine_of_ten_faults_are_noticed(modules: dict[str, list[str]]) -> None:
    """Over all modules of gate and scrubber; those that were not noticed are named."""
    blind, all_ = [], 0
    for module, tests in modules.items():
        left, count = survivors(module, [str(ROOT / "tests" / "collector" / name) for name in tests], MOST)
        blind += [f"{one.module}:{one.line} {one.what}" for one in left]
        all_ += count
    assert len(blind) <= all_ / 10, "\n".join(blind)


def test_a_fault_that_tests_see_is_told_from_one_that_they_do_not() -> None:
    """The measure itself: without any test every fault is left, with the right ones it is not."""
    first = mutants("control_store.policies", 3)
    assert mutants("control_store.policies", 3) == first
    assert len({one.source for one in first}) == 3
    left, count = survivors("control_store.policies", [str(ROOT / "tests/collector/test_mutants.py::nothing")], 1)
    assert (left, count) == ([], 1)
