"""A process of a moment: its answer, its errors, and that nothing of it outlives the one it works for."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.product import free_port

pytestmark = pytest.mark.req("O3")


def _run(lines: str) -> subprocess.CompletedProcess[str]:
    program = f"import click, os\nfrom footfall.apart import apart\n{lines}"
    call = [sys.executable, "-c", program]
    return subprocess.run(call, capture_output=True, text=True, timeout=30, check=False)


def test_the_answer_comes_back_and_what_it_loaded_does_not() -> None:
    """What the work imports is not in the process that asked."""
    done = _run("import sys\nprint(apart(lambda: (__import__('sqlite3'), [1, 'ä'])[1]), 'sqlite3' in sys.modules)")
    assert done.stdout == "[1, 'ä'] False\n"


@pytest.mark.parametrize(
    ("work", "code", "shown"),
    [
        ("(_ for _ in ()).throw(click.ClickException('No room.'))", 1, "Error: No room.\n"),
        ("(_ for _ in ()).throw(click.UsageError('Not so.'))", 2, "Error: Not so.\n"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("os.kill(os.getpid(), 9)", 1, ""),
    ],
)
def test_an_error_is_shown_once_and_ends_with_its_code(work: str, code: int, shown: str) -> None:
    """Whatever goes wrong there, the one who asked ends with the same code and says nothing more."""
    done = _run(f"apart(lambda: {work})\nprint('went on')")
    assert (done.returncode, done.stdout) == (code, "")
    assert shown in done.stderr
    assert done.stderr.count("Error") == bool(shown)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's word at a parent's death is Linux's")
def test_a_killed_parent_takes_its_helper_and_the_port_with_it() -> None:
    """A start after kill -9 finds the address free, however long the helper would have worked."""
    port = free_port()
    program = (
        "import signal, socket, time\nfrom footfall.apart import apart\n"
        f"sock = socket.create_server(('127.0.0.1', {port}))\n"
        "signal.signal(signal.SIGTERM, lambda *_: None)\n"
        "apart(lambda: (print('working', flush=True), time.sleep(60)))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"working\n"
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(timeout=10)
        end = time.monotonic() + 5
        while True:
            try:
                socket.create_server(("127.0.0.1", port)).close()
                break
            except OSError:
                assert time.monotonic() < end, "the helper still holds the address"
                time.sleep(0.05)
