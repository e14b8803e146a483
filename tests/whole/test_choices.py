"""A choice made in the middle of a visit, and what those who did not want to be recorded leave: one running product."""

import hashlib
import json
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import pytest

from control_store.accounting import denied_hours
from control_store.choices import choice_counts, open_withdrawals, receipt
from control_store.refused_hosts import refused_hosts
from control_store.sites import find_site
from control_store.tables import ControlStore
from tests.product import Product, beacon, running
from tests.whole.canaries import files
from tests.whole.furnished import Furnished, furnish

SEARCH: Final = "https://www.google.com/"
DEVICE: Final = uuid.UUID("5d0c3e1f-77aa-4b6b-8c7d-9e0f1a2b3c4d")
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


class Here(NamedTuple):
    """A running product with three sites."""

    product: Product
    shop: Furnished
    club: Furnished
    guild: Furnished
    store: ControlStore

    def choose(self, site: Furnished, address: str, **choice: Any) -> dict[str, Any]:
        """Make a choice as the snippet does."""
        headers = {"X-Forwarded-For": address}
        path, body = f"/c/{site.site}", json.dumps(choice).encode()
        status, _, answer = self.product.request(self.product.collector, "POST", path, body, headers)
        assert status == 202, answer
        return dict(json.loads(answer))

    def send(self, site: Furnished, address: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> int:
        """One page view from this address."""
        host = {self.shop.site: "shop.example", self.club.site: "club.example"}.get(site.site, "guild.example")
        sent = beacon(site.site, url=f"https://{host}{path}", **more)
        return self.product.send(sent, {"X-Forwarded-For": address, **(headers or {})})


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """One site as it is added and two that wait for consent."""
    data = tmp_path_factory.mktemp("choices") / "data"
    shop = furnish(data, exclude_paths=("/left-out/*",))
    club = furnish(data, "club.example", policy="opt_in")
    guild = furnish(data, "guild.example", policy="opt_in")
    store = ControlStore.in_directory(data)
    with running(data) as product:
        yield Here(product, shop, club, guild, store)
    store.close()


def until(there: Callable[[], Any], seconds: float = 20) -> Any:
    """What `there` says once it says something."""
    end = time.monotonic() + seconds
    while not (found := there()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


@pytest.mark.req("P2", "P4", "A1", "C17")
def test_accepting_and_withdrawing_in_mid_visit_is_one_visitor_one_visit_and_keeps_the_source(here: Here) -> None:
    """Page 1 without a choice, Accept on page 2, withdrawal on page 3: the same person, the same visit, from search."""
    who = "198.51.100.21"
    assert here.send(here.shop, who, "/one", referrer=SEARCH) == 202
    told = here.choose(here.shop, who, statistics=True, version="1", how="banner")
    assert (told["tier"], told["statistics"]) == ("consented", True)
    granted = {"consent": {"statistics": True, "version": "1"}, "visitor": told["visitor"]}
    assert here.send(here.shop, who, "/two", **granted) == 202
    given = until(lambda: receipt(here.store, uuid.UUID(told["receipt"])))
    assert (given.statistics, given.ads, given.how, given.withdrawn) == (True, False, "banner", 0)
    here.choose(here.shop, who, statistics=False, visitor=told["visitor"], receipt=told["receipt"])
    assert here.send(here.shop, who, "/three", consent={"statistics": False}) == 202
    key = here.shop.keys["stats"]
    assert until(lambda: here.product.numbers(key, "visitors", "visits", "pageviews") == [1, 1, 3])
    answer = here.product.ask(key, metrics=["visits"], dimensions=["visit:source"])
    assert answer["results"] == [{"dimensions": ["Google"], "metrics": [1]}]
    (waiting,) = until(lambda: open_withdrawals(here.store))
    device = uuid.UUID(told["visitor"]).bytes
    assert waiting.pseudonym == hashlib.blake2b(device, digest_size=16, key=here.shop.returning_key).digest()
    assert (waiting.statistics, waiting.ads) == (True, True)
    ended = receipt(here.store, uuid.UUID(told["receipt"]))
    assert ended is not None
    assert ended.withdrawn == waiting.asked


@pytest.mark.req("C17", "P2", "D2")
def test_a_source_that_could_not_be_kept_before_consent_is_unknown_and_never_direct(here: Here) -> None:
    """Landing from search without a choice, Accept on the second page: API and dashboard say that the source is not
    known. Whoever accepts where the visit began keeps its source; who came from nowhere is still direct."""
    granted = {"consent": {"statistics": True, "version": "1"}}
    inside = "https://guild.example/landing"
    assert here.send(here.guild, "198.51.100.31", "/landing", referrer=SEARCH) == 204
    assert here.send(here.guild, "198.51.100.31", "/two", referrer=inside, **granted) == 202
    assert here.send(here.guild, "198.51.100.32", "/landing", referrer=SEARCH, **granted) == 202
    assert here.send(here.guild, "198.51.100.32", "/two", referrer=inside, **granted) == 202
    assert here.send(here.guild, "198.51.100.33", "/two", **granted) == 202
    key = here.guild.keys["stats"]
    unknown = "unknown (before consent)"

    def visits(*dimensions: str, **more: Any) -> list[tuple[Any, ...]]:
        asked = {"site_id": "guild.example", "metrics": ["visits"], "dimensions": list(dimensions), **more}
        return sorted(tuple(one["dimensions"]) for one in here.product.ask(key, **asked)["results"])

    until(lambda: here.product.numbers(key, "visits", site_id="guild.example") == [3])
    assert visits("visit:source") == [("Direct / None",), ("Google",), (unknown,)]
    assert visits("visit:channel") == [("Direct",), ("Organic Search",), (unknown,)]
    assert visits("visit:source_kind") == [("direct",), ("search",), ("unknown",)]
    assert visits("visit:referrer") == [("Direct / None",), ("google.com",), (unknown,)]
    assert visits("visit:source", filters=[["is", "visit:source", [unknown]]]) == [(unknown,)]


@pytest.mark.req("P3", "P7", "P17", "C1", "C22", "C23")
def test_who_was_not_to_be_recorded_is_in_no_byte(here: Here) -> None:
    """Signals, refusals, objections, excluded pages and foreign hosts leave counts; the search finds who was counted."""
    address, site = "203.0.113.{}", here.club
    quiet = {
        "gpc": (site, {"headers": {"Sec-GPC": "1"}, "consent": {"statistics": True}}, 204),
        "gpp": (site, {"gpp": True, "consent": {"statistics": True}}, 204),
        "dnt": (site, {"headers": {"DNT": "1"}, "consent": {"statistics": True}}, 204),
        "declined": (site, {"consent": {"statistics": False}}, 204),
        "waiting": (site, {}, 204),
        "objecting": (site, {"optout": True}, 204),
        "left-out": (here.shop, {}, 204),
    }
    marks = {name: f"mark{name.replace('-', '')}{uuid.uuid4().hex[:4]}" for name in (*quiet, "counted", "foreign")}
    for number, (name, (where, more, status)) in enumerate(quiet.items(), 30):
        path = f"/left-out/{marks[name]}" if name == "left-out" else f"/{marks[name]}"
        sent = {"title": marks[name], "visitor": str(DEVICE), **more}
        assert here.send(where, address.format(number), path, **sent) == status, name
    counted = {"consent": {"statistics": True}, "visitor": str(uuid.uuid4())}
    assert here.send(site, address.format(99), f"/{marks['counted']}", **counted) == 202
    foreign = beacon(site.site, url=f"https://stage.example/{marks['foreign']}", consent={"statistics": True})
    assert here.product.send(foreign, {"X-Forwarded-For": address.format(98)}) == 403
    here.choose(site, address.format(97), statistics=False, visitor=str(DEVICE))
    here.choose(site, address.format(96), optout=True)
    number = find_site(here.store, "club.example").id
    until(lambda: len(choice_counts(here.store, number)) == 2)
    assert sorted(what for _, what in choice_counts(here.store, number)) == ["objection", "refusal"]
    assert [one.hostname for one in until(lambda: refused_hosts(here.store, number))] == ["stage.example"]
    until(lambda: here.product.numbers(site.keys["stats"], "pageviews", site_id="club.example") == [1])
    bytes_ = b"".join(path.read_bytes() for path in files(here.product.data.parent))
    found = {name for name, mark in marks.items() if mark.encode() in bytes_}
    assert found == {"counted"}
    for _ in range(5):
        assert here.send(site, address.format(30), "/again", headers={"Sec-GPC": "1"}) == 204
    today = int(time.time() // 86_400)
    by_hour = until(lambda: denied_hours(here.store, number, today) or denied_hours(here.store, number, today - 1))
    assert sum(by_hour.values()) in (5, 6)  # the one of before, if it was in the same hour; other reasons had too few
    for never in (DEVICE.bytes, str(DEVICE).encode(), DEVICE.hex.encode(), b"203.0.113."):
        assert never not in bytes_


@pytest.mark.req("P3")
def test_the_statement_and_the_state_are_served_by_the_running_collector(here: Here) -> None:
    """At the address that the specification names, and for the snippet that asks what holds."""
    ask = here.product.request
    status, headers, body = ask(here.product.collector, "GET", "/.well-known/gpc.json")
    assert (status, headers["content-type"], json.loads(body)["gpc"]) == (200, "application/json", True)
    status, headers, body = ask(here.product.collector, "GET", f"/c/{here.club.site}", headers={"Sec-GPC": "1"})
    assert (status, headers["cache-control"]) == (200, "no-store")
    told = json.loads(body)
    assert told == {"policy": "opt_in", "region": "", "gpc": True, "choice_needed": False, "version": "1"}


@pytest.mark.req("P4", "P17")
def test_without_a_script_a_form_chooses(here: Here) -> None:
    """The answer is a page that loads nothing; on an address that is not the site's no cookie is set."""
    path = f"/c/{here.club.site}"
    status, headers, body = here.product.request(here.product.collector, "POST", path, b"choice=decline", FORM)
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "set-cookie" not in headers
    assert b"Your choice is recorded" in body
    assert b"src=" not in body
    own = {**FORM, "Host": "club.example"}
    _, headers, _ = here.product.request(here.product.collector, "POST", path, b"choice=accept", own)
    assert headers["set-cookie"].startswith("ff_optout=; Max-Age=0")  # the last of several lines


@pytest.mark.req("P3")
@pytest.mark.parametrize(
    ("lines", "trailer", "status"),
    [
        (("Sec-GPC: 1",), "", 204),
        (("Sec-GPC: 0", "sec-gpc: 1"), "", 204),
        (("SEC-GPC:  1 ",), "", 204),
        (("Sec-GPC: 1, 1",), "", 202),
        (("Sec-GPC: 0",), "", 202),
        (("Sec-GPC: true",), "", 202),
        (("Sec-GPC:",), "", 202),
        ((), "Sec-GPC: 1", 202),
    ],
)
def test_the_header_counts_as_the_specification_has_it(
    here: Here, lines: tuple[str, ...], trailer: str, status: int
) -> None:
    """Exactly `1`, in any of its lines, and never as a trailer (W3C Global Privacy Control, the Sec-GPC header field)."""
    body = json.dumps(beacon(here.shop.site)).encode()
    head = ["POST /e HTTP/1.1", "Host: a", "Connection: close", "Transfer-Encoding: chunked", *lines, "", ""]
    sent = "\r\n".join(head).encode() + b"%x\r\n%s\r\n0\r\n" % (len(body), body)
    with socket.create_connection(("127.0.0.1", here.product.collector), timeout=10) as sock:
        sock.sendall(sent + (f"{trailer}\r\n".encode() if trailer else b"") + b"\r\n")
        answer = sock.recv(4096)
    assert int(answer[9:12]) == status
