"""No function, module or signature of a room is larger than a reader can hold. Branches are ruff's C901."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
ROOMS: Final = (
    "footfall collector loader aggregator retention console spool control_store warehouse event_catalogue".split()
)

FUNCTION_HARD: Final = 60
FUNCTION_95: Final = 40
MODULE_HARD: Final = 500
POSITIONAL: Final = 5

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[Path]:
    """Every module of the ten rooms."""
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def functions(tree: ast.Module) -> Iterator[tuple[Function, bool]]:
    """Every function, inner ones too, and whether its first argument is bound (self, cls)."""
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in child.decorator_list)
                yield child, isinstance(node, ast.ClassDef) and not static


def lines(function: Function) -> int:
    """Lines from `def` to the end, docstring included, decorators not."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def positional(function: Function, *, bound: bool) -> int:
    """How many arguments a caller may pass by place; keyword-only ones, self and cls are not counted."""
    return len(function.args.posonlyargs) + len(function.args.args) - bound


def every_function() -> list[tuple[str, Function, bool]]:
    """Place, function, bound: over all rooms."""
    return [
        (f"{path.relative_to(ROOT)}:{function.lineno} {function.name}", function, bound)
        for path in modules()
        for function, bound in functions(ast.parse(path.read_text(), path))
    ]


def test_the_rule_sees_what_it_measures() -> None:
    """Lines, bound arguments and keyword-only ones are told apart, so that the checks below can fail."""
    source = "class A:\n    def f(self, a, /, b, *, c):\n        return 1\n    @staticmethod\n    def g(a): ...\n"
    found = [(f.name, lines(f), positional(f, bound=bound)) for f, bound in functions(ast.parse(source))]
    assert found == [("f", 2, 2), ("g", 1, 1)]


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_is_measured(room: str) -> None:
    """A room that moved or vanished does not pass unseen."""
    assert [path for path in modules() if path.relative_to(ROOT).parts[0] == room]


def test_no_function_is_longer_than_sixty_lines() -> None:
    """A function is read without scrolling."""
    long = [f"{place}: {lines(f)} lines" for place, f, _ in every_function() if lines(f) > FUNCTION_HARD]
    assert not long, "\n" + "\n".join(long)


def test_nineteen_of_twenty_functions_have_forty_lines_at_most() -> None:
    """The 95th percentile of function lengths, over all rooms."""
    measured = sorted(((lines(f), place) for place, f, _ in every_function()), reverse=True)
    over = [f"{place}: {length} lines" for length, place in measured if length > FUNCTION_95]
    assert len(over) <= len(measured) * 0.05, f"{len(over)} of {len(measured)}:\n" + "\n".join(over)


def test_no_module_is_longer_than_five_hundred_lines() -> None:
    """A module is one thing."""
    counted = [(len(path.read_text().splitlines()), path.relative_to(ROOT)) for path in modules()]
    long = [f"{path}: {count} lines" for count, path in counted if count > MODULE_HARD]
    assert not long, "\n" + "\n".join(long)


def test_no_function_takes_more_than_five_arguments_by_place() -> None:
    """What comes after the fifth is named by its caller."""
    many = [
        f"{place}: {positional(f, bound=bound)} arguments"
        for place, f, bound in every_function()
        if positional(f, bound=bound) > POSITIONAL
    ]
    assert not many, "\n" + "\n".join(many)
