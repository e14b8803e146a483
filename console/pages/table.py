"""One table in full: every value of a dimension with the metrics beside it, page by page."""

from typing import Final

from starlette.responses import Response

from console.pages.desk import Ask, Forbidden
from console.pages.formats import days_text
from console.pages.goals import goal_names
from console.pages.panels import PANELS, TABS, Tab, make_table
from console.pages.questions import Questions, days_of, rows_of
from console.pages.view import DIMENSION_TITLES, RANGES, may_see, read_view
from console.stats.query import BadQuery

_ROWS: Final = 100
_METRICS: Final = {
    "event": ("visitors", "visits", "pageviews", "events"),
    "visit": ("visitors", "visits", "pageviews", "bounce_rate", "visit_duration"),
}
_WITHOUT: Final = {tab.dimension: tab.without for panel in PANELS for tab in panel.tabs}


async def table(ask: Ask) -> Response:
    """All values of the dimension that the address names. Raises BadQuery, Forbidden."""
    shop, site = ask.desk.shop, ask.site()
    dimension = ask.request.path_params["dimension"]
    if dimension not in DIMENSION_TITLES:
        raise BadQuery("dimensions", "There is no table of this name.")
    if not may_see(dimension, ask.role):
        raise Forbidden("Texts that visitors or pages can choose are for admins and privacy officers.")
    await ask.note_reading(site)
    number = ask.request.query_params.get("page", "1")
    page = max(1, min(int(number), 10_000)) if number.isascii() and number.isdigit() else 1
    goals = await goal_names(ask, site)
    view = read_view(ask.request.query_params, TABS, role=ask.role, default="28d", places=ask.places, goals=goals)
    metrics = _METRICS["event" if dimension in ("path", "name") else "visit"]
    tab = Tab(dimension, DIMENSION_TITLES[dimension], metrics, _WITHOUT.get(dimension, ())).of(view)
    async with Questions(ask.desk.statistics, shop.sharing, site, shop.clock()).of(ask.request) as questions:
        span = view.date_range(questions.local.date())
        filters = view.question()
        totals = await questions.totals(tab.metrics[:1], span, filters=filters)
        answer = await questions.ask(
            tab.metrics,
            span,
            dimensions=[dimension],
            filters=tab.question(view),
            pagination={"limit": _ROWS, "offset": (page - 1) * _ROWS},
            include={"total_rows": True},
        )
    rows = rows_of(answer)
    made = make_table(tab, rows, view, whole_of=totals[tab.metrics[0]], total=answer["meta"]["total_rows"])
    panel = next((one for one in PANELS if any(tab.dimension == dimension for tab in one.tabs)), None)
    return ask.render(
        "table.html",
        section="dashboard",
        site=site,
        view=view,
        table=made,
        title=panel.title if panel else DIMENSION_TITLES[dimension],
        dimension=dimension,
        ranges=RANGES,
        dates=days_text(*days_of(answer)),
        timezone=questions.site.timezone,
        page=page,
        pages=max(1, -(-made.total // _ROWS)),
        first_row=(page - 1) * _ROWS + 1,
        places=panel is not None and panel.places,
        credit=shop.settings.credit,
    )
