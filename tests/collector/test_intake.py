"""Taking in: durable before the answer, counted to the unit, and no flood or full disk that is answered by an error."""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import pytest

from collector.address import ClientAddress
from collector.answers import Answer
from collector.intake import Intake, Reply
from collector.limits import Limits
from collector.registry import Registry, ServedSite
from collector.request import RequestFacts
from collector.steps import Draft
from event_catalogue.decode import decode_server_beacons
from spool.settings import SpoolSettings
from spool.writer import SpoolWriter
from tests.collector.world import AGENT, NOW, Spooled, World, beacon, body, read_spool, tools, world

TODAY: Final = NOW // 86_400_000
FACTS: Final = RequestFacts(ClientAddress(ip_address("203.0.113.77").packed), user_agent=AGENT)


def elsewhere(networks: int) -> list[RequestFacts]:
    """The facts of requests from so many other networks."""
    return [RequestFacts(ClientAddress(bytes([198, 51, n, 7])), user_agent=AGENT) for n in range(networks)]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[World]:
    """A world whose parts the tests put together anew."""
    with world(tmp_path) as one:
        yield one


def intake_of(made: World, spool: SpoolWriter | None = None, **rates: float) -> Intake:
    """An intake over the world's parts, with these rates."""
    registry = Registry(made.snapshot)
    registry.refresh()
    limits = Limits(**{"network_rate": 0, "site_rate": 0, **rates}, clock=made.clock)
    return Intake(registry, tools(), spool or made.spool, limits, made.clock)


def came(intake: Intake, content: bytes, facts: RequestFacts) -> Reply:
    """What a request and its body are replied."""
    return intake.admit(facts) or intake.beacon(content, facts)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run to its end."""
    return asyncio.run(work)


def told(answer: Answer) -> dict[str, Any]:
    """The problem of an answer."""
    return dict(json.loads(answer.body))


@pytest.mark.req("C23", "O3")
def test_every_event_is_stored_or_counted_with_its_reason(made: World) -> None:
    """One request of each kind: rows and counts in the spool add up to what was received, site by site."""
    opted, minors = made.add("opted.example", policy="opt_in"), made.add("minors.example", policy="under_16")
    intake, key = intake_of(made), made.site.key
    three = [{"name": "pageview"}, {"name": "print"}, {"name": "hover", "props": {"target": "a", "ms": 1}}]
    bodies = [
        (body(beacon(key, *three)), 202),
        (body(beacon(key, three[2])), 204),
        (body(beacon(key, *three, gpc=True)), 204),
        (body(beacon(opted.key, *three, url="https://opted.example/")), 204),
        (body(beacon(minors.key, *three, url="https://minors.example/")), 202),
        (body(beacon(key, *three, url="https://localhost/")), 204),
        (body(beacon(key, *three, url="https://evil.example/")), 403),
        (body(beacon(key, *three, url="mailto:x")), 422),
        (body(beacon(key, three[0], {"name": "engagement"})), 422),
        (body(beacon("nobody", *three)), 403),
        (b"rubbish", 400),
        (body({**beacon(key), "v": 2}), 422),
        (b" " * 65_537, 413),
    ]
    statuses = run(taken(intake, [content for content, _ in bodies]))
    assert statuses == [status for _, status in bodies]
    spooled = made.spooled()
    assert [(parcel.site, len(parcel.rows), parcel.events) for parcel in spooled.parcels] == [(1, 2, 3), (3, 2, 3)]
    assert spooled.counts == {
        (1, TODAY, "not_recorded", "consent"): 2,
        (1, TODAY, "not_recorded", "gpc"): 3,
        (2, TODAY, "not_recorded", "no_choice"): 3,
        (3, TODAY, "not_recorded", "consent"): 1,
        (1, TODAY, "excluded", "localhost"): 3,
        (1, TODAY, "rejected", "hostname"): 3,
        (1, TODAY, "rejected", "bad_url"): 3,
        (1, TODAY, "rejected", "bad_field"): 2,
        (0, TODAY, "rejected", "unknown_site"): 3,
        (0, TODAY, "rejected", "bad_json"): 1,
        (0, TODAY, "rejected", "bad_field"): 1,
        (0, TODAY, "rejected", "too_large"): 1,
    }


async def taken(intake: Intake, bodies: list[bytes], facts: RequestFacts = FACTS) -> list[int]:
    """The statuses of these bodies, sent one after the other."""
    return [(await came(intake, content, facts).given()).status for content in bodies]


@pytest.mark.req("O3")
def test_202_and_204_are_said_when_it_is_on_the_disk(made: World) -> None:
    """At the moment of the answer, another process that opens the files finds the rows and the count."""
    intake = intake_of(made)

    async def both() -> list[Spooled]:
        seen = []
        for content in (beacon(made.site.key), beacon(made.site.key, gpc=True)):
            await came(intake, body(content), FACTS).given()
            seen.append(read_spool(made.root / "spool" / "w0"))
        return seen

    first, second = run(both())
    assert [len(first.parcels), sum(first.counts.values())] == [1, 0]
    assert [len(second.parcels), sum(second.counts.values())] == [1, 1]


def test_a_collector_that_does_not_know_its_sites_yet_turns_nobody_away(made: World) -> None:
    """503 and a wait, and nothing counted: the beacon will come again."""
    made.snapshot.unlink()
    answer = came(intake_of(made), body(beacon(made.site.key)), FACTS).answer
    assert (answer.status, dict(answer.headers)[b"retry-after"]) == (503, b"2")
    assert made.spooled().counts == {}


@pytest.mark.req("O4")
def test_one_network_can_not_use_up_what_a_site_may_send(made: World) -> None:
    """A flood of large beacons from one network is refused before it takes a token of the site."""
    intake = intake_of(made, network_rate=50, site_rate=200)
    sixty, hundred = (body(beacon(made.site.key, *[{"name": "pageview"}] * n)) for n in (60, 100))

    async def floods() -> tuple[list[int], list[int]]:
        flood = await taken(intake, [sixty] + [hundred] * 39)
        return flood, [(await taken(intake, [hundred], facts))[0] for facts in elsewhere(4)]

    flood, others = run(floods())
    assert flood == [202] + [429] * 39
    assert others == [202, 202, 202, 429]


@pytest.mark.req("O4", "C23")
def test_what_is_beyond_a_rate_is_told_when_to_come_again_and_counted(made: World) -> None:
    """429 with Retry-After in whole seconds; by site where it was known, by request where nobody looked."""
    two = body(beacon(made.site.key, {"name": "pageview"}, {"name": "print"}))

    async def floods() -> tuple[Answer, list[int], list[int]]:
        intake = intake_of(made, site_rate=1)
        assert await taken(intake, [two, two]) == [202, 429]
        answer = await came(intake, two, FACTS).given()
        made.clock.now += 2000
        return answer, await taken(intake, [two]), await taken(intake_of(made, network_rate=1), [two, two])

    answer, after_waiting, from_one_network = run(floods())
    assert (answer.status, dict(answer.headers)[b"retry-after"]) == (429, b"2")
    assert (after_waiting, from_one_network) == ([202], [202, 429])
    spooled = made.spooled()
    assert spooled.counts == {(1, TODAY, "rejected", "rate"): 4, (0, TODAY, "rejected", "rate"): 1}
    assert len(spooled.parcels) == 3


@pytest.mark.req("O3", "O4")
def test_a_full_spool_is_said_to_be_full_and_takes_again_when_there_is_room(tmp_path: Path) -> None:
    """503 with Retry-After for what must be stored; what is not recorded anyway is answered as ever."""
    with world(tmp_path) as made:
        full = SpoolWriter(tmp_path / "spool", "full", SpoolSettings(max_bytes=1, retry_after_s=7), made.clock)
        intake = intake_of(made, full)

        async def sent() -> list[Answer]:
            contents = (beacon(made.site.key), beacon(made.site.key, gpc=True), {"v": 2})
            return [await came(intake, body(content), FACTS).given() for content in contents]

        stored, ignored, wrong = run(sent())
        full.close()
    assert (stored.status, dict(stored.headers)[b"retry-after"]) == (503, b"7")
    assert "again later" in told(stored)["detail"]
    assert (ignored.status, wrong.status) == (204, 422)


@pytest.mark.req("C19", "C20")
def test_a_servers_list_is_stored_whole_or_not_at_all(made: World) -> None:
    """One wrong event in one of three beacons: nothing is stored, everything is counted, and the place is named."""
    intake = intake_of(made)
    served = intake.registry.by_key[made.site.key]
    wrong = beacon(made.site.key, {"name": "pageview"}, {"name": "engagement"})
    drafts = [draft(content, served) for content in (beacon(made.site.key), wrong, beacon(made.site.key, gpc=True))]
    answer = run(intake.take_all(drafts))
    assert (answer.status, told(answer)["field"]) == (422, "[1].events[1].props.ms")
    good = [draft(content, served) for content in (beacon(made.site.key), beacon(made.site.key, gpc=True))]
    answer = run(intake.take_all(good))
    assert (answer.status, json.loads(answer.body)) == (202, {"stored": 1, "not_recorded": 1})
    spooled = made.spooled()
    assert len(spooled.parcels) == 1
    assert spooled.counts == {(1, TODAY, "rejected", "bad_field"): 4, (1, TODAY, "not_recorded", "gpc"): 1}


def draft(content: dict[str, Any], served: ServedSite) -> Draft:
    """A draft as the server-side way makes it."""
    return Draft(decode_server_beacons(body([content]), 1)[0], FACTS, served, now=NOW, way="server")


def test_a_parcel_carries_the_beacons_id_so_that_a_second_try_is_known(made: World) -> None:
    """The same beacon sent twice is two parcels with one id, for the loader to drop the second."""
    intake = intake_of(made)
    assert run(taken(intake, [body(beacon(made.site.key))] * 2)) == [202, 202]
    first, second = made.spooled().parcels
    assert first.beacon == second.beacon == bytes.fromhex("0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d")
    assert first.rows[0][4] == first.beacon
