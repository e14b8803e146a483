"""Goals and funnels of a site: what there are, what they bring, and how they are declared."""

import asyncio
from typing import Final, NamedTuple

from starlette.responses import Response

from console.pages.desk import Ask, go
from console.pages.formats import in_unit, percent, whole
from console.pages.questions import Questions, rows_of
from control_store.goals import add_funnel, add_goal, aims_of, list_goals, remove_funnel, remove_goal
from control_store.setting_items import BadSetting
from control_store.snapshot import Site
from event_catalogue.dimensions import FUNNEL
from event_catalogue.goals import MOST_STEPS, Funnel, Goal
from event_catalogue.metrics import METRIC

_RANGE: Final = "28d"
_METRICS: Final = ("visitors", "events", "conversion_rate")


class Reached(NamedTuple):
    """One goal with what it brought in the last 28 days, in words."""

    goal: Goal
    by: str
    cells: tuple[str, ...]
    link: str


class Step(NamedTuple):
    """How many visits came to a step of a funnel."""

    name: str
    visits: str
    of_first: str
    of_before: str
    bar: str


class Walked(NamedTuple):
    """A funnel with its steps; none where nobody began it."""

    funnel: Funnel
    steps: tuple[Step, ...]


async def goal_names(ask: Ask, site: Site) -> frozenset[str]:
    """What the goals of a site are called."""
    return frozenset(goal.name for goal in await asyncio.to_thread(list_goals, ask.desk.shop.store, site.id))


async def goals(ask: Ask) -> Response:
    """What the site waits for."""
    return await _page(ask)


async def declare_goal(ask: Ask) -> Response:
    """Add a goal, or change the one of the same name."""
    site, form = ask.site(), ask.form
    named = {key: form.get(key, "").strip() for key in ("name", "event", "prop", "value", "page")}
    depth = form.get("scroll", "").strip() or "0"
    scroll = int(depth) if depth.isascii() and depth.isdigit() and len(depth) < 4 else -1  # what can't be is refused
    goal = Goal(**named, scroll=scroll)
    try:
        await asyncio.to_thread(add_goal, ask.desk.shop.store, site, goal, now=ask.desk.shop.clock())
    except BadSetting as refused:
        return await _page(ask, str(refused), status=422)
    await ask.note("settings", site=site.domain, subject=f"goal {goal.name}")
    return go(f"/sites/{site.domain}/goals")


async def declare_funnel(ask: Ask) -> Response:
    """Add a funnel, or change the one of the same name."""
    site, form = ask.site(), ask.form
    steps = tuple(step for place in range(1, MOST_STEPS + 1) if (step := form.get(f"step-{place}", "")))
    funnel = Funnel(form.get("name", "").strip(), steps, form.get("strict") == "true")
    try:
        await asyncio.to_thread(add_funnel, ask.desk.shop.store, site, funnel, now=ask.desk.shop.clock())
    except BadSetting as refused:
        return await _page(ask, str(refused), status=422)
    await ask.note("settings", site=site.domain, subject=f"funnel {funnel.name}")
    return go(f"/sites/{site.domain}/goals")


async def drop(ask: Ask) -> Response:
    """Count a goal or a funnel no more; sealed days keep what they have."""
    site, store = ask.site(), ask.desk.shop.store
    kind, remove = ("funnel", remove_funnel) if ask.form.get("funnel") else ("goal", remove_goal)
    name = ask.form.get(kind, "")
    try:
        await asyncio.to_thread(remove, store, site, name)
    except BadSetting as refused:
        return await _page(ask, str(refused), status=422)
    await ask.note("settings", site=site.domain, subject=f"{kind} {name}")
    return go(f"/sites/{site.domain}/goals")


async def _page(ask: Ask, sentence: str = "", *, status: int = 200) -> Response:
    site, shop = ask.site(), ask.desk.shop
    await ask.note_reading(site)
    async with Questions(ask.desk.statistics, shop.sharing, site, shop.clock()).of(ask.request) as questions:
        aims = await asyncio.to_thread(aims_of, shop.store, site.id)
        reached = await _reached(questions, site, aims.goals) if aims.goals else ()
        walked = [await _walked(questions, funnel) for funnel in aims.funnels]
    return ask.render(
        "goals.html",
        status=status,
        section="goals",
        site=site,
        sentence=sentence,
        form=ask.form if sentence else {},
        goals=reached,
        funnels=walked,
        most_steps=MOST_STEPS,
        may_change=ask.role == "admin",
    )


async def _reached(questions: Questions, site: Site, goals: tuple[Goal, ...]) -> tuple[Reached, ...]:
    answer = await questions.ask(_METRICS, _RANGE, dimensions=["event:goal"])
    found = {row.names[0]: row.values for row in rows_of(answer)}
    nothing = (0.0,) * len(_METRICS)
    return tuple(
        Reached(
            goal,
            reached_by(goal),
            tuple(
                in_unit(METRIC[metric].unit, value)
                for metric, value in zip(_METRICS, found.get(goal.name, nothing), strict=True)
            ),
            f"/sites/{site.domain}",
        )
        for goal in goals
    )


def reached_by(goal: Goal) -> str:
    """What reaches a goal, in words."""
    where = f" on {goal.page}" if goal.page else ""
    if goal.scroll:
        return f"{goal.scroll} % of the page seen{where}"
    if not goal.event:
        return f"a view of {goal.page}"
    told = f" with {goal.prop} = {goal.value}" if goal.value else f" with {goal.prop}" if goal.prop else ""
    return f"the event {goal.event}{told}{where}"


async def _walked(questions: Questions, funnel: Funnel) -> Walked:
    answer = await questions.ask(["visits"], _RANGE, dimensions=[FUNNEL + funnel.name])
    found = {row.names[0]: row.values[0] for row in rows_of(answer)}
    numbers = [found.get(label, 0) for label in funnel.labels]
    first = numbers[0]
    return Walked(
        funnel,
        tuple(
            Step(
                label,
                whole(number),
                percent(number, first),
                percent(number, numbers[place - 1]) if place else "",
                f"{100 * number / first:.2f}%",
            )
            for place, (label, number) in enumerate(zip(funnel.labels, numbers, strict=True))
        )
        if first
        else (),
    )
