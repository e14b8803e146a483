"""Signatures of the ledger, checked by arithmetic of our own; what was changed, forged or left unsigned is named."""

import hashlib
import json
import stat
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from footfall.__main__ import main
from retention.ledger import NOTHING, Ledger, verify
from retention.signatures import BadKey, PublicKeys, Signer, make_key
from tests.retention.test_ledger import NOW, Kept, again

pytestmark = pytest.mark.req("R3")

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_BASE: Final = (15112221349535400772501151409588531511454012693041857206046113283949847762202, 4 * pow(5, -1, _P) % _P)


def _add(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    (a, b), (c, d) = one, other
    e = _D * a * b * c * d % _P
    return (a * d + b * c) * pow(1 + e, -1, _P) % _P, (b * d + a * c) * pow(1 - e, -1, _P) % _P


def _times(number: int, point: tuple[int, int]) -> tuple[int, int]:
    found = (0, 1)
    while number:
        if number & 1:
            found = _add(found, point)
        point = _add(point, point)
        number >>= 1
    return found


def _point(code: bytes) -> tuple[int, int]:
    y = int.from_bytes(code, "little") & (2**255 - 1)
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if x * x % _P != square:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    return (_P - x if x & 1 != code[31] >> 7 else x), y


def is_signed(public: str, message: bytes, signature: str) -> bool:
    """By the equation of RFC 8032, in whole numbers."""
    key, code = bytes.fromhex(public), bytes.fromhex(signature)
    digest = int.from_bytes(hashlib.sha512(code[:32] + key + message).digest(), "little")
    right = _add(_point(code[:32]), _times(digest, _point(key)))
    return _times(int.from_bytes(code[32:], "little"), _BASE) == right


def signed(path: Path, key: Path, *, before: int = 2, after: int = 4) -> tuple[list[bytes], str]:
    """A ledger of some entries without and some with a signature: its lines, and the public key."""
    kept = Kept()
    public = make_key(key)
    plain = Ledger(path, kept.read, kept.write)
    signing = Ledger(path, kept.read, kept.write, Signer(key).sign)
    for number in range(before + after):
        ledger = plain if number < before else signing
        ledger.append("purge.completed", {"rows": number, "place": "Zürich"}, now=NOW)
    return list(plain.lines()), public


def test_the_signature_is_over_the_hash_that_stands_in_the_line(tmp_path: Path) -> None:
    """Whoever has the public key can check it, with anything that knows Ed25519; the chain is as without."""
    lines, public = signed(tmp_path / "ledger", tmp_path / "key")
    entries = [json.loads(line) for line in lines]
    assert ["signature" in entry for entry in entries] == [False, False, True, True, True, True]
    assert all(is_signed(public, entry["hash"].encode(), entry["signature"]) for entry in entries[2:4])
    assert not is_signed(public, entries[2]["hash"].encode(), entries[3]["signature"])
    report = verify(lines, holds=PublicKeys([public]).hold)
    assert (report.faults, report.signed) == ([], 4)
    unsigned = {name: value for name, value in entries[3].items() if name != "signature"}
    plain = json.dumps(unsigned, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    assert again(plain) == plain
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert public[:9] not in repr(Signer(tmp_path / "key"))


def test_what_was_changed_is_by_another_or_is_not_signed_is_named(tmp_path: Path) -> None:
    """A forger can make the chain right, and not the signatures."""
    lines, public = signed(tmp_path / "ledger", tmp_path / "key")
    holds = PublicKeys([public]).hold

    def line(entry: dict[str, object]) -> bytes:
        return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"

    third = json.loads(lines[2])
    for place in (0, 31, 64, 127):
        digit = "0" if third["signature"][place] != "0" else "1"
        changed = third["signature"][:place] + digit + third["signature"][place + 1 :]
        faults = verify([*lines[:2], line(third | {"signature": changed}), *lines[3:]], holds=holds).faults
        assert faults == ["Entry 3: its signature was changed, or is by another key."]
    bare = {name: value for name, value in third.items() if name != "signature"}
    assert verify([*lines[:2], line(bare), *lines[3:]], holds=holds).faults == [], "the first is older than the key"
    fourth = {name: value for name, value in json.loads(lines[3]).items() if name != "signature"}
    for known in (holds, None):
        faults = verify([*lines[:3], line(fourth), *lines[4:]], holds=known).faults
        assert faults == ["Entry 4 is not signed, and entries before it are."]
    for odd in ("", "zz", "00" * 63, 7):
        faults = verify([*lines[:2], line(third | {"signature": odd}), *lines[3:]], holds=holds).faults
        assert any("Entry 3" in fault for fault in faults), odd
    (tmp_path / "other").mkdir()
    forged, _ = signed(tmp_path / "other" / "ledger", tmp_path / "other" / "key", before=0, after=3)
    assert verify(forged, holds=holds).faults == [
        f"Entry {number}: its signature was changed, or is by another key." for number in (1, 2, 3)
    ]
    tail = Ledger(tmp_path / "ledger", lambda: NOTHING, lambda _: None, Signer(tmp_path / "other" / "key").sign)
    tail.append("purge.completed", {"rows": 99}, now=NOW)
    both = PublicKeys([public, Signer(tmp_path / "other" / "key").public])
    assert len(verify(tail.lines(), holds=holds).faults) == 1
    assert verify(tail.lines(), holds=both.hold).faults == [], "a key that came later is given beside the first"


def test_the_command_signs_and_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own key, or with an export and the public key alone."""
    from control_store.tables import ControlStore
    from footfall.books import open_ledger
    from footfall.environment import read_environment

    key, data, export = tmp_path / "ledger.pem", tmp_path / "data", tmp_path / "export"

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["ledger", *arguments])
        return done.exit_code, done.output

    assert run("key", str(key))[0] == 0
    public = run("key", str(key))[1].strip()
    assert len(public) == 64
    data.mkdir()
    monkeypatch.setenv("FOOTFALL_DATA", str(data))
    monkeypatch.setenv("FOOTFALL_LEDGER_KEY", str(key))
    store = ControlStore.in_directory(data)
    store.migrate()
    ledger = open_ledger(read_environment({}), store)
    for number in range(3):
        ledger.append("salt.destroyed", {"key": str(number)}, now=NOW)
    store.close()
    code, said = run("verify", "--lines-only")
    assert (code, "3 entries are signed." in said) == (0, True), said
    export.write_text(run("export")[1])
    monkeypatch.delenv("FOOTFALL_LEDGER_KEY")
    monkeypatch.setenv("FOOTFALL_DATA", str(tmp_path / "auditor"))
    code, said = run("verify", str(export))
    assert (code, "can't be told without the key" in said) == (0, True)
    assert run("verify", str(export), "--public-key", public)[0] == 0
    (tmp_path / "public").write_text(public + "\n")
    assert run("verify", str(export), "--public-key", str(tmp_path / "public"))[0] == 0
    code, said = run("verify", str(export), "--public-key", make_key(tmp_path / "wrong"))
    assert (code, "Entry 1: its signature" in said) == (1, True)
    bare = [{k: v for k, v in json.loads(text).items() if k != "signature"} for text in export.read_text().splitlines()]
    lines = [json.dumps(one, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n" for one in bare]
    export.write_text("".join(lines))
    assert run("verify", str(export))[0] == 0
    code, said = run("verify", str(export), "--public-key", public)
    assert (code, "No entry is signed." in said) == (1, True)


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_without_its_key_nothing_is_written(tmp_path: Path, content: bytes | None) -> None:
    """A missing key is no reason to go on without signatures; a key is never overwritten."""
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
        with pytest.raises(BadKey, match="can't be written"):
            make_key(path)
    with pytest.raises(BadKey):
        Signer(path)
    with pytest.raises(BadKey, match="64 hex digits"):
        PublicKeys(["00" * 31])
