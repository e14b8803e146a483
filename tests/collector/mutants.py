"""Makes small faults in a module, one at a time, and runs tests on each: a test suite that lets one pass is blind there.

A condition that only saves time is marked `# shortcut` in the module: that the answers are the same without it is a test
of its own (`opened`), and of its faults only the one that changes answers is made.

Faults: a comparison turned or moved by one, `and` and `or` exchanged, `not` left out, a condition fixed, a number moved
by one, a truth value turned, a text emptied, a returned value left out. The module's file is not touched: the faulty
source takes its place when a process that was forked for it imports the module.
"""

import ast
import contextlib
import copy
import importlib.abc
import importlib.util
import io
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).parents[2]
_TURNED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


class Mutant(NamedTuple):
    """One fault."""

    module: str
    line: int
    what: str
    source: str


def mutants(module: str, most: int | None = None) -> list[Mutant]:
    """The faults of a module, or as many of them, drawn at random but the same in each run."""
    tree = _parsed(module)
    places = [
        (number, kind)
        for number, node in enumerate(ast.walk(tree))
        if not _is_said(node, tree)
        for kind in _kinds(node)
    ]
    if most is not None and len(places) > most:
        places = sorted(random.Random(module).sample(places, most))
    return [_made(module, tree, number, kind) for number, kind in places]


def opened(module: str) -> str:
    """The module's source with no shortcut taken."""
    tree = _parsed(module)
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.IfExp) and getattr(node, "shortcut", False):
            node.test = ast.Constant(_harmless(node) == "always")
    return ast.unparse(tree)


def _parsed(module: str) -> ast.Module:
    """The module's syntax; conditions that are marked as shortcuts are known for it."""
    source = (ROOT / f"{module.replace('.', '/')}.py").read_text()
    tree, lines = ast.parse(source), source.splitlines()
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.IfExp) and lines[node.lineno - 1].endswith("# shortcut"):
            node.shortcut = True  # type: ignore[union-attr]  # remembered where it belongs
    return tree


def _harmless(node: ast.If | ast.IfExp) -> str:
    """Which way a shortcut's condition may always go: past an early end, into work that changes nothing otherwise."""
    ends = isinstance(node, ast.If) and isinstance(node.body[0], ast.Return | ast.Break)
    plain = isinstance(node, ast.IfExp) and isinstance(node.body, ast.Name)
    return "never" if ends or plain else "always"


def survivors(module: str, tests: list[str], most: int | None = None) -> tuple[list[Mutant], int]:
    """The faults that no test noticed, and how many there were."""
    made = mutants(module, most)
    return [one for one in made if _passes(one, tests)], len(made)


def _is_said(node: ast.AST, tree: ast.AST) -> bool:
    """Whether the node is a docstring, or part of an annotation: nothing that runs."""
    marked: set[int] | None = getattr(tree, "said", None)
    if marked is None:
        marked = set()
        for one in ast.walk(tree):
            if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
                marked.add(id(one.value))
            for name in ("annotation", "returns"):
                marked |= {id(part) for part in ast.walk(getattr(one, name, None) or ast.Pass())}
            if getattr(one, "shortcut", False):
                marked |= {id(part) for part in ast.walk(one.test)}  # type: ignore[attr-defined]  # a condition
            if isinstance(one, ast.Assign) and isinstance(one.value, ast.Subscript):  # Literal[…]: for the type checker
                marked |= {id(part) for part in ast.walk(one.value)}
        tree.said = marked  # type: ignore[attr-defined]  # remembered where it belongs
    return id(node) in marked


def _kinds(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in _TURNED:
            yield "turned"
        case ast.BoolOp():
            yield "exchanged"
        case ast.UnaryOp(op=ast.Not()):
            yield "left out"
        case ast.Constant(value=bool()):
            yield "turned"
        case ast.Constant(value=int()):
            yield "moved"
        case ast.Constant(value=str() as text) if text:
            yield "emptied"
        case ast.Return(value=ast.Constant(value=False)):
            pass  # nothing is as false
        case ast.Return(value=ast.expr()):
            yield "left out"
        case ast.IfExp() | ast.If():
            harmless = _harmless(node) if getattr(node, "shortcut", False) else ""
            yield from (one for one in ("always", "never") if one != harmless)


def _made(module: str, tree: ast.Module, number: int, kind: str) -> Mutant:
    faulty = copy.deepcopy(tree)
    node: Any = list(ast.walk(faulty))[number]
    before = ast.unparse(node).splitlines()[0]
    match node:
        case ast.Compare():
            node.ops = [_TURNED[type(node.ops[0])]()]
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.UnaryOp():
            node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
        case ast.Constant(value=bool()):
            node.value = not node.value
        case ast.Constant(value=int()):
            node.value += 1
        case ast.Constant():
            node.value = ""
        case ast.Return():
            node.value = ast.Constant(None)
        case ast.IfExp() | ast.If():
            node.test = ast.Constant(kind == "always")
    return Mutant(module, node.lineno, f"{kind}: {before}", ast.unparse(ast.fix_missing_locations(faulty)))


class _Other(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Gives another source when a module is imported."""

    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources

    def find_spec(self, name: str, _path: object, _target: object = None) -> Any:
        return importlib.util.spec_from_loader(name, self) if name in self._sources else None

    def get_source(self, name: str) -> str:
        return self._sources[name]


def _passes(mutant: Mutant, tests: list[str], seconds: int = 60) -> bool:
    """Whether the tests pass with this fault, in a process of their own that has not imported any of ours."""
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException), contextlib.redirect_stdout(io.StringIO()):
            signal.alarm(seconds)  # a fault may make a loop endless
            for name in [name for name in sys.modules if name.partition(".")[0] in _OURS]:
                del sys.modules[name]
            sys.meta_path.insert(0, _Other({mutant.module: mutant.source}))
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # most of a short run's time
            code = int(pytest.main(["-x", "-q", *_PLUGINS, *tests]))
        os._exit(code)
    return os.waitpid(child, 0)[1] == 0


_PLUGINS: Final = ("-p", "pytest_timeout", "-p", "_hypothesis_pytestplugin", "-p", "no:cacheprovider")
_OURS: Final = frozenset(("collector", "control_store", "event_catalogue", "spool", "footfall", "loader", "tests"))


def measured(module: str, tests: list[str], most: int) -> tuple[list[str], int]:
    """The same by a process of its own, from within a test: the faults that were left, in words, and how many there
    were."""
    call = [sys.executable, "-m", "tests.collector.mutants", module, ",".join(tests), str(most)]
    done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=ROOT, stdin=subprocess.DEVNULL)
    *said, count = done.stdout.splitlines()
    return said, int(count.split()[0])


def scrubbed(*without_shortcuts: str) -> list[str]:
    """What a process says of a scrubber in which these modules take no shortcut: its answers, in order."""
    call = [sys.executable, "-m", "tests.collector.scrubbed", *without_shortcuts]
    done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=ROOT, stdin=subprocess.DEVNULL)
    return done.stdout.splitlines()


def take_no_shortcuts(modules: list[str]) -> None:
    """Let these modules be imported without their shortcuts."""
    sys.meta_path.insert(0, _Other({module: opened(module) for module in modules}))


if __name__ == "__main__":
    limit = int(sys.argv[3]) if len(sys.argv) > 3 else None
    left, count = survivors(sys.argv[1], sys.argv[2].split(","), limit)
    for one in left:
        print(f"{one.module}:{one.line} {one.what}")
    print(f"{count} faults, {1 - len(left) / count:.1%} noticed")
