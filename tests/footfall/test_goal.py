"""Goals and funnels by the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from footfall.__main__ import main


@pytest.mark.req("C16")
def test_goals_are_declared_changed_listed_and_removed(tmp_path: Path) -> None:
    """What can't be a goal is refused in one sentence that says why."""

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, [*words, "--data", str(tmp_path)])
        return done.exit_code, done.output

    assert run("site", "add", "shop.example")[0] == 0
    at = ("--site", "shop.example")
    assert run("goal", "add", "Signed up", "--event", "signup", "--prop", "plan=pro", *at)[0] == 0
    assert run("goal", "add", "Read", "--scroll", "75", "--page", "/blog/*", *at)[0] == 0
    assert run("goal", "add", "Read", "--scroll", "90", "--page", "/blog/*", *at)[0] == 0
    listed = json.loads(run("goal", "list", "--json", *at)[1])
    assert [(one["name"], one["event"], one["value"], one["scroll"]) for one in listed] == [
        ("Read", "", "", 90),
        ("Signed up", "signup", "pro", 0),
    ]
    assert run("goal", "list", *at)[1].splitlines()[1] == "Signed up\tevent=signup\tprop=plan\tvalue=pro"
    for words, sentence in (
        (["x"], "Say what reaches the goal"),
        (["x", "--event", "a", "--scroll", "5"], "take one of both"),
        (["x", "--prop", "a=b", "--page", "/"], "name the event too"),
        (["(other)", "--page", "/"], "has a meaning of its own"),
        (["x", "--page", "shop"], "a path from / on"),
        (["x", "--scroll", "101"], "1 to 100 percent"),
        (["\\x", "--page", "/"], "backslash"),
    ):
        code, output = run("goal", "add", *words, *at)
        assert (code, sentence in output) == (1, True), output
    assert run("funnel", "add", "Way", "Read", "Signed up", "--strict", *at)[0] == 0
    assert run("funnel", "list", *at)[1] == "Way\tstrict\tRead\tSigned up\n"
    for words, sentence in (
        (["x", "Read", "Bought"], "has no goal 'Bought'"),
        (["x", "Read"], "2 to 8 steps"),
        (["x", *["Read"] * 9], "2 to 8 steps"),
    ):
        code, output = run("funnel", "add", *words, *at)
        assert (code, sentence in output) == (1, True), output
    code, output = run("goal", "remove", "Read", *at)
    assert (code, "The funnel 'Way' has this goal as a step" in output) == (1, True)
    assert run("funnel", "remove", "Way", *at)[0] == 0
    assert run("goal", "remove", "Read", *at)[0] == 0
    code, output = run("goal", "remove", "Read", *at)
    assert (code, "has no goal 'Read'" in output) == (1, True)
