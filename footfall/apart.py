"""Work in a process of a moment, for a process that lives long: the libraries it loads go with it (20 MB of them).

Only for a process with a single thread: it forks.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

import click


def apart(work: Callable[[], Any]) -> Any:
    """The JSON that `work` returns. An error is shown there and then, and ends this process with the same exit code."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        os.close(reader)
        _work(work, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        text = answer.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        raise SystemExit(code if code > 0 else 1)
    return json.loads(text)


def _work(work: Callable[[], Any], writer: int) -> NoReturn:
    code = 1
    try:
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
