"""Questions of one page to the Stats API's layer: the same parser, the same plan, the same numbers as a script gets.

A page puts many questions; two at a time, so that one page can't take both places of the console for itself for long.
Equal questions of several people share a run. When the page's reader leaves, what still runs is cancelled.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from math import nan
from types import TracebackType
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from starlette.requests import Request

from console.sharing import Sharing
from console.stats.parse import parse
from console.stats.query import SiteRef
from console.stats.run import Answer, Statistics
from control_store.snapshot import Site
from event_catalogue.dimensions import OTHER

_AT_ONCE: Final = 2


class Row(NamedTuple):
    """One row of an answer: the values of its dimensions, and of its metrics."""

    names: tuple[str, ...]
    values: tuple[float, ...]
    """nan where a metric has no number."""

    @property
    def merged(self) -> bool:
        """Whether it stands for groups that were too small to be shown."""
        return OTHER in self.names


class Questions:
    """What one request asks; used as an asynchronous context."""

    def __init__(self, statistics: Statistics, sharing: Sharing, site: Site, now: int) -> None:
        self._statistics = statistics
        self._sharing = sharing
        kept = site.settings
        self.site = SiteRef(site.id, site.domain, site.timezone_at(now), kept.k, kept.counted_bots)
        self.local = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(self.site.timezone))
        """The moment of the request by the site's clock."""
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._gone: asyncio.Future[Any] | None = None

    def of(self, request: Request) -> "Questions":
        """Watch for the reader of this request to leave."""
        self._gone = asyncio.ensure_future(_disconnected(request))
        return self

    async def __aenter__(self) -> "Questions":
        if self._gone is None:
            self._gone = asyncio.get_running_loop().create_future()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._gone is not None:
            self._gone.cancel()

    async def ask(self, metrics: Sequence[str], date_range: str | list[str], **more: Any) -> Answer:
        """The answer to one question. Raises BadQuery, TryLater, Broken."""
        asked = {"site_id": self.site.domain, "metrics": list(metrics), "date_range": date_range, **more}
        query = parse(asked)
        gone = self._gone or asyncio.get_running_loop().create_future()
        async with self._places:
            answer: Answer = await self._sharing.result(
                (self.site, query),
                lambda query_id: self._statistics.answer(query, self.site, query_id=query_id),
                gone,
            )
        return answer

    async def totals(self, metrics: Sequence[str], date_range: str | list[str], **more: Any) -> dict[str, float]:
        """The metrics of one answer without dimensions, by name."""
        answer = await self.ask(metrics, date_range, **more)
        return dict(zip(metrics, answer["results"][0]["metrics"], strict=True))


def rows_of(answer: Answer) -> list[Row]:
    """The rows of an answer, merged ones last."""
    rows = [
        Row(tuple(row["dimensions"]), tuple(nan if one is None else one for one in row["metrics"]))
        for row in answer["results"]
    ]
    return sorted(rows, key=lambda row: row.merged)


def days_of(answer: Answer) -> tuple[date, date]:
    """First and last day that an answer is about."""
    first, last = answer["query"]["date_range"]
    return date.fromisoformat(first[:10]), date.fromisoformat(last[:10])


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
