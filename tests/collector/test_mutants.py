"""Of small faults in the gate at least nine of ten are noticed by the tests of its modules, in the scrubber most.

The scrubber is full of shortcuts: a fault in one costs time and changes no answer, so that no test can notice it. Of what
was left in `scrub.py` (a third) two or three faults in forty were none of these.
"""

from typing import Final

import pytest

from tests.collector.mutants import ROOT, measured, mutants

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
@pytest.mark.parametrize(("modules", "least"), [(GATE, 0.9), (SCRUBBER, 0.6)], ids=["gate", "scrubber"])
def test_faults_are_noticed(modules: dict[str, list[str]], least: float) -> None:
    """Over all modules of gate and scrubber; those that were not noticed are named."""
    blind, all_ = [], 0
    for module, tests in modules.items():
        left, count = measured(module, [str(ROOT / "tests" / "collector" / name) for name in tests], MOST)
        blind += left
        all_ += count
    assert len(blind) <= all_ * (1 - least), "\n".join(blind)


def test_a_fault_that_tests_see_is_told_from_one_that_they_do_not() -> None:
    """The measure itself: a test of something else leaves a fault, the right ones notice it."""
    elsewhere, here = ROOT / "tests/test_sizes.py", ROOT / "tests/control_store/test_policies.py"
    (fault,) = mutants("control_store.policies", 1)
    said = [f"{fault.module}:{fault.line} {fault.what}"]
    assert measured(fault.module, [f"{elsewhere}::test_the_rule_sees_what_it_measures"], 1) == (said, 1)
    assert measured(fault.module, [str(here)], 1) == ([], 1)
