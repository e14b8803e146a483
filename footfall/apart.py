"""Work in a process of a moment, for a process that lives long: the libraries it loads go with it (20 MB of them).

Only for a process with a single thread: it forks. The fork has every socket of its parent, so it must not outlive it.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

import click

from footfall.supervisor import die_with_parent


def apart(work: Callable[[], Any]) -> Any:
    """The JSON that `work` returns. An error is shown there and then; SystemExit carries its exit code."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    parent = os.getpid()
    pid = os.fork()
    if not pid:
        os.close(reader)
        _work(work, writer, parent)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        text = answer.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        raise SystemExit(code if code > 0 else 1)
    return json.loads(text)


def _work(work: Callable[[], Any], writer: int, parent: int) -> NoReturn:
    code = 1
    try:
        signal.set_wakeup_fd(-1)  # the parent's handlers and what they wake are the parent's
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        die_with_parent(parent)
        with os.fdopen(writer, "wb") as answer:
            answer.write(json.dumps(work()).encode())
        code = 0
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except BaseException:  # noqa: BLE001  # shown here: nothing of the parent may run in its copy
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
