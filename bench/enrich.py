"""What it costs to find out about a sender: warm, where everything was seen before, and cold, where nothing was.

CPU microseconds of this process, the best of several rounds. Warm: one event from its bytes to its row, with the same
agents and addresses again and again; beside it `json.loads` of the same bytes. Cold: agent, bot rules and place where
each agent and address is new; beside it the user-agents library as it is installed, on the same strings.
"""

import json
import random
import socket
import struct
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from collector.address import ClientAddress
from collector.agent import AgentReader
from collector.bots import BotRules
from collector.place import Places
from collector.registry import ServedSite
from collector.request import RequestFacts
from collector.sender import Senders
from collector.steps import Draft, walk
from event_catalogue.decode import decode_beacon
from tests.collector.world import NOW, beacon, site, tools

GEO: Final = Path(__file__).parent.parent / ".geo"
SHAPES: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.{}.{} Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.{}.{} Mobile Safari/537.36",
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/26.{} Mobile/15E{}.{} Safari/604.1"
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:{}.0) Gecko/20100101 Firefox/{}.{}",
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.{}.{} "
        "Safari/537.36 Edg/140.0.0.0"
    ),
    (
        "Mozilla/5.0 (Linux; Android 14; SM-S{}B Build/UP1A.{}.{}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
        "Chrome/140.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/500.0.0.0;]"
    ),
)
"""What most visitors' strings look like, with room for numbers that nobody has."""


def agents(count: int, rng: random.Random) -> list[str]:
    """Agent strings that differ from each other."""
    return [
        SHAPES[number % len(SHAPES)].format(rng.randrange(80, 150), rng.randrange(1000, 9999), number)
        for number in range(count)
    ]


def addresses(count: int, rng: random.Random) -> list[bytes]:
    """Public addresses of version 4, packed."""
    return [struct.pack("!I", rng.randrange(0x01000000, 0xDFFFFFFF)) for _ in range(count)]


def main(rounds: int = 5, count: int = 2_000) -> None:
    """Measure and print."""
    rng = random.Random(1)
    read, judge = AgentReader(), BotRules()
    senders, places = Senders(read, judge), Places(sorted(GEO.glob("*.mmdb")))
    new = [(agents(count, rng), addresses(count, rng)) for _ in range(rounds)]
    cold = min(_us(lambda pair: _look(senders, places, *pair), list(zip(*one, strict=True))) for one in new)
    parts = {
        "agent": min(_us(read.read, one) for one, _ in new),
        "bot rules": min(_us(judge.agent_rule, one) for one, _ in new),
        "place": min(_us(lambda packed: places.locate(packed, ""), addresses(count, rng)) for _ in range(rounds)),
    }
    library = min(_us(_as_installed, one[:300]) for one, _ in new)
    print(f"cold: {cold:6.1f} µs for agent, bot rules and place, all new (bar 400)")
    print("      " + ", ".join(f"{name} {value:.1f}" for name, value in parts.items()))
    print(f"      {library:6.1f} µs for the user-agents library as it is installed: {cold / library:.2f} of it")
    warm, plain = _warm()
    print(f"warm: {warm:6.1f} µs from bytes to row: decode, gate, scrub, enrich, identity (bar 30)")
    print(f"      {plain:6.1f} µs for json.loads of the same bytes: {warm / plain:.1f} times that")


def _look(senders: Senders, places: Places, agent: str, packed: bytes) -> None:
    senders.read(agent)
    places.locate(packed, "")
    places.network(packed)


def _as_installed(text: str) -> object:
    import user_agents

    return user_agents.parse(text).browser


def _warm(rounds: int = 7, count: int = 3_000) -> tuple[float, float]:
    rng = random.Random(2)
    made = beacon(f"{1:016x}", title="How to choose hiking boots", url="https://shop.example/blog/boots?utm_source=x")
    bodies = [json.dumps(made | {"id": f"{number:032x}"}).encode() for number in range(count)]
    served = ServedSite(site())
    facts = [
        RequestFacts(_client(packed), agent, language="de-CH,de;q=0.9")
        for agent, packed in zip(agents(50, rng), addresses(50, rng), strict=True)
    ]
    known = cycle(facts)

    def whole(body: bytes) -> None:
        taken, _ = decode_beacon(body)
        walk(Draft(taken, next(known), served, now=NOW), tools())

    for body in bodies[:100]:
        whole(body)
    return min(_us(whole, bodies) for _ in range(rounds)), min(_us(json.loads, bodies) for _ in range(rounds))


def _client(packed: bytes) -> ClientAddress:
    from collector.address import Hops

    return Hops(()).client(socket.inet_ntoa(packed), [], [])


def _us(call: Callable[[Any], object], given: Sequence[Any]) -> float:
    """CPU microseconds of one call."""
    start = time.process_time_ns()
    for one in given:
        call(one)
    return (time.process_time_ns() - start) / len(given) / 1000


if __name__ == "__main__":
    main()
