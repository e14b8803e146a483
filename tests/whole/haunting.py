"""Sends made-up people through every way into the product, in requests that are right and in requests that are wrong."""

import http.client
import itertools
import json
import socket
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from tests.product import Product, beacon
from tests.whole.canaries import Canary, spellings

ADDRESS_HEADERS = (
    *("X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP", "X-Cluster-Client-IP", "Fastly-Client-IP"),
    *("Client-IP", "X-Forwarded", "Forwarded-For", "Via", "X-Original-Forwarded-For", "X-Made-Up"),
)


class Haunting:
    """One installation, and what it is sent. `statuses` counts the answers by way."""

    def __init__(self, product: Product, site: str, keys: Mapping[str, str]) -> None:
        self._product = product
        self._site = site
        self._keys = keys
        self.statuses: Counter[tuple[str, int]] = Counter()

    def everything(self, people: Mapping[str, Canary]) -> None:
        """Every way once for each spelling; `people` has a canary for each."""
        self.visits(people["cookieless"], {}, {})
        self.visits(people["consented"], {"consent": {"statistics": True, "ads": True}}, {})
        self.visits(people["gpc"], {"consent": {"statistics": True}}, {"Sec-GPC": "1"})
        self.visits(people["objection"], {"consent": {"statistics": True}, "optout": True}, {})
        self.peers(people["peer"])
        self.contents(people["content"])
        self.refusals(people["refused"])
        self.broken(people["broken"])
        self.servers(people["server"])
        self.previews(people["preview"])
        self.pixels(people["pixel"])
        self.questions(people["console"])
        self.choices(people["choice"])

    def visits(self, who: Canary, fields: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        """Beacons of a browser behind a proxy that writes addresses in every way."""
        agents = itertools.cycle(who.agents)
        for place, spelling in enumerate(spellings(who)):
            named = f"for={spelling};proto=https;by=10.0.0.9"
            for header in (
                {"X-Forwarded-For": spelling},
                {"Forwarded": named},
                {ADDRESS_HEADERS[place % 12]: spelling},
            ):
                body = self._beacon(who, **fields)
                self._post(f"visit {who.name}", "/e", body, {**self._headers(who, next(agents)), **header, **headers})

    def peers(self, who: Canary) -> None:
        """Connections that come from the canary's own address, without any header."""
        for body in (_encode(self._beacon(who)), b"{", b"x" * 70_000):
            source = http.client.HTTPConnection(
                "127.0.0.1", self._product.collector, timeout=10, source_address=(str(who.peer), 0)
            )
            source.request("POST", "/e", body, {"User-Agent": who.agents[0]})
            self.statuses["peer", source.getresponse().status] += 1
            source.close()

    def contents(self, who: Canary) -> None:
        """Personal data in what a page says about itself; it is replaced before the spool."""
        v4, v6, mail = str(who.v4), str(who.v6), who.email
        for text in (v4, v6, f"[{v6}]", who.v6.exploded, mail, mail.upper(), str(who.device), str(who.device).upper()):
            here = f"https://shop.example/seen/content/{quote(text)}"
            self._post("content", "/e", self._beacon(who, url=here, title=f"Letter of {text}"), self._headers(who))
            events = [
                {"name": "search", "props": {"term": f"{text}", "results": 0}},
                {
                    "name": "js_error",
                    "props": {"message": f"No {text} there", "source": f"https://a.example/{text}.js"},
                },
                {"name": "click", "props": {"target": f"Mail {text}", "region": text[:60]}},
                {"name": "load_error", "props": {"resource": f"https://cdn.example/{text}.png?u={text}"}},
                {"name": "mailto", "props": {"url": f"mailto:{mail}"}},
                {"name": "outbound", "props": {"url": f"https://{mail}@x.example/{text}?a={text}#{text}"}},
                {"name": "signup", "props": {"who": text, "note": f"by {text}."}},
            ]
            query = urlencode({"utm_source": text, "ref": text, "email": text, "q": text, "gclid": who.cookie})
            page = f"https://{quote(mail)}:{who.cookie}@shop.example/?{query}#{text}"
            fields = {"referrer": f"https://post.example/{text}?u={mail}", "events": events}
            self._post("content", "/e", {**self._beacon(who, url=page), **_timed(fields)}, self._headers(who))

    def refusals(self, who: Canary) -> None:
        """Beacons that are not taken, with the canary's data in every field."""
        whole = self._beacon(who, title=who.email, referrer=f"https://{who.v4}/{who.token}")
        words = (str(who.v4), str(who.v6), who.email, str(who.device), who.agents[0], who.cookie)
        for word in words:
            # A device id as the id of a beacon or page would be taken for a random one: not tried.
            for field in ("site", "url", "tz", "lang", "build", "visitor", "screen", "sent", "v", "events", "consent"):
                self._post("refused", "/e", {**whole, "id": str(uuid.uuid4()), field: word}, self._headers(who))
            for name, props in ((word.lower(), {}), (word, {}), ("x", {word: word}), ("x", {word: {word: word}})):
                events = [{"name": name, "at": int(time.time() * 1000), "props": props}]
                self._post("refused", "/e", {**whole, "id": str(uuid.uuid4()), "events": events}, self._headers(who))
            self._post("refused", "/e", {**whole, word: word}, self._headers(who))
            self._post("refused", "/e", {**whole, "url": f"https://{quote(word)}.example/"}, self._headers(who))
            raw = _encode(whole)
            for cut in (
                raw[:-1],
                raw + b"}",
                raw.replace(b"https", b"\xff\xfe"),
                b"[" + raw,
                b'"' + word.encode() + b'"',
            ):
                self._post("refused", "/e", cut, self._headers(who))
            self._post("refused", "/e", raw + word.encode() * (70_000 // len(word)), self._headers(who))
            for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH"):
                path = f"/e?who={quote(word)}"
                self._request("refused", method, path, raw if method in ("PUT", "PATCH") else b"", self._headers(who))
            for path in (f"/{quote(word)}", f"/e/{quote(word)}", f"/js/{quote(word)}.js", f"/c/{quote(word)}"):
                self._request("refused", "GET", path, b"", self._headers(who))

    def broken(self, who: Canary) -> None:
        """What is no HTTP, with the canary's data in it; and a connection that ends in the middle of a beacon."""
        raw = _encode(self._beacon(who))
        head = f"POST /e HTTP/1.1\r\nHost: {who.v4}\r\nX-Forwarded-For: {who.v4}\r\nCookie: a={who.cookie}\r\n".encode()
        head += f"User-Agent: {who.agents[0]}\r\n".encode()
        pieces = [
            head.replace(b"HTTP/1.1", b"HTTP/7.7") + b"\r\n" + raw,
            head + b"Content-Length: -1\r\n\r\n" + raw,
            head + b"Content-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n" + raw,
            head + b"Transfer-Encoding: chunked\r\n\r\nzz" + raw,
            head + f"X: \0{who.email}\r\n\r\n".encode() + raw,
            head + b"X: " + f"{who.email}".encode() * 2000 + b"\r\n\r\n",
            head + b"Content-Length: 9999\r\n\r\n" + raw,
            f"{who.email} {who.v4} {who.v6} {who.agents[0]}\r\n\r\n".encode(),
            f"GET http://{who.email}@[{who.v6} HTTP/1.1\r\n\r\n".encode(),
        ]
        for port in (self._product.collector, self._product.console):
            for piece in pieces:
                with socket.create_connection(("127.0.0.1", port), timeout=0.2) as sock:
                    try:
                        sock.sendall(piece)
                        answer = sock.recv(4096)
                    except OSError:
                        answer = b""
                self.statuses["broken", int(answer[9:12] or b"0")] += 1

    def servers(self, who: Canary) -> None:
        """The server-side API: addresses in the body, keys that are right, wrong and of another scope."""
        for scope in ("events", "import"):
            for spelling in spellings(who):
                body = [self._beacon(who, ip=spelling, user_agent=who.agents[0], consent={"statistics": True})]
                self._post("server", "/api/v1/events", body, self._bearer(scope))
        one = self._beacon(who, ip=str(who.v4), user_agent=who.agents[1])
        wrong = (
            [{**one, "ip": who.email}],
            [one, {**one, "user_agent": [who.agents[0]]}],
            one,
            [{**one, "visitor": who.email}],
        )
        for body in (*wrong, [], [[who.email]], b"[" + _encode(one), _encode([one]) + b" " * 2**20):
            self._post("server", "/api/v1/events", body, self._bearer("events"))
        keys = (f"Bearer {who.cookie}", f"Basic {who.email}", f"Bearer {self._keys['stats']}", "Bearer", who.email)
        for key in keys:
            headers = {**self._headers(who), "Authorization": key, "X-Forwarded-For": str(who.v4)}
            self._post("server", "/api/v1/events", [one], headers)

    def previews(self, who: Canary) -> None:
        """Previews with and without a key store nothing, not even what the gate would let pass."""
        path = "/api/v1/events?preview=true"
        for spelling in spellings(who):
            visitor = {**self._headers(who), "X-Forwarded-For": spelling}
            self._post("preview", path, self._beacon(who, consent={"statistics": True}), visitor)
            self._post(
                "preview", path, [self._beacon(who, ip=spelling, user_agent=who.agents[0])], self._bearer("events")
            )
        self._post("preview", path, b'{"' + who.email.encode(), self._headers(who))
        self._post("preview", path, {**self._beacon(who), "id": who.email}, self._headers(who))

    def pixels(self, who: Canary) -> None:
        """Images, with cookies, referrers and parameters that nobody asked for."""
        for spelling in spellings(who):
            query = {
                "site": self._site,
                "url": f"https://shop.example{who.mark}",
                "ip": spelling,
                "uid": str(who.device),
            }
            query |= {"visitor": str(who.device), "ua": who.agents[0], "title": who.email, "cid": who.cookie}
            for event in ("", "open"):
                path = f"/e.gif?{urlencode({**query, 'event': event})}"
                self._request("pixel", "GET", path, b"", {**self._headers(who), "X-Forwarded-For": spelling})
        for url in (f"https://{who.v4}/", f"https://[{who.v6}]/", who.email, f"https://shop.example/{who.email * 300}"):
            self._request(
                "pixel", "GET", f"/e.gif?{urlencode({'site': self._site, 'url': url})}", b"", self._headers(who)
            )
        self._request("pixel", "GET", f"/e.gif?site={quote(who.email)}", b"", self._headers(who))

    def choices(self, who: Canary) -> None:
        """Choices with the canary's device id, by script and by form, right and wrong, and questions what holds."""
        path, device, form = f"/c/{self._site}", str(who.device), {"Content-Type": "application/x-www-form-urlencoded"}
        for spelling in spellings(who):
            headers = {**self._headers(who), "X-Forwarded-For": spelling}
            here = {**headers, "Host": "shop.example", "Cookie": f"ff_id={device}; mail={who.email}"}
            self._request("choice", "GET", f"{path}?url={quote(who.mark)}", b"", headers)
            self._post(
                "choice", path, {"statistics": True, "ads": True, "visitor": device, "email": who.email}, headers
            )
            self._post("choice", path, {"statistics": False, "visitor": device}, headers)
            self._post("choice", path, {"optout": True, "visitor": device}, headers)
            for words in (f"choice=accept&mail={who.email}", "choice=decline", f"choice=object&visitor={device}"):
                self._post("choice", path, words.encode(), {**here, **form})
        for word in (who.email, str(who.v4), who.agents[0], who.cookie):
            for name in ("how", "visitor", "receipt", "statistics", word):
                self._post("choice", path, {"statistics": False, name: word}, self._headers(who))
            self._post("choice", path, word.encode(), {**self._headers(who), **form})
            self._post("choice", path, b'{"' + word.encode(), self._headers(who))

    def questions(self, who: Canary) -> None:
        """The private port: questions that hold personal data, and its own visitors' addresses."""
        asked = {"site_id": "shop.example", "metrics": ["visitors"], "date_range": "day"}
        for word in (str(who.v4), str(who.v6), who.email, str(who.device), who.cookie):
            leaf = ["contains", "event:page", [word]]
            for body in (
                {**asked, "filters": [leaf, ["matches", "visit:source", [word]]]},
                {**asked, "filters": [["matches", "event:page", [f"({word}"]]]},
                {**asked, "dimensions": [f"event:props:{word}"]},
                {**asked, "metrics": [word]},
                {**asked, "site_id": word},
                {word: word},
                _encode(asked)[:-1] + word.encode(),
            ):
                headers = {**self._headers(who), **self._bearer("stats"), "X-Forwarded-For": word}
                self._ask("question", "POST", "/api/v1/query", body, headers)
            self._ask(
                "question", "POST", "/api/v2/query", asked, {**self._headers(who), "Authorization": f"Bearer {word}"}
            )
            for path in ("/metrics", "/readyz", f"/{quote(word)}"):
                self._ask("question", "GET", f"{path}?a={quote(word)}", b"", self._headers(who))

    def log_lines(self, who: Canary) -> list[str]:
        """Lines of an access log: whole ones, of other kinds, and ones that nobody can read."""
        now = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        lines = []
        for host in (str(who.v4), str(who.v6), str(who.v6).upper(), f"::ffff:{who.v4}", *spellings(who)[4:9]):
            for request in (
                f"GET {who.mark} HTTP/1.1",
                f"GET /img/{who.token}.png HTTP/1.1",
                f"POST /login?u={who.email} HTTP/1.1",
                f"GET /seen/import?email={who.email}&ip={host} HTTP/1.1",
                f"GET /seen/import/{quote(who.email)} HTTP/1.1",
                f"{who.email}",
            ):
                refers = f"https://post.example/{who.email}"
                lines.append(f'{host} - {who.email} [{now}] "{request}" 200 99 "{refers}" "{who.agents[0]}"')
            lines.append(f'{host} - - [{now}] "GET {who.mark}')
            lines.append(f"{host} {who.email} {who.agents[1]}")
            lines.append(f'{host} - - [{now}] "GET /gone/{who.email} HTTP/1.0" 404 0 "-" "{who.agents[2]}"')
        return lines

    def _beacon(self, who: Canary, **fields: Any) -> dict[str, Any]:
        base = {
            "url": f"https://shop.example{who.mark}",
            "visitor": str(who.device),
            "screen": [1437, 911],
            "plugins": [f"Plug of {who.email}"],
        }
        return beacon(self._site, **{**base, **fields})

    def _headers(self, who: Canary, agent: str = "") -> dict[str, str]:
        return {
            "User-Agent": agent or who.agents[0],
            "Cookie": f"session={who.cookie}; mail={who.email}; ip={who.v4}",
            "From": who.email,
            "Referer": f"https://post.example/{who.token}",
            "Accept-Language": f"de-{who.token}",
            "Sec-CH-UA": f'"Browser of {who.email}";v="{who.v4}", "{who.v4}";v="1"',
            "Sec-CH-UA-Full-Version-List": f'"Chromium";v="141.0.{who.v4}.{who.cookie}"',
            "Sec-CH-UA-Model": f'"{who.token}"',
            "Sec-CH-UA-Platform": f'"{who.email}"',
            "Sec-CH-UA-Platform-Version": f'"{who.v4}"',
            "X-Requested-With": f"com.{who.token}.app",
        }

    def _bearer(self, scope: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._keys[scope]}", "Content-Type": "application/json"}

    def _post(self, way: str, path: str, body: Any, headers: Mapping[str, str]) -> None:
        self._request(way, "POST", path, body if isinstance(body, bytes) else _encode(body), headers)

    def _request(self, way: str, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        self._count(way, self._product.collector, method, path, body, headers)

    def _ask(self, way: str, method: str, path: str, body: Any, headers: Mapping[str, str]) -> None:
        content = body if isinstance(body, bytes) else _encode(body)
        self._count(way, self._product.console, method, path, content, headers)

    def _count(self, way: str, port: int, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        status, _, _ = self._product.request(port, method, path, body, headers)
        self.statuses[way, status] += 1

    def seen(self, way: str) -> set[int]:
        """The statuses that a way was answered with."""
        return {status for name, status in self.statuses if name == way}


def _encode(body: Any) -> bytes:
    return json.dumps(body).encode()


def _timed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The events with the time of now, under an id of their own."""
    now = int(time.time() * 1000)
    events: Iterable[Mapping[str, Any]] = fields["events"]
    return {**fields, "id": str(uuid.uuid4()), "events": [{"at": now, **event} for event in events]}
