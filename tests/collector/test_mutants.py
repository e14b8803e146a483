"""Of small faults in gate and scrubber at least nine of ten are noticed by the tests of their modules."""

import ast
from typing import Final

import pytest

from tests.collector.mutants import ROOT, measured, mutants, opened, scrubbed

GATE: Final = {
    "collector.consent": ["test_consent.py", "test_gate.py"],
    "collector.path_rules": ["test_path_rules.py"],
    "collector.exclusions": ["test_exclusions.py"],
    "collector.choosing": ["test_choosing.py"],
    "control_store.policies": ["../control_store/test_policies.py"],
    "event_catalogue.choice": ["../event_catalogue/test_choice.py", "test_choosing.py"],
}
_SCRUBBER: Final = ["test_rules.py", "test_disguises.py", "test_scrub.py"]
"""The tables first: what they notice is noticed soon."""
SCRUBBER: Final = {
    "collector.scrub": _SCRUBBER,
    "collector.tokens": _SCRUBBER,
    "collector.secret_links": _SCRUBBER,
    "collector.numbers": _SCRUBBER,
    "collector.patterns": _SCRUBBER,
    "collector.check_digits": ["test_check_digits.py", "test_national_numbers.py", *_SCRUBBER],
}
MOST: Final = 80
"""Faults of one module that are tried; a module with more is drawn from."""


@pytest.mark.long
@pytest.mark.req("P7", "P8")
@pytest.mark.parametrize("modules", [GATE, SCRUBBER], ids=["gate", "scrubber"])
def test_faults_are_noticed(modules: dict[str, list[str]]) -> None:
    """Over all modules of gate and scrubber; those that were not noticed are named."""
    blind, all_ = [], 0
    for module, tests in modules.items():
        left, count = measured(module, [str(ROOT / "tests" / "collector" / name) for name in tests], MOST)
        blind += left
        all_ += count
    assert len(blind) <= all_ / 10, "\n".join(blind)


@pytest.mark.req("P8")
def test_shortcuts_change_no_answer() -> None:
    """Conditions that are marked as saving time alone: without all of them the scrubber says the same of 1,700 texts."""
    marked = [module for module in SCRUBBER if opened(module) != opened_nowhere(module)]
    assert len(marked) >= 5
    assert scrubbed(*marked) == scrubbed()


def opened_nowhere(module: str) -> str:
    """The module's source as the syntax tree has it."""
    return ast.unparse(ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text()))


def test_a_fault_that_tests_see_is_told_from_one_that_they_do_not() -> None:
    """The measure itself: a test of something else leaves a fault, the right ones notice it."""
    elsewhere, here = ROOT / "tests/test_sizes.py", ROOT / "tests/control_store/test_policies.py"
    (fault,) = mutants("control_store.policies", 1)
    said = [f"{fault.module}:{fault.line} {fault.what}"]
    assert measured(fault.module, [f"{elsewhere}::test_the_rule_sees_what_it_measures"], 1) == (said, 1)
    assert measured(fault.module, [str(here)], 1) == ([], 1)
