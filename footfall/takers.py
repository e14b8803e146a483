"""Who takes the records of the spool that are no rows: choices and refused hosts go to the control store.

A record that does not hold what its kind promises can never be taken and becomes a dead letter; a store that does not
answer is asked again, and nothing of the spool is released before.
"""

from collections.abc import Mapping

import msgspec

from control_store.choices import take_choices
from control_store.refused_hosts import take_host
from control_store.tables import ControlStore
from control_store.taking import Place
from event_catalogue.choice import decode_choices
from loader.loop import Taker, Unusable
from spool.kinds import Kind, Record

_HOST = msgspec.msgpack.Decoder(tuple[int, str])


def takers(store: ControlStore) -> Mapping[int, Taker]:
    """The takers of a core."""

    def choice(spool: str, record: Record) -> None:
        try:
            records = decode_choices(record.body)
        except msgspec.DecodeError as error:
            raise Unusable from error
        take_choices(store, Place(spool, record.seq), records)

    def host(spool: str, record: Record) -> None:
        try:
            site, hostname = _HOST.decode(record.body)
        except msgspec.DecodeError as error:
            raise Unusable from error
        take_host(store, Place(spool, record.seq), site, hostname, at=record.received)

    return {Kind.CHOICE: choice, Kind.HOST: host}
