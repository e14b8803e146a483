"""How it is counted: every metric in a sentence, from the catalogue, and where other tools count differently."""

from typing import Final

from starlette.responses import Response

from console.pages.desk import Ask
from console.pages.view import METRIC_TITLES
from event_catalogue.metrics import ENGAGED_MS, METRICS, VISIT, VISIT_GAP_MS

ELSEWHERE: Final = {
    "visitors": "Plausible adds daily visitors up too, and calls them unique. GA4 and Matomo recognise browsers by a "
    "cookie, where it is allowed.",
    "visits": "Plausible, GA4 and Matomo cut after 30 minutes without an event, too. GA4 lets a visit go on over "
    "midnight.",
    "bounce_rate": "GA4 means the same. In Plausible and Matomo a visit bounces when it has one page view, however "
    "long it took: that is the single-page rate here.",
    "engagement_rate": "GA4 means the same.",
    "single_page_rate": "Plausible and Matomo call this the bounce rate.",
    "visit_duration": "From the first to the last event in Plausible and Matomo, too. GA4 shows the time in front.",
}


async def how_counted(ask: Ask) -> Response:
    """The page of definitions."""
    return ask.render(
        "how_counted.html",
        metrics=[
            (one.name, METRIC_TITLES.get(one.name, one.name), one.definition, ELSEWHERE.get(one.name, ""))
            for one in METRICS
        ],
        visit=VISIT,
        gap=VISIT_GAP_MS // 60_000,
        engaged=ENGAGED_MS // 1000,
    )
