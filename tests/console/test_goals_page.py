"""Goals in the console: declared by a form, counted, and the conversion rate of every row once one is chosen."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from console.pages.view import DIMENSION_TITLES
from control_store.goals import aims_of
from control_store.sites import find_site
from event_catalogue.goals import Funnel, Goal
from tests.console.desk import TODAY, Desk, counting_desk
from tests.console.test_pages import Checker, link, plain, table, tiles, visitor

pytestmark = pytest.mark.req("C16", "D1", "D4")

NOON: Final = TODAY * 86_400_000 + 43_200_000
PEOPLE: Final = range(1, 21)
FROM_GOOGLE: Final = range(1, 13)
PRICED: Final = range(1, 15)
SIGNED: Final = (*range(1, 7), *range(13, 19))


def rows() -> Iterator[dict[str, Any]]:
    """Twenty visitors of one visit each: all see the first page, some the prices, some sign up."""
    for number in PEOPLE:
        source = "Google" if number in FROM_GOOGLE else ""
        steps = [("pageview", "/"), ("pageview", "/pricing"), ("signup", "/pricing")]
        takes = (True, number in PRICED, number in SIGNED)
        for place, ((name, path), taken) in enumerate(zip(steps, takes, strict=True)):
            if taken:
                at = NOON + 1000 * place + number
                yield {"visitor": visitor(number), "source": source, "name": name, "path": path, "at": at}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Desk]:
    """Their site, without a goal."""
    with counting_desk(tmp_path) as desk:
        desk.store_rows(desk.site(), *rows())
        desk.now = NOON + 60_000
        yield desk


def declare(desk: Desk) -> None:
    """Two goals and a funnel, by the forms."""
    page = "/sites/shop.example/goals"
    assert desk.post(page, page, name="Sign-up", event="signup").status_code == 303
    assert desk.post(page, page, name="Prices", page="/pricing").status_code == 303
    funnel = {"name": "To sign up", "step-1": "Prices", "step-2": "Sign-up", "step-3": ""}
    assert desk.post(f"{page}/funnels", page, **funnel).status_code == 303


def test_what_is_declared_by_forms_is_what_the_site_waits_for(shop: Desk) -> None:
    """The same goals and funnels as by the command line, and removed again; the log says who did."""
    declare(shop)
    site = find_site(shop.store, "shop.example")
    aims = aims_of(shop.store, site.id)
    assert aims.goals == (Goal("Prices", page="/pricing"), Goal("Sign-up", event="signup"))
    assert aims.funnels == (Funnel("To sign up", ("Prices", "Sign-up")),)
    page = "/sites/shop.example/goals"
    refused = shop.post(f"{page}/remove", page, goal="Prices")
    assert refused.status_code == 422
    assert "has this goal as a step" in refused.text
    shop.post(f"{page}/remove", page, funnel="To sign up")
    shop.post(f"{page}/remove", page, goal="Prices")
    assert aims_of(shop.store, site.id).goals == (Goal("Sign-up", event="signup"),)
    assert "goal Prices" in plain(shop.read("/audit"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "Nothing"}, "Say what reaches the goal"),
        ({"name": "Deep", "scroll": "101"}, "1 to 100 percent"),
        ({"name": "Deep", "scroll": "half"}, "1 to 100 percent"),
        ({"name": "(other)", "event": "signup"}, "a meaning of its own"),
    ],
)
def test_what_can_be_no_goal_is_said_in_a_sentence_and_kept_in_the_form(
    shop: Desk, fields: dict[str, str], words: str
) -> None:
    """Nothing is declared, nothing that was typed is lost."""
    answer = shop.post("/sites/shop.example/goals", "/sites/shop.example/goals", **fields)
    assert answer.status_code == 422
    assert words in plain(answer.text)
    assert f'value="{fields["name"]}"' in answer.text
    assert aims_of(shop.store, find_site(shop.store, "shop.example").id).goals == ()


def test_the_page_of_goals_counts_them(shop: Desk) -> None:
    """Visitors, events and rate of each goal, and how far visits came: by hand from the rows."""
    assert "There is none yet" in shop.read("/sites/shop.example/goals")
    declare(shop)
    text = shop.read("/sites/shop.example/goals")
    checker = Checker()
    checker.feed(text)
    assert checker.faults == []
    told = plain(text)
    assert f"Sign-up the event signup Remove Sign-up {len(SIGNED)} {len(SIGNED)} 60%" in told
    assert f"Prices a view of /pricing Remove Prices {len(PRICED)} {len(PRICED)} 70%" in told
    both = len(set(PRICED) & set(SIGNED))
    assert f"1. Prices {len(PRICED)} 100% 2. Sign-up {both} 57% 57%" in told


def test_a_chosen_goal_gives_every_row_its_rate(shop: Desk) -> None:
    """The panel of goals leads to the dashboard of those who reached it."""
    assert 'id="panel-goals"' not in shop.read("/sites/shop.example?range=today")
    declare(shop)
    text = shop.read("/sites/shop.example?range=today")
    assert sorted(row[:4] for row in table(text, "goals")) == [
        ("Prices", "14", "14", "70%"),
        ("Sign-up", "12", "12", "60%"),
    ]
    assert "Conversion rate" not in tiles(text)
    chosen = shop.read("/sites/shop.example" + link(text, "Sign-up"))
    assert tiles(chosen)["Conversion rate"] == "60%"
    assert tiles(chosen)["Visitors"] == str(len(SIGNED))
    google = len(set(SIGNED) & set(FROM_GOOGLE))
    assert sorted(row[:3] for row in table(chosen, "sources")) == [
        ("Direct / None", str(len(SIGNED) - google), "75%"),
        ("Google", str(google), "50%"),
    ]


def test_the_whole_tables_have_the_rate_too(shop: Desk) -> None:
    """Every table of the dashboard leads to all of its rows, with the same numbers."""
    declare(shop)
    chosen = "range=today&f=is,goal,Sign-up"
    for dimension in DIMENSION_TITLES:
        assert "<table" in shop.read(f"/sites/shop.example/by/{dimension}?{chosen}"), dimension
    told = plain(shop.read(f"/sites/shop.example/by/source?{chosen}"))
    google = len(set(SIGNED) & set(FROM_GOOGLE))
    assert re.search(rf"Google {google} {google} {google} .*? 50% 50%", told), (
        "visitors, visits, events; the rate, the share"
    )


def test_a_bookmark_of_a_goal_that_is_gone_opens_without_it(shop: Desk) -> None:
    """And where there is no goal, none is offered to filter by."""
    for page in ("/sites/shop.example?", "/sites/shop.example/by/source?"):
        for operator in ("is", "is_not"):
            assert "Goal is" not in shop.read(f"{page}range=today&f={operator},goal,Sign-up")
    offered = '<option value="goal">'
    assert offered not in shop.read("/sites/shop.example?range=today")
    declare(shop)
    assert offered in shop.read("/sites/shop.example?range=today")


def test_only_admins_declare(shop: Desk) -> None:
    """Others see what there is, without a form."""
    declare(shop)
    shop.user("viewer", "vera@shop.example")
    vera = shop.another()
    shop.log_in("vera@shop.example", browser=vera)
    text = vera.get("/sites/shop.example/goals").text
    assert "Sign-up" in text
    assert "Add a goal" not in text
    form = {"csrf": "x", "name": "Mine", "event": "mine"}
    assert vera.post("/sites/shop.example/goals", data=form).status_code == 403
