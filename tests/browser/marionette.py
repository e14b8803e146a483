"""Firefox as a person uses it: Debian's own build, told what to do over Marionette, the protocol it has built in.

Playwright drives only a Firefox that it has changed, and geckodriver is in none of the registries that this project uses.
"""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tests.product import free_port

PROGRAM: Final = shutil.which("firefox-esr") or shutil.which("firefox")
_ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"
"""The key of an element in an answer, fixed by the WebDriver specification."""
_PREFERENCES: Final[Mapping[str, object]] = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}


class Marionette:
    """One Firefox with a fresh profile, and one tab of it."""

    def __init__(self, profile: Path, **preferences: object) -> None:
        """`preferences`: further ones, their dots written as two underscores."""
        assert PROGRAM
        profile.mkdir()
        port = free_port()
        more = {name.replace("__", "."): one for name, one in preferences.items()}
        lines = {**_PREFERENCES, **more, "marionette.port": port}.items()
        (profile / "user.js").write_text("".join(f'user_pref("{key}", {json.dumps(one)});\n' for key, one in lines))
        call = [PROGRAM, "--headless", "--no-remote", "--marionette", "--profile", str(profile)]
        self._process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._socket = self._connect(port)
        self._file = self._socket.makefile("rb")
        self._told = 0
        self._read()
        self._tell("WebDriver:NewSession", pageLoadStrategy="normal")
        self._tell("WebDriver:SetTimeouts", implicit=10_000, pageLoad=30_000)

    def go(self, address: str) -> None:
        """Open an address; returns when it is loaded."""
        self._tell("WebDriver:Navigate", url=address)

    def click(self, selector: str) -> None:
        """Click on the first such element; a page that this opens is waited for."""
        self._tell("WebDriver:ElementClick", id=self._find(selector))

    def fill(self, selector: str, text: str) -> None:
        """Type into a field."""
        self._tell("WebDriver:ElementSendKeys", id=self._find(selector), text=text)

    def back(self) -> None:
        """The browser's own way back."""
        self._tell("WebDriver:Back")

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        return self._tell("WebDriver:ExecuteScript", script=f"return {script}", args=[])["value"]

    def look_elsewhere(self, seconds: float) -> None:
        """Another tab is in front for so long."""
        here = self._tell("WebDriver:GetWindowHandle")["value"]
        other = self._tell("WebDriver:NewWindow", type="tab", focus=True)["handle"]
        self._tell("WebDriver:SwitchToWindow", handle=other, focus=True)
        time.sleep(seconds)
        self._tell("WebDriver:CloseWindow")
        self._tell("WebDriver:SwitchToWindow", handle=here, focus=True)

    def close(self) -> None:
        """End it."""
        with suppress(OSError, RuntimeError):
            self._tell("Marionette:Quit", flags=["eForceQuit"])
        self._file.close()
        self._socket.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _find(self, selector: str) -> str:
        found = self._tell("WebDriver:FindElement", using="css selector", value=selector)
        return str(found["value"][_ELEMENT])

    def _connect(self, port: int) -> socket.socket:
        end = time.monotonic() + 40
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=60)
            except OSError:
                assert time.monotonic() < end, "Firefox does not listen"
                time.sleep(0.1)

    def _tell(self, command: str, **parameters: object) -> Any:
        self._told += 1
        message = json.dumps([0, self._told, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, number, error, result = self._read()
        assert number == self._told
        if error:
            raise RuntimeError(f"{command} {parameters}: {error['message']}")
        return result

    def _read(self) -> Any:
        size = b""
        while not size.endswith(b":"):
            byte = self._file.read(1)
            if not byte:
                raise RuntimeError("Firefox has gone")
            size += byte
        return json.loads(self._file.read(int(size[:-1])))
