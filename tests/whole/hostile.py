"""Requests that nobody sends in good faith: any part of a right one replaced, cut, doubled, or made endless.

Everything is drawn from the dice that are passed in, so a seed repeats a storm request by request.
"""

import gzip
import json
import random
import re
import socket
import struct
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from tests.whole.furnished import DOMAIN, Furnished

RAW: Final = (
    *("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "-0.0", "1E-400", "1" + "0" * 400, "9223372036854775808"),
    *("-9223372036854775809", "18446744073709551616", "0x1F", "01", "1.", ".5", "+1", "'a'", "undefined", "true false"),
    *(
        '"\\ud800"',
        '"\\udfff\\ud800"',
        '"\\u0000"',
        '"\\x41"',
        '"a\nb"',
        '{"a":1,"a":2}',
        '{"__proto__":{"a":1}}',
        "/**/1",
    ),
    *("[" * 600 + "]" * 600, '{"a":' * 600 + "1" + "}" * 600, "[" * 5000, "", "[,]", '{"a"}', "{", '"'),
)
"""Texts where a JSON value should stand."""

WORDS: Final = (
    *(
        "",
        " ",
        "\0",
        "\r\nX: y",
        "null",
        "__proto__",
        "constructor",
        "prototype",
        "toString",
        "hasOwnProperty",
        "__class__",
    ),
    *(
        "' OR 1=1 --",
        '"; DROP TABLE events; --',
        "{x:String}",
        "${jndi:ldap://x/}",
        "%s%n%x",
        "{{7*7}}",
        "../../etc/passwd",
    ),
    *(
        "<script>",
        "\u202e\u2066",
        "\ufeff",
        "é" * 500,
        "ﬀ" * 200,
        "𝔘" * 100,
        "a\u0301" * 2000,
        "x" * 9000,
        "\U0010ffff",
        "İ",
    ),
    *(
        "https://",
        "http://[",
        "https://[::1",
        "https://]:1/",
        "https://a:99999999/",
        "https://a..b/",
        "//x",
        "javascript:1",
    ),
    *(
        f"https://{DOMAIN}/" + tail
        for tail in ("%", "%00", "%ff%fe", "%25" * 900, "?" + "a=1&" * 900, "#" * 500, "a/" * 900)
    ),
    *(
        f"https://{DOMAIN}:80:90/",
        f"https://@@{DOMAIN}/",
        f"https://{DOMAIN}\\@x/",
        f"https://{DOMAIN}。/",
        "https://xn--a/",
    ),
    *(
        "1" * 5000,
        "²",
        "١",
        "-" * 36,
        "0" * 32,
        "g" * 32,
        "a@b." * 500,
        "4111 1111 1111 1111 " * 90,
        "+41 79 123 45 67" * 90,
    ),
    *(
        "eyJ" + "a." * 900,
        "ff" * 900,
        "1.2.3.4",
        "::ffff:1.2.3.4%eth0",
        "999.999.999.999",
        "2020-13-45",
        "day",
        "(a+)+$",
        "(",
    ),
)
"""Texts where another text should stand."""

VALUES: Final[tuple[Any, ...]] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        2**31,
        2**53,
        -(2**63),
        1e308,
        [],
        {},
        [[]],
        [None] * 200,
        {"": ""},
        {"a": {"b": []}},
    ),
    *({str(n): n for n in range(200)}, ["x"] * 3000, [1, 2, 3], "1", 4_102_444_800_001, 10**18),
)

NAMES: Final = (
    *(
        "User-Agent",
        "Accept-Language",
        "Referer",
        "Sec-CH-UA",
        "Sec-CH-UA-Mobile",
        "Sec-CH-UA-Platform",
        "Sec-GPC",
        "DNT",
    ),
    *(
        "X-Forwarded-For",
        "Forwarded",
        "X-Requested-With",
        "Authorization",
        "Content-Type",
        "Content-Encoding",
        "Cookie",
    ),
    *("Host", "Expect", "Range", "If-Match", "Origin", "Sec-Purpose", "Upgrade", "TE", "Connection", "X" * 200),
    *("Sec-CH-UA-Full-Version-List", "Sec-CH-UA-Platform-Version", "Sec-CH-UA-Model", "Sec-CH-UA-Form-Factors"),
)
PATHS: Final = (
    *("/e", "/e/", "/e.gif", "/e.gif/", "/api/v1/events", "/api/v1/events/", "/healthz", "/readyz", "/metrics", "*"),
    *(
        "/",
        "//",
        "//e",
        "/e;a",
        "/e%00",
        "/%65",
        "/../e",
        "/./e",
        "/e?",
        "/e#x",
        "/api/v1/query",
        "/api/v2/query/",
        "/js/a.js",
    ),
    *(
        "/%ff%fe",
        "/%",
        "/%zz",
        "http://x/e",
        "http://[/e",
        "/" + "a" * 9000,
        "/" + "%2e%2e/" * 300,
        "/c/1",
        "\\e",
        "/\t",
    ),
)
METHODS: Final = (
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "get",
    "PRI",
    "X" * 50,
)


class Shot(NamedTuple):
    """One connection: what is sent, to which port, and whether an answer must come."""

    kind: str
    port: str
    content: bytes
    whole: bool = True


class Hostile:
    """Makes shots."""

    def __init__(self, dice: random.Random, furnished: Furnished) -> None:
        self._dice = dice
        self._furnished = furnished
        self._makers: list[tuple[int, Callable[[], Shot]]] = [
            (30, self.beacon),
            (15, self.call),
            (10, self.image),
            (20, self.question),
            (8, self.address),
            (10, self.headers),
            (7, self.broken),
        ]

    def shot(self) -> Shot:
        """Any of them."""
        weights = [weight for weight, _ in self._makers]
        return self._dice.choices([make for _, make in self._makers], weights)[0]()

    def beacon(self) -> Shot:
        """A beacon whose body is wrong somewhere."""
        return Shot("beacon", "collector", request("POST", "/e", self._body(self._beacon())))

    def call(self) -> Shot:
        """A server's call or a preview, with a right, a wrong or no key."""
        one = self._beacon() | {"ip": "203.0.113.7", "user_agent": "curl/8"}
        value = self._dice.choice((one, [one], [one, one], [one] * 30))
        keys = (*(f"Bearer {key}" for key in self._furnished.keys.values()), "", "Bearer", "Basic YTpi", self._word())
        head = {"Authorization": quote(self._dice.choice(keys), safe=" ")}
        path = self._dice.choice(
            ("/api/v1/events", "/api/v1/events?preview=true", "/api/v1/events?preview=1&preview=no")
        )
        return Shot(
            "call", "collector", request("POST", path, self._body(value), head if head["Authorization"] else {})
        )

    def image(self) -> Shot:
        """An image with odd parameters."""
        given = {
            "site": self._furnished.site,
            "url": f"https://{DOMAIN}/",
            "referrer": "",
            "title": "a",
            "event": "open",
        }
        for name in self._dice.sample(sorted(given), self._dice.randint(1, 3)):
            given[name] = self._word()
        query = "&".join(f"{name}={self._quoted(text)}" for name, text in given.items())
        return Shot("image", "collector", request("GET", f"/e.gif?{query}"[:30_000], b""))

    def question(self) -> Shot:
        """A question whose body is wrong somewhere."""
        asked = {
            "site_id": DOMAIN,
            "metrics": self._dice.sample(["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"], 2),
            "date_range": self._dice.choice(["day", "7d", "all", ["2026-01-01", "2026-02-01"]]),
            "dimensions": self._dice.sample(
                ["visit:source", "event:page", "time:day", "event:props:a", "visit:city"], 2
            ),
            "filters": [["is", "visit:country", ["CH"]], ["or", [["contains", "event:page", ["/"]]]]],
            "order_by": [["visitors", "desc"]],
            "include": {"total_rows": True},
            "pagination": {"limit": 10, "offset": 0},
        }
        path = self._dice.choice(("/api/v1/query", "/api/v2/query"))
        head = {"Authorization": f"Bearer {self._furnished.keys['stats']}"}
        return Shot("question", "console", request("POST", path, self._body(asked), head))

    def address(self) -> Shot:
        """Any method on any address of either port."""
        method, path = self._dice.choice(METHODS), self._dice.choice(PATHS)
        body = json.dumps(self._beacon()).encode() if self._dice.random() < 0.5 else b""
        content = request(method, path, body)
        return Shot("address", self._dice.choice(("collector", "console")), content, whole=method != "CONNECT")

    def headers(self) -> Shot:
        """A right beacon or question with odd headers, many headers, or the same one many times."""
        head: dict[str, str] = {}
        for _ in range(self._dice.randint(1, 4)):
            word = re.sub(r"[\r\n\0]", "", self._word())
            head[self._dice.choice(NAMES)] = word.encode().decode("latin-1")[: self._dice.choice((50, 3000))]
        lines = self._dice.choice(("", "A: b\r\n" * 900, "Cookie: a=b\r\n" * 300, "X-Forwarded-For: 1.2.3.4\r\n" * 300))
        body = json.dumps(self._beacon()).encode()
        if head.get("Content-Encoding"):
            body = gzip.compress(body)
        port = self._dice.choice(("collector", "console"))
        path = "/e" if port == "collector" else "/api/v1/query"
        return Shot("headers", port, request("POST", path, body, head, lines.encode()))

    def broken(self) -> Shot:
        """What is no HTTP, or ends too early."""
        body = json.dumps(self._beacon()).encode()
        whole = request("POST", "/e", body)
        chunked = b"POST /e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        contents = (
            *(self._bytes_changed(whole) for _ in range(6)),
            *(
                chunked + chunk
                for chunk in (b"zz\r\n", b"-1\r\n", b"FFFFFFFFFFFFFFFFF\r\n", b"5\r\nabcdefgh\r\n0\r\n\r\n", b"5;")
            ),
            whole.replace(b"Content-Length", b"Content-Length: 3\r\nContent-Length"),
            whole.replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nContent-Length"),
            whole.replace(b"Content-Length: ", b"Content-Length: -"),
            whole.replace(b"Content-Length: ", b"Content-Length: 99999999999999999999"),
            whole[: self._dice.randrange(len(whole))],
            whole.replace(b"Connection: close\r\n", b"") * self._dice.randint(2, 40),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            bytes.fromhex("16030100c8010000c40303") + self._dice.randbytes(190),
            self._dice.randbytes(self._dice.randint(1, 3000)),
            b"GET / HTTP/1.1\r\nA: " + b"a" * 40_000,
            b"\r\n" * 30_000,
            b"GET /healthz\r\n\r\n",
        )
        return Shot("broken", self._dice.choice(("collector", "console")), self._dice.choice(contents), whole=False)

    def _beacon(self) -> dict[str, Any]:
        now = int(time.time() * 1000)
        event = {"name": self._dice.choice(("pageview", "search", "vitals", "own")), "at": now, "props": {"term": "a"}}
        return {
            "v": 1,
            "site": self._furnished.site,
            "id": str(uuid.UUID(int=self._dice.getrandbits(128))),
            "page": str(uuid.UUID(int=self._dice.getrandbits(128))),
            "sent": now,
            "url": f"https://{DOMAIN}/a?q=b",
            "consent": {"statistics": True, "version": "1"},
            "visitor": "0" * 32,
            "referrer": "https://x.example/",
            "title": "A",
            "tz": "Europe/Zurich",
            "lang": "de",
            "screen": [1, 2],
            "plugins": ["a"],
            "events": [event],
        }

    def _body(self, value: Any) -> bytes:
        """The value as JSON with one to three of its parts replaced, and now and then the bytes changed too."""
        raws: list[str] = []
        for _ in range(self._dice.randint(1, 3)):
            value = self._replaced(value, raws)
        text = json.dumps(value, ensure_ascii=self._dice.random() < 0.5)
        for place, raw in enumerate(raws):
            text = text.replace(f'"@raw{place}@"', raw)
        if self._dice.random() < 0.05:
            text = text.replace('"v": 1', '"v": 1, "v": 2, "v": 1')
        body = text.encode("utf-8", "surrogatepass")
        chance = self._dice.random()
        if chance < 0.1:
            return self._bytes_changed(body)
        if chance < 0.2:
            forms = (
                gzip.compress(body),
                b"\xef\xbb\xbf" + body,
                text.encode("utf-16", "surrogatepass"),
                body * 30,
                b"",
            )
            return self._dice.choice(forms)
        return body

    def _replaced(self, value: Any, raws: list[str]) -> Any:
        """The same value with a part of it replaced, at any depth."""
        if isinstance(value, dict) and value and self._dice.random() < 0.85:
            key = self._dice.choice(sorted(value))
            if self._dice.random() < 0.12:
                return {**{k: v for k, v in value.items() if k != key}, self._word()[:2000]: value[key]}
            return {**value, key: self._replaced(value[key], raws)}
        if isinstance(value, list) and value and self._dice.random() < 0.8:
            place = self._dice.randrange(len(value))
            return [*value[:place], self._replaced(value[place], raws), *value[place + 1 :]]
        chance = self._dice.random()
        if chance < 0.3:
            raws.append(self._dice.choice(RAW))
            return f"@raw{len(raws) - 1}@"
        return self._word() if chance < 0.7 else self._dice.choice(VALUES)

    def _word(self) -> str:
        return self._dice.choice(WORDS)

    def _quoted(self, text: str) -> str:
        return quote(text, safe="/:%[]") if self._dice.random() < 0.9 else quote(text.encode("utf-16-le"))

    def _bytes_changed(self, content: bytes) -> bytes:
        changed = bytearray(content)
        for _ in range(self._dice.randint(1, 4)):
            place = self._dice.randrange(max(1, len(changed)))
            match self._dice.randrange(4):
                case 0:
                    changed[place : place + 1] = self._dice.randbytes(1)
                case 1:
                    del changed[place : place + self._dice.randint(1, 40)]
                case 2:
                    changed[place:place] = self._dice.choice(
                        (b"\0", b"\xff", b"\xed\xa0\x80", b"\r\n", b'"', b"{" * 300)
                    )
                case _:
                    changed[place:place] = changed[place : place + 50]
        return bytes(changed)


def request(method: str, path: str, body: bytes, head: Mapping[str, str] | None = None, lines: bytes = b"") -> bytes:
    """The bytes of a request; `lines` are header lines of their own."""
    given = {"Host": "x", "Connection": "close", **(head or {})}
    if body or method in ("POST", "PUT", "PATCH"):
        given["Content-Length"] = str(len(body))
    text = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {path} HTTP/1.1\r\n{text}".encode("latin-1", "replace") + lines + b"\r\n" + body


class Answers(NamedTuple):
    """What came back on one connection."""

    statuses: list[int]
    content: bytes


def fire(port: int, shot: Shot, *, reset: bool = False, patience: float = 0.1) -> Answers:
    """Send it and read what comes, `patience` seconds if it is not whole; `reset` ends the connection with a RST."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10 if shot.whole else patience) as sock:
        try:
            sock.sendall(shot.content)
            while part := sock.recv(65536):
                got += part
                if shot.whole and _answered(got):
                    sock.settimeout(0.02)  # kept alive: a second answer would come at once
        except OSError:
            pass  # cut off while it was sending, or left alone: both are answers to what is broken
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return Answers([int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", got)], got)


def _answered(content: bytes) -> bool:
    """Whether at least one whole answer is there."""
    head, end, body = content.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)
