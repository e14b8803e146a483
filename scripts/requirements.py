"""Which rows of the requirements have a test, and which have none: `make requirements`.

Ids stand in tests/requirements.txt, one a line. Tests name them with `@pytest.mark.req("C3", ...)` on a function, a
class, a parameter or, as `pytestmark`, a module. Tests are read, not imported. Always ends with exit code 0: a row
without a test is a fact to look at, not a failure; an id that is not in the list fails tests/test_requirements.py.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
LIST: Final = ROOT / "tests" / "requirements.txt"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def read_list(path: Path = LIST) -> dict[str, str]:
    """Sentence by id, in the order of the list."""
    rows = (line.partition(" ") for line in path.read_text().splitlines() if line.strip())
    return {name: sentence.strip() for name, _, sentence in rows}


def named_in(source: str) -> Iterator[tuple[str, str]]:
    """(test, id) for every id that a test of this module names, once each."""
    tree = ast.parse(source)
    yield from _named(tree.body, "", _module_marks(tree))


def count_tests(folder: Path) -> Counter[str]:
    """How many tests under a folder name each id."""
    counted: Counter[str] = Counter()
    for path in sorted(folder.rglob("test_*.py")):
        counted.update(name for _, name in named_in(path.read_text()))
    return counted


def _named(body: list[ast.stmt], within: str, inherited: frozenset[str]) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _named(node.body, f"{within}{node.name}.", inherited | _marks(node.decorator_list))
        elif isinstance(node, Function) and node.name.startswith("test"):
            for name in sorted(inherited | _marks(node.decorator_list)):
                yield f"{within}{node.name}", name


def _module_marks(tree: ast.Module) -> frozenset[str]:
    """What `pytestmark = ...` gives to every test of the module."""
    values: list[ast.expr] = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets)
    ]
    return _marks(values)


def _marks(expressions: list[ast.expr]) -> frozenset[str]:
    """Ids in every `….mark.req(…)` call inside these expressions, those of pytest.param too."""
    return frozenset(
        argument.value
        for expression in expressions
        for call in ast.walk(expression)
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("mark.req")
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    )


def main() -> None:
    """Print the counts, then the rows without a test."""
    rows, counted = read_list(), count_tests(ROOT / "tests")
    for name in rows:
        print(f"{name:<4} {counted[name]:>3}")
    without = [name for name in rows if not counted[name]]
    print(f"\n{len(rows) - len(without)} of {len(rows)} rows have a test. Without one:")
    for name in without:
        print(f"{name:<4} {rows[name]}")


if __name__ == "__main__":
    main()
