"""Writes small .mmdb files for tests, from MaxMind's public description of the format (MaxMind DB File Format 2.0).

Only what geography records need: maps, texts, doubles, unsigned numbers; a search tree of 24-bit records.
"""

import struct
from pathlib import Path
from typing import Any, Final, NamedTuple

_MARK: Final = b"\xab\xcd\xefMaxMind.com"


class Sized(NamedTuple):
    """A number of one of the format's unsigned types: 5, 6 and 9 have 16, 32 and 64 bits."""

    kind: int
    value: int


def write(path: Path, networks: dict[tuple[bytes, int], dict[str, Any]], *, kind: str, ip_version: int) -> Path:
    """A database of (packed network, prefix length) → record."""
    nodes: list[list[int | bytes | None]] = [[None, None]]
    for (packed, length), record in networks.items():
        bits = [packed[place // 8] >> (7 - place % 8) & 1 for place in range(length)]
        node = 0
        for bit in bits[:-1]:
            below = nodes[node][bit]
            if not isinstance(below, int):
                nodes.append([None, None])
                below = nodes[node][bit] = len(nodes) - 1
            node = below
        nodes[node][bits[-1]] = _encoded(record)
    data = b""
    tree = b""
    for pair in nodes:
        for record in pair:
            if record is None:
                value = len(nodes)
            elif isinstance(record, int):
                value = record
            else:
                value = len(nodes) + 16 + len(data)
                data += record
            tree += value.to_bytes(3)
    metadata = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": Sized(9, 1_764_000_000),
        "database_type": kind,
        "description": {"en": "made for a test"},
        "ip_version": ip_version,
        "languages": [],
        "node_count": Sized(6, len(nodes)),
        "record_size": 24,
    }
    path.write_bytes(tree + bytes(16) + data + _MARK + _encoded(metadata))
    return path


def _encoded(value: Any) -> bytes:
    match value:
        case dict():
            return _head(7, len(value)) + b"".join(_encoded(key) + _encoded(part) for key, part in value.items())
        case list():
            return _head(11, len(value)) + b"".join(_encoded(part) for part in value)
        case str():
            text = value.encode()
            return _head(2, len(text)) + text
        case float():
            return _head(3, 8) + struct.pack(">d", value)
        case Sized():
            number = value.value.to_bytes((value.value.bit_length() + 7) // 8)
            return _head(value.kind, len(number)) + number
        case int():
            return _encoded(Sized(5 if value < 2**16 else 6, value))
    raise TypeError(type(value))


def _head(kind: int, size: int) -> bytes:
    small, rest = (size, b"") if size < 29 else (29, (size - 29).to_bytes(1))
    return bytes([kind << 5 | small]) + rest if kind < 8 else bytes([small, kind - 7]) + rest
