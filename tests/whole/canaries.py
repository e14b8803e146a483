"""People made up so that every trace of them can be found: whatever they bring is looked for in every spelling.

A canary's values are made of its name, so a run can be repeated; each way into the product has canaries of its own, so
that a trace tells the way it came.
"""

import base64
import ipaddress
import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Canary:
    """One made-up person."""

    def __init__(self, name: str) -> None:
        dice = random.Random(f"canary {name}")
        token = "".join(dice.choice("bcdfghjkmnpqrstvwxz") for _ in range(12))
        octets = [dice.randint(101, 249) for _ in range(4)]
        groups = [dice.randint(0xA000, 0xFFFF) for _ in range(4)]
        self.name = name
        self.v4 = ipaddress.IPv4Address(bytes([203, *octets[1:]]))
        self.v6 = ipaddress.IPv6Address("2001:db8:{:x}:{:x}:0:0:{:x}:{:x}".format(*groups))
        self.peer = ipaddress.IPv4Address(bytes([127, *octets[1:]]))
        self.device = uuid.UUID(bytes=dice.randbytes(16), version=4)
        self.email = f"anna.{token}@post-{token[::-1]}.example"
        mobile = f"Mozilla/5.0 (Linux; Android 13; SM-{token} Build/TQ.{token})"
        self.agents = [
            f"Mozilla/5.0 (X11; Linux x86_64; id {token}; rv:145.0) Gecko/20100101 Firefox/145.0 ({token})",
            f"{mobile} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36 [{token}]",
            f"Somebot/2.1 (+https://{token}.example/bot; {self.email})",
            f"curl/8.0 id-{token}-{dice.randint(10**7, 10**8)}",
        ]
        self.cookie = f"ck{dice.randbytes(12).hex()}"
        self.token = token
        self.mark = f"/seen/{name}"

    def secrets(self) -> dict[str, bytes]:
        """Everything that may lie on no disk, by what it is. Text in lower case."""
        return {
            **{f"v4 {how}": text for how, text in ipv4_texts(self.v4).items()},
            **{f"peer {how}": text for how, text in ipv4_texts(self.peer).items()},
            **{f"v6 {how}": text for how, text in ipv6_texts(self.v6).items()},
            **{f"device {how}": text for how, text in device_texts(self.device).items()},
            "e-mail": self.email.encode(),
            "e-mail encoded": self.email.replace("@", "%40").encode(),
            "e-mail base64": base64.b64encode(self.email.encode()).lower().rstrip(b"="),
            **{f"agent {place}": agent.lower().encode() for place, agent in enumerate(self.agents)},
            "token of agent and e-mail": self.token.encode(),
            "token reversed": self.token[::-1].encode(),
            "cookie": self.cookie.encode(),
        }

    def packed(self) -> dict[str, bytes]:
        """The same as plain bytes, in both orders; compared as they are."""
        plain = {
            "v4 bytes": self.v4.packed,
            "peer bytes": self.peer.packed,
            "v6 bytes": self.v6.packed,
            "v6 interface bytes": self.v6.packed[8:],
            "device bytes": self.device.bytes,
        }
        turned = {f"{name} reversed": value[::-1] for name, value in plain.items()}
        return {**plain, **turned, "device bytes of Windows": self.device.bytes_le}


def ipv4_texts(address: ipaddress.IPv4Address) -> dict[str, bytes]:
    """An IPv4 address as people, logs and programs write it."""
    octets = str(address).split(".")
    number = int(address)
    hexed = address.packed.hex()
    texts = {
        "dotted": str(address),
        "padded": ".".join(f"{int(octet):03}" for octet in octets),
        "octal": ".".join(f"{int(octet):04o}" for octet in octets),
        "reversed": ".".join(reversed(octets)),
        "dashed": "-".join(octets),
        "underlined": "_".join(octets),
        "hex": hexed,
        "hex reversed": address.packed[::-1].hex(),
        "hex dotted": ".".join(f"0x{int(octet):02x}" for octet in octets),
        "hex spaced": address.packed.hex(" "),
        "hex groups": f"{hexed[:4]}:{hexed[4:]}",
        "number": str(number),
        "number reversed": str(int.from_bytes(address.packed[::-1])),
        "encoded dots": str(address).replace(".", "%2e"),
        "encoded": "".join(f"%{ord(sign):02x}" for sign in str(address)),
        "base64": base64.b64encode(str(address).encode()).decode().rstrip("="),
    }
    return {how: text.lower().encode() for how, text in texts.items()}


def ipv6_texts(address: ipaddress.IPv6Address) -> dict[str, bytes]:
    """An IPv6 address as people, logs and programs write it; upper case is compared in lower case."""
    texts = {
        "compressed": str(address),
        "expanded": address.exploded,
        "without padding": ":".join(f"{int(group, 16):x}" for group in address.exploded.split(":")),
        "dashed": address.exploded.replace(":", "-"),
        "hex": address.packed.hex(),
        "hex reversed": address.packed[::-1].hex(),
        "interface": address.exploded[20:],
        "nibbles": address.reverse_pointer.removesuffix(".ip6.arpa"),
        "number": str(int(address)),
        "encoded": str(address).replace(":", "%3a"),
        "base64": base64.b64encode(str(address).encode()).decode().rstrip("="),
        "base64 of bytes": base64.b64encode(address.packed).decode().rstrip("="),
    }
    return {how: text.lower().encode() for how, text in texts.items()}


def device_texts(device: uuid.UUID) -> dict[str, bytes]:
    """A device id as text."""
    texts = {
        "dashed": str(device),
        "plain": device.hex,
        "reversed": device.hex[::-1],
        "of Windows": device.bytes_le.hex(),
        "number": str(device.int),
        "base64": base64.b64encode(device.bytes).decode().rstrip("="),
    }
    return {how: text.lower().encode() for how, text in texts.items()}


def spellings(canary: Canary) -> list[str]:
    """A person's addresses as clients, proxies and servers write them, valid or not."""
    v4, v6 = str(canary.v4), str(canary.v6)
    octets = v4.split(".")
    return [
        v4,
        f" {v4} ",
        f"{v4}:51234",
        f'"{v4}"',
        ".".join(f"{int(octet):03}" for octet in octets),
        hex(int(canary.v4)),
        str(int(canary.v4)),
        ".".join(reversed(octets)),
        v4.replace(".", "%2E"),
        v6,
        v6.upper(),
        canary.v6.exploded,
        f"[{v6}]",
        f"[{v6}]:51234",
        f'"[{v6.upper()}]:51234"',
        f"{v6}%eth0",
        f"[{v6}%25eth0]",
        f"::ffff:{v4}",
        f"::FFFF:{canary.v4.packed.hex()[:4]}:{canary.v4.packed.hex()[4:]}",
        f"[::ffff:{v4}]:8",
        v6.replace(":", "%3A"),
        canary.v6.packed.hex(),
        f"{v4}, 10.0.0.1",
        f"unknown, {v4}",
        f"{v4}/32",
        f"{v4};{v6}",
    ]


class Trace(NamedTuple):
    """Something that was found where nothing may be."""

    where: str
    whose: str
    what: str


class Hunt:
    """Looks for a list of canaries."""

    def __init__(self, canaries: list[Canary], words: dict[str, str] | None = None) -> None:
        texts: list[tuple[str, str, bytes]] = [
            ("-", what, word.lower().encode()) for what, word in (words or {}).items()
        ]
        for canary in canaries:
            texts += [(canary.name, what, text) for what, text in canary.secrets().items()]
        self._texts = texts
        self._bytes = [(c.name, what, value) for c in canaries for what, value in c.packed().items()]

    def in_bytes(self, content: bytes, where: str) -> list[Trace]:
        """Traces in these bytes. Without zero bytes, so that UTF-16 and UTF-32 are read too."""
        low = content.lower().replace(b"\0", b"")
        traces = [Trace(where, who, what) for who, what, text in self._texts if text in low]
        return traces + [Trace(where, who, what) for who, what, value in self._bytes if value in content]

    def in_value(self, value: object, where: str) -> list[Trace]:
        """Traces in a decoded value, however deep; numbers in decimal and as bytes."""
        return self.in_bytes(b"\n".join(_flat(value)), where)

    def in_files(self, *roots: Path) -> list[Trace]:
        """Traces in the names and contents of every file under the roots."""
        traces: list[Trace] = []
        for path in files(*roots):
            traces += self.in_bytes(str(path).encode(), f"the name {path}")
            traces += self.in_bytes(path.read_bytes(), str(path))
        return traces


def files(*roots: Path) -> list[Path]:
    """Every file under the roots; a root may be a file itself."""
    found = [root for root in roots if root.is_file()]
    return found + sorted(path for root in roots for path in root.rglob("*") if path.is_file())


def _flat(value: object) -> Iterator[bytes]:
    match value:
        case dict():
            for key, one in value.items():
                yield from _flat(key)
                yield from _flat(one)
        case list() | tuple() | set():
            for one in value:
                yield from _flat(one)
        case bytes():
            yield value
        case bool() | None | float():
            yield str(value).encode()
        case int():
            size = max(4, (value.bit_length() + 7) // 8)
            yield b"%d %s %s" % (value, value.to_bytes(size + 1, signed=True)[1:], f"{value:x}".encode())
        case _:
            yield str(value).encode("utf-8", "surrogatepass")
