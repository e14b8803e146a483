"""What the operator reads at the start: once everything answers, addresses, data, and what is to do."""

import http.client
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - names of "every interface"
_HERE = ("127.0.0.1", "::1")
"""The demo is opened by the name under which it is counted."""
_WHAT = {"collector": "Sites send to", "console": "Statistics at", "demo": "Demo shop at"}


class Greeting:
    """Asks each process whether it is ready, and speaks once when all are."""

    def __init__(
        self,
        addresses: Mapping[str, tuple[str, int]],
        data: Path,
        say: Callable[[str], object],
        notes: Callable[[], Sequence[Sequence[str]]] = tuple,
    ) -> None:
        self._addresses = addresses
        self._data = data
        self._say = say
        self._notes = notes
        self._done = False

    @property
    def done(self) -> bool:
        """Whether it has spoken."""
        return self._done

    def look(self) -> None:
        """Called at every tick of the supervisor; costs nothing once it has spoken."""
        if self._done or not all(_ready(address) for address in self._addresses.values()):
            return
        self._done = True
        for name, (host, port) in self._addresses.items():
            self._say(
                f"{_WHAT[name]:<14} http://{'localhost' if name == 'demo' and host in _HERE else shown(host)}:{port}"
            )
        self._say(f"{'Data in':<14} {self._data}")
        for label, text in self._notes():
            self._say(f"{label:<14} {text}")
        self._say("Ready. Ctrl-C stops it; nothing acknowledged is lost.")


def shown(host: str) -> str:
    """The host as it stands in an address that this machine's browser opens."""
    if host in _EVERYWHERE:
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _ready(address: tuple[str, int]) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])  # noqa: S104 - names of "every interface"
    connection = http.client.HTTPConnection(host, address[1], timeout=0.2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
