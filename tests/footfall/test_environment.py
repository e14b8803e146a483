"""Settings: flag before environment before file before default, and one sentence for everything that is wrong."""

from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.environment import (
    SETTINGS,
    Environment,
    SettingError,
    as_environ,
    read_environment,
    supervisor_pid,
)

GOOD: Final[dict[str, list[tuple[str, Any]]]] = {
    "data": [("/srv/footfall", Path("/srv/footfall"))],
    "collector": [("0.0.0.0:80", ("0.0.0.0", 80)), (":8420", ("0.0.0.0", 8420)), ("[::1]:0", ("::1", 0))],
    "console": [("localhost:65535", ("localhost", 65535)), ("::1:8421", ("::1", 8421))],
    "demo": [("127.0.0.1:1", ("127.0.0.1", 1))],
    "public_url": [("https://stats.example", "https://stats.example"), ("http://h:1/path/", "http://h:1/path/")],
    "workers": [("4", 4)],
    "clickhouse": [("https://u:p@host:8443/db", "https://u:p@host:8443/db"), ("http://host", "http://host")],
    "clickhouse_password_file": [("", "")],
    "control": [("postgresql+psycopg://u:p@h/db", "postgresql+psycopg://u:p@h/db"), ("sqlite:////x", "sqlite:////x")],
    "geo": [("/a.mmdb, /b.mmdb,", (Path("/a.mmdb"), Path("/b.mmdb")))],
    "trusted_proxies": [("10.0.0.0/8, ::1", ("10.0.0.0/8", "::1")), ("", ())],
    "network_rate": [("0", 0.0), ("12.5", 12.5)],
    "site_rate": [("100", 100.0)],
    "query_rate": [("600", 600.0)],
    "spool_max_mb": [("1", 1)],
    "spool_min_free_mb": [("0", 0)],
    "spool_segment_kb": [("64", 64)],
    "fast_lane": [("true", True), ("false", False)],
    "warehouse_memory_mb": [("2048", 2048)],
    "query_seconds": [("30", 30.0)],
    "receipt_days": [("365", 365), ("0", 0)],
    "backup_dir": [("", ""), ("/mnt/backups", "/mnt/backups")],
    "heads_file": [("", ""), ("/mnt/heads.jsonl", "/mnt/heads.jsonl")],
    "ledger_key": [("", ""), ("/etc/footfall/ledger.pem", "/etc/footfall/ledger.pem")],
    "backup_days": [("35", 35)],
    "backup_raw_days": [("3", 3)],
    "backup_disk": [("", ""), ("backups", "backups")],
    "log_level": [("DEBUG", "debug"), ("error", "error")],
    "crash": [("spool.commit.durable:2", "spool.commit.durable:2"), ("import.before_commit", "import.before_commit")],
}
"""Texts of each setting, and what they mean."""

NUMBERS: Final = ("", "x", "-1", "1e3", "1_0", "nan", "inf", " 1", "٣", "²", "1" * 10, "0x10")
BAD: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("collector", "console", "demo"), ("", "8420", "host", "host:", "host:x", "h:65536", "h:-1", "h:²")
    ),
    "public_url": ("stats.example", "ftp://stats.example", "https://", "https://h?x", "https://u:p@h", "https://h h"),
    **dict.fromkeys(
        (
            "workers",
            "spool_max_mb",
            "spool_min_free_mb",
            "spool_segment_kb",
            "receipt_days",
            "backup_days",
            "backup_raw_days",
        ),
        (*NUMBERS, "1.5"),
    ),
    "warehouse_memory_mb": (*NUMBERS, "1.5"),
    **dict.fromkeys(("network_rate", "site_rate", "query_rate", "query_seconds"), (*NUMBERS, "1.", ".5")),
    "clickhouse": ("host:8123", "clickhouse://host", "https://", "https://h:x", "https://h:0", "https://h:99999"),
    "clickhouse_password_file": ("/nowhere/secret",),
    "control": ("control.db", "mysql://h/db", "http://h", "sqlite"),
    "trusted_proxies": ("10.0.0.0/33", "proxy.example", "10.0.0.0/8;::1", "*"),
    "log_level": ("", "loud", "trace"),
    "fast_lane": ("", "yes", "1", "True ", "on"),
    "crash": ("Spool", "a:0", "a:x", "a:-1", "a b", ":1"),
    "data": ("~nobody-of-this-name/x",),
    "heads_file": ("~nobody-of-this-name/x",),
    "ledger_key": ("~nobody-of-this-name/x",),
    "backup_dir": ("~nobody-of-this-name/x",),
    "backup_disk": ("a b", "disk'"),
}
"""Texts of each setting that are refused."""


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing lies where the tests run."""
    monkeypatch.chdir(tmp_path)


def read(flags: dict[str, Any] | None = None, **environ: str) -> Environment:
    """The settings with these flags and variables."""
    return read_environment(flags or {}, environ)


@pytest.mark.req("O1")
def test_without_a_word_everything_has_its_default(tmp_path: Path) -> None:
    """On this machine alone, with the design's rates, data beside the command, half of the cores."""
    found = read()
    assert (found.data, found.collector, found.console) == (
        tmp_path / "footfall-data",
        ("127.0.0.1", 8420),
        ("127.0.0.1", 8421),
    )
    assert (found.network_rate, found.site_rate, found.query_rate) == (500, 5000, 600)
    assert found.workers >= 1
    assert (found.clickhouse, found.control, found.crash) == ("", "", "")
    assert found.trusted_proxies == ("127.0.0.0/8", "::1/128")
    assert found.warehouse == f"chdb://{tmp_path}/footfall-data/warehouse"


def test_every_setting_is_declared_read_and_tried_here() -> None:
    """Field, declaration and the tables of this test name the same settings; each says what it means."""
    declared = {setting.name for setting in SETTINGS}
    assert declared == {field.name for field in fields(Environment)} == set(GOOD)
    assert declared - {"geo"} == set(BAD)
    assert all(setting.form and setting.meaning for setting in SETTINGS)


@pytest.mark.parametrize(("name", "text", "value"), [(name, *one) for name, many in GOOD.items() for one in many])
def test_good_values_are_read_from_everywhere(tmp_path: Path, name: str, text: str, value: Any) -> None:
    """As a flag, as a variable and as a key of the file, with the same meaning."""
    variable = f"FOOTFALL_{name.upper()}"
    (tmp_path / "footfall.toml").write_text(f"{name} = {text!r}\n" if name != "data" else "")
    found = [getattr(read({name: text}), name), getattr(read(**{variable: text}), name)]
    found += [] if name == "data" else [getattr(read(), name)]
    assert found == [value] * len(found)
    assert [type(one) for one in found] == [type(value)] * len(found)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD.items() for text in texts])
def test_bad_values_get_one_sentence(name: str, text: str) -> None:
    """It names the setting and its form, ends with a full stop, and never repeats a value that may be a password."""
    with pytest.raises(SettingError) as caught:
        read({name: text})
    sentence = str(caught.value)
    assert f"'{name}' must be " in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    if name in ("clickhouse", "control"):
        assert text not in sentence.replace("https://user:password@host:8443/database", "")


def test_a_password_is_never_repeated() -> None:
    """Not even where the rest of the address is wrong."""
    for name, text in (("clickhouse", "https://u:hunter2@h:port"), ("control", "mysql://u:hunter2@h")):
        with pytest.raises(SettingError) as caught:
            read({name: text})
        assert "hunter2" not in str(caught.value)


def test_a_flag_goes_before_the_environment_before_the_files_before_the_default(tmp_path: Path) -> None:
    """Taken away one by one, the next one holds; of the two files the one in the data directory."""
    data = tmp_path / "d"
    data.mkdir()
    (data / "footfall.toml").write_text("site_rate = 3\n")
    (tmp_path / "footfall.toml").write_text("site_rate = 4\n")
    flags, environ = {"site_rate": 1}, {"FOOTFALL_SITE_RATE": "2"}
    assert read({"data": data, **flags}, **environ).site_rate == 1
    assert read({"data": data, "site_rate": None}, **environ).site_rate == 2
    assert read({"data": data}).site_rate == 3
    assert read().site_rate == 4
    (tmp_path / "footfall.toml").unlink()
    assert read().site_rate == 5000


@pytest.mark.parametrize("how", ["flag", "environment", "file", "default"])
def test_the_file_in_the_data_directory_is_read_however_that_was_named(tmp_path: Path, how: str) -> None:
    """Also where nobody named it; and it can't send the installation elsewhere."""
    data = tmp_path / ("footfall-data" if how == "default" else "d")
    data.mkdir()
    (data / "footfall.toml").write_text('site_rate = 3\ndata = "/elsewhere"\n')
    if how == "file":
        (tmp_path / "footfall.toml").write_text('data = "d"\n')
    found = read({"data": "d"} if how == "flag" else {}, **({"FOOTFALL_DATA": "d"} if how == "environment" else {}))
    assert (found.site_rate, found.data) == (3, data)


def test_files_may_use_the_types_of_toml(tmp_path: Path) -> None:
    """Numbers, and lists where a setting has several values."""
    (tmp_path / "footfall.toml").write_text(
        'workers = 3\nsite_rate = 1.5\nfast_lane = false\ntrusted_proxies = ["10.0.0.0/8", "::1"]\n'
    )
    found = read()
    assert (found.workers, found.site_rate, found.fast_lane, found.trusted_proxies) == (
        3,
        1.5,
        False,
        ("10.0.0.0/8", "::1"),
    )


@pytest.mark.parametrize("where", ["flag", "environment", "file"])
def test_an_unknown_key_is_an_error(tmp_path: Path, where: str) -> None:
    """A misspelt setting does not do nothing silently."""
    if where == "file":
        (tmp_path / "footfall.toml").write_text("site_rat = 5\n")
    with pytest.raises(
        SettingError, match=r"^There is no setting 'site_rat'; docs/settings\.md lists those there are\.$"
    ):
        read(
            {"site_rat": 5} if where == "flag" else {}, **({"FOOTFALL_SITE_RAT": "5"} if where == "environment" else {})
        )


@pytest.mark.parametrize("content", [b"site_rate 5", b"\xff\xfe", b"[", b"a = 1\na = 2", b'collector = "x'])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    """With its path, in one line."""
    (tmp_path / "footfall.toml").write_bytes(content)
    with pytest.raises(SettingError, match=r"footfall\.toml is not valid TOML: .*\.$"):
        read()


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    """A directory of that name will do for the test; who is root reads everything else."""
    (tmp_path / "footfall.toml").mkdir()
    with pytest.raises(SettingError, match=r"footfall\.toml can't be read \(Is a directory\); .*\.$"):
        read()


@pytest.mark.req("O3")
@pytest.mark.parametrize(("name", "text"), [(name, one[0]) for name, many in GOOD.items() for one in many])
def test_children_get_the_same_settings_whatever_they_came_from(tmp_path: Path, name: str, text: str) -> None:
    """Through their environment alone; variables of other programs are handed on, a file does not matter any more."""
    mine = read({name: text})
    handed = as_environ(mine, {"PATH": "/bin", "FOOTFALL_SITE_RATE": "77", "FOOTFALL_SUPERVISOR": "1"})
    (tmp_path / "footfall.toml").write_text("site_rate = 3\nworkers = 9\n")
    assert handed["PATH"] == "/bin"
    assert read_environment({}, handed) == mine


def test_a_password_may_lie_in_a_file(tmp_path: Path) -> None:
    """Its first line is the password of the address, whatever stands in it; the setting itself never holds it."""
    secret = tmp_path / "secret"
    secret.write_text("p@ss/w:rd\nanother line\n")
    found = read({"clickhouse": "https://me@host:8443/db", "clickhouse_password_file": str(secret)})
    assert found.warehouse == "https://me:p%40ss%2Fw%3Ard@host:8443/db"
    assert "p@ss" not in str(as_environ(found, {}))
    assert "p@ss" not in repr(found)
    assert read({"clickhouse": "http://host", "clickhouse_password_file": str(secret)}).warehouse.startswith(
        "http://default:"
    )


@pytest.mark.parametrize(
    ("server", "content", "words"),
    [
        ("https://me@host", None, r"a file that can be read; .*secret can't \(No such file or directory\)\.$"),
        ("https://me@host", b"\nlate\n", r"a file with a password; the first line of .*secret is empty\.$"),
        ("https://me@host", b"\xff\xfe", r"a file that can be read; .*secret can't \(it is no text\)\.$"),
        ("https://me:known@host", b"x", r"must be empty, or 'clickhouse' an address .*\.$"),
        ("", b"x", r"must be empty, or 'clickhouse' an address .*\.$"),
    ],
    ids=["missing", "empty", "bytes", "twice", "embedded"],
)
def test_a_password_file_that_is_none_is_named(tmp_path: Path, server: str, content: bytes | None, words: str) -> None:
    """With its path; no password is repeated."""
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(SettingError, match=words) as told:
        read({"clickhouse": server, "clickhouse_password_file": str(secret)})
    assert "known" not in str(told.value)


def test_databases_of_places_are_looked_for_in_the_data_directory(tmp_path: Path) -> None:
    """Whatever lies there, unless the setting names others."""
    assert read().geo == (tmp_path / "footfall-data" / "geo",)
    assert read({"geo": "/x.mmdb"}).geo == (Path("/x.mmdb"),)


def test_a_child_knows_its_supervisor() -> None:
    """By a variable that is no setting; none means that a hand started it."""
    assert (supervisor_pid({"FOOTFALL_SUPERVISOR": "77"}), supervisor_pid({})) == (77, 0)
    assert read(FOOTFALL_SUPERVISOR="77") == read()


@given(st.sampled_from(sorted(GOOD)), st.text(st.characters(exclude_characters="\0"), max_size=30))
def test_any_text_is_read_or_refused(name: str, text: str) -> None:
    """No text of any setting raises anything but the one error."""
    try:
        found = read({name: text})
    except SettingError as error:
        assert str(error).endswith(".")  # noqa: PT017
        return
    assert read_environment({}, as_environ(found, {})) == found
