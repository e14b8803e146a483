"""A stand-in for a ClickHouse server: its HTTP interface, answered by a chDB in this process.

Run as a program it prints its port and serves until its standard input ends. `POST /front` with a JSON object sets a
trouble for the next statements that contain `only`: `refuse` (cut before executing), `cut` (execute, then cut), `delay`
(wait, then execute), `unavailable` (503 without a code), `reject` (answer with that ClickHouse code). `times` says how
often. What it can't do: sessions, compression, quotas, users, clusters.
"""

import argparse
import email
import email.policy
import json
import os
import re
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import chdb

TRANSPORT = {
    "query",
    "database",
    "query_id",
    "default_format",
    "wait_end_of_query",
    "client_protocol_version",
    "enable_http_compression",
    "compress",
    "session_id",
    "send_progress_in_http_headers",
    "http_headers_progress_interval_ms",
    "role",
}
_INSERT = re.compile(r"^(INSERT INTO \S+ \([^)]*\))(.*)$", re.DOTALL)
_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*$", re.IGNORECASE)
_CODE = re.compile(r"Code: (\d+)")


class Trouble:
    """What goes wrong next."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.lock = threading.Lock()

    def take(self, statement: str) -> dict[str, Any]:
        """The trouble for this statement, used up by it; empty if it has none."""
        with self.lock:
            if self.state.get("times", 0) <= 0 or self.state.get("only", "") not in statement:
                return {}
            self.state["times"] -= 1
            return dict(self.state)


class Front(ThreadingHTTPServer):
    """Serves one chDB directory on a free port of loopback."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, directory: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.directory = directory
        self.trouble = Trouble()
        self.anchor = chdb.connect(str(directory))

    def execute(self, statement: str, body: bytes, settings: dict[str, str], params: dict[str, str]) -> bytes:
        """Run one statement on a handle of its own, as a server would without a session."""
        connection = chdb.connect(str(self.directory))
        try:
            if settings.get("database"):
                connection.query(f"USE `{settings['database']}`")
            for name, value in settings.items():
                if name not in TRANSPORT:
                    connection.query(f"SET {name} = '{value}'")
            if body:
                return self._insert(connection, statement, body)
            found = _FORMAT.search(statement)
            result = connection.query(statement, found[1] if found else "TabSeparated", params=params)
            return bytes(result.bytes() or b"")
        finally:
            connection.close()

    @staticmethod
    def _insert(connection: Any, statement: str, body: bytes) -> bytes:
        match = _INSERT.match(statement)
        assert match, "only inserts carry data"
        descriptor = os.memfd_create("front")
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(body)
            connection.query(f"{match[1]} FROM INFILE '/dev/fd/{descriptor}' {match[2]}")
        finally:
            os.close(descriptor)
        return b""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Front

    def log_message(self, *args: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        """`/ping` and statements in the URL."""
        if urlsplit(self.path).path == "/ping":
            self._answer(200, b"Ok.\n", {})
            return
        self._statement(b"")

    def do_POST(self) -> None:
        """Statements, and `/front` for troubles."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if urlsplit(self.path).path == "/front":
            self.server.trouble.state = {"times": 1, **json.loads(body)}
            self._answer(200, b"", {})
            return
        self._statement(body)

    def _statement(self, body: bytes) -> None:
        given = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        given |= self._form(body)
        params = {name[6:]: value for name, value in given.items() if name.startswith("param_")}
        settings = {name: value for name, value in given.items() if not name.startswith("param_")}
        if "query" in given:
            statement, data = given["query"], b"" if self._is_form() else body
        else:
            statement, data = body.decode(), b""
        trouble = self.server.trouble.take(statement)
        if self._fails_before(trouble):
            return
        try:
            result = self.server.execute(statement, data, settings, params)
        except (RuntimeError, ValueError) as error:
            code = _CODE.search(str(error))
            self._answer(500, str(error).encode(), {"X-ClickHouse-Exception-Code": code[1] if code else "1002"})
            return
        if trouble.get("cut"):
            self._cut()
            return
        shape = _FORMAT.search(statement)
        headers = {"X-ClickHouse-Timezone": "UTC", "X-ClickHouse-Summary": '{"read_rows":"0"}'}
        if result or shape:
            headers["X-ClickHouse-Format"] = shape[1] if shape else "TabSeparated"
        self._answer(200, result, headers)

    def _fails_before(self, trouble: dict[str, Any]) -> bool:
        time.sleep(trouble.get("delay", 0))
        if trouble.get("refuse"):
            self._cut()
        elif trouble.get("unavailable"):
            self._answer(503, b"upstream connect error", {})
        elif trouble.get("reject"):
            code = str(trouble["reject"])
            self._answer(500, f"Code: {code}. DB::Exception: told to".encode(), {"X-ClickHouse-Exception-Code": code})
        else:
            return False
        return True

    def _is_form(self) -> bool:
        return self.headers.get("Content-Type", "").startswith("multipart/form-data")

    def _form(self, body: bytes) -> dict[str, str]:
        if not self._is_form():
            return {}
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
        fields = {}
        for part in message.iter_parts():
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            fields[str(part.get_param("name", header="content-disposition"))] = payload.decode()
        return fields

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    front = Front(parser.parse_args().directory)
    threading.Thread(target=front.serve_forever, daemon=True).start()
    print(front.server_port, flush=True)
    sys.stdin.read()
    front.shutdown()
    front.anchor.close()


if __name__ == "__main__":
    main()
