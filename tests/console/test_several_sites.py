"""Questions about several sites with one key: which it may read, whose days are meant, and what it is refused."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from control_store.key_sites import guests, open_also, shut_out
from control_store.setting_items import BadSetting
from control_store.sites import add_key
from control_store.snapshot import Site
from tests.console.desk import TODAY, Desk, counting_desk


class World(NamedTuple):
    """A shop, its blog in Tokyo, and a site of somebody else; a key that opens the first two."""

    desk: Desk
    shop: Site
    blog: Site
    other: Site
    key: str

    def ask(self, site_id: Any, key: str = "", **question: Any) -> httpx.Response:
        asked = {"site_id": site_id, "metrics": ["visitors", "pageviews"], "date_range": "7d", **question}
        return self.desk.browser.post(
            "/api/v1/query", json=asked, headers={"authorization": f"Bearer {key or self.key}"}
        )

    def numbers(self, site_id: Any, **question: Any) -> list[tuple[list[str], list[float]]]:
        answer = self.ask(site_id, **question)
        assert answer.status_code == 200, answer.text
        return [(row["dimensions"], row["metrics"]) for row in answer.json()["results"]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Sixteen views of the shop, nine of the blog; what is late in the evening in UTC is tomorrow in Tokyo."""
    with counting_desk(tmp_path_factory.mktemp("several")) as desk:
        shop, other = desk.site("shop.example"), desk.site("other.example")
        blog = desk.site("blog.example", "Asia/Tokyo")
        late = TODAY * 86_400_000 - 1_800_000
        desk.store_rows(shop, *({"visitor": bytes([n + 1]) * 16} for n in range(16)))
        desk.store_rows(shop, *({"visitor": bytes([n + 1]) * 16, "day": TODAY - 1, "at": late} for n in range(7)))
        desk.store_rows(blog, *({"visitor": bytes([n + 1]) * 16, "at": late} for n in range(9)))
        desk.store_rows(other, {"visitor": b"o" * 16})
        key = add_key(desk.store, shop, "stats", now=desk.now)
        open_also(desk.store, key, [blog, shop])
        yield World(desk, shop, blog, other, key)


@pytest.mark.req("D12", "D7")
@pytest.mark.parametrize("named", [["shop.example", "blog.example"], ["blog.example", 1, "shop.example"], "*"], ids=str)
def test_all_sites_of_a_key_in_one_question(world: World, named: Any) -> None:
    """As a list, by any of their names, or all that it opens; who was at both counts twice."""
    assert world.numbers(named) == [([], [32, 32])]
    assert world.ask(named).json()["meta"]["metric_warnings"] == {"visitors": "site_sum"}


@pytest.mark.req("D12")
def test_days_are_each_sites_own(world: World) -> None:
    """The same half hour is yesterday at the one and today at the other, and the answer says by which clocks."""
    by_day = world.numbers(["shop.example", "blog.example"], dimensions=["time:day"])
    assert by_day == [(["2025-11-23"], [7, 7]), (["2025-11-24"], [25, 25])]
    by_hour = world.numbers(["shop.example", "blog.example"], dimensions=["time:hour"])
    assert by_hour == [
        (["2025-11-23 23:00:00"], [7, 7]),
        (["2025-11-24 08:00:00"], [9, 9]),
        (["2025-11-24 12:00:00"], [16, 16]),
    ]
    sites = world.ask("*").json()["meta"]["sites"]
    assert [(one["site_id"], one["timezone"]) for one in sites] == [
        ("shop.example", "UTC"),
        ("blog.example", "Asia/Tokyo"),
    ]


@pytest.mark.req("D7", "D11")
@pytest.mark.parametrize(
    "named", [["shop.example", "other.example"], ["other.example"], "other.example", ["none.example"], [2]]
)
def test_a_key_opens_no_other_site(world: World, named: Any) -> None:
    """One that it does not open refuses the question whole, told like one that does not exist."""
    answer = world.ask(named)
    assert answer.status_code == 403
    assert "other.example" not in answer.text


@pytest.mark.req("D7")
def test_a_key_opens_each_of_its_sites_alone(world: World) -> None:
    """Its own and the others; a key of one site opens that one, also as a list and as all."""
    assert world.numbers("blog.example") == [([], [9, 9])]
    mine = add_key(world.desk.store, world.blog, "stats", now=world.desk.now)
    world.desk.now += 3_000
    assert world.ask("*", key=mine).json()["results"][0]["metrics"] == [9, 9]
    assert world.ask(["blog.example"], key=mine).json()["meta"]["metric_warnings"] == {"visitors": "daily_sum"}
    assert world.ask(["shop.example", "blog.example"], key=mine).status_code == 403


@pytest.mark.req("D7")
@pytest.mark.parametrize(
    "named", [[], [""], [None], [["shop.example"]], ["x"] * 101, {"a": 1}], ids=lambda one: str(one)[:20]
)
def test_what_is_no_list_of_sites_is_named(world: World, named: Any) -> None:
    """400, with the field."""
    answer = world.ask(named)
    assert (answer.status_code, answer.json()["field"]) == (400, "site_id")


@pytest.mark.req("D7")
def test_capabilities_are_of_one_site(world: World) -> None:
    """All of them together are refused with the reason."""
    headers = {"authorization": f"Bearer {world.key}"}
    answer = world.desk.browser.get("/api/v1/capabilities", params={"site_id": "*"}, headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (400, "site_id")


@pytest.mark.req("D7", "D9")
def test_a_site_can_shut_a_key_out(world: World) -> None:
    """It sees whose keys open it, and closes itself to one; the key's own site stays open. Only stats keys are such."""
    key = add_key(world.desk.store, world.shop, "stats", now=world.desk.now)
    open_also(world.desk.store, key, [world.other])
    world.desk.now += 3_000
    assert world.ask("other.example", key=key).status_code == 200
    [guest] = guests(world.desk.store, world.other)
    assert (guest.home, guest.hint) == ("shop.example", key[-4:])
    shut_out(world.desk.store, world.other, guest.id)
    world.desk.now += 3_000
    assert world.ask("other.example", key=key).status_code == 403
    assert world.ask("shop.example", key=key).status_code == 200
    sends = add_key(world.desk.store, world.shop, "events", now=world.desk.now)
    with pytest.raises(BadSetting, match="'stats'"):
        open_also(world.desk.store, sends, [world.blog])
