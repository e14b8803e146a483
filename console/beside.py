"""What stands beside a site's numbers, for scripts: its goals and funnels, its segments and its annotations.

`GET` lists, `POST` adds, `PUT` replaces, `DELETE` removes. A personal segment is the key's that made it: no other key
sees it. What changes something is in the audit log.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.access import Access
from console.api import guarded, json_answer, problem, read_body
from console.stats.filters import parse_filters
from console.stats.names import shown, sound_text
from console.stats.parse import decoded
from console.stats.plan import EPOCH, day_number
from console.stats.query import BadQuery
from console.stats.segments import names_segments
from control_store.annotations import (
    Annotation,
    add_annotation,
    change_annotation,
    list_annotations,
    remove_annotation,
)
from control_store.audit import Entry, note
from control_store.goals import aims_of
from control_store.segments import Draft, Segment, add_segment, change_segment, list_segments, remove_segment
from control_store.setting_items import BadSetting
from control_store.sites import mark_key_used
from control_store.snapshot import ApiKey, Site
from control_store.tables import ControlStore

_DAY_MS: Final = 86_400_000
_LAST_DAY: Final = date(2149, 6, 5)
"""Days are kept in 16 bits."""


class _Call(NamedTuple):
    """One request of a key about one of its sites."""

    key: ApiKey
    site: Site
    body: dict[str, Any]
    number: str
    """Of the segment or annotation that the address names; empty: none."""


class _Missing(Exception):
    """There is no such segment or annotation."""


Answering = Callable[[_Call], Response]


class Beside:
    """The handlers of these routes."""

    def __init__(self, store: ControlStore, access: Access) -> None:
        self._store = store
        self._access = access
        self._clock = access.clock

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/api/v1/goals", self._of({"GET": self._goals})),
            Route("/api/v1/funnels", self._of({"GET": self._funnels})),
            Route(
                "/api/v1/segments",
                self._of({"GET": self._segments, "POST": self._add_segment}),
                methods=["GET", "POST"],
            ),
            Route(
                "/api/v1/segments/{number}",
                self._of({"GET": self._segment, "PUT": self._change_segment, "DELETE": self._remove_segment}),
                methods=["GET", "PUT", "DELETE"],
            ),
            Route(
                "/api/v1/annotations",
                self._of({"GET": self._annotations, "POST": self._add_annotation}),
                methods=["GET", "POST"],
            ),
            Route(
                "/api/v1/annotations/{number}",
                self._of({"GET": self._annotation, "PUT": self._change_annotation, "DELETE": self._remove_annotation}),
                methods=["GET", "PUT", "DELETE"],
            ),
        ]

    def _of(self, ways: dict[str, Answering]) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint that answers each method by its own function."""

        async def handle(request: Request) -> Response:
            return await guarded(self._answer(request, ways.get(request.method, ways["GET"])))

        return handle

    async def _answer(self, request: Request, answering: Answering) -> Response:
        key = self._access.key(request.headers.get("authorization", ""))
        if request.method in ("GET", "HEAD", "DELETE"):
            body: dict[str, Any] = dict(request.query_params)
        else:
            body = _object(await read_body(request))
        name = body.pop("site_id", None)
        if isinstance(name, bool) or not isinstance(name, str | int) or not str(name):
            raise BadQuery("site_id", "`site_id` is the site's id, key or domain.")
        site = self._access.site(key, sound_text("site_id", str(name)))
        call = _Call(key, site, body, request.path_params.get("number", ""))
        try:
            return await asyncio.to_thread(answering, call)
        except BadSetting as bad:
            return problem(400, str(bad), field="body")
        except _Missing:
            return problem(404, "There is no such thing, or it is personal to another key.")

    def _goals(self, call: _Call) -> Response:
        _known(call, ())
        goals = aims_of(self._store, call.site.id).goals
        return json_answer({"goals": [{"name": goal.name, **_reached_by(goal._asdict())} for goal in goals]})

    def _funnels(self, call: _Call) -> Response:
        _known(call, ())
        funnels = aims_of(self._store, call.site.id).funnels
        return json_answer(
            {"funnels": [{"name": one.name, "steps": one.steps, "strict": one.strict} for one in funnels]}
        )

    def _segments(self, call: _Call) -> Response:
        _known(call, ())
        return json_answer({"segments": list(map(_told, list_segments(self._store, call.site.id, call.key.digest)))})

    def _segment(self, call: _Call) -> Response:
        _known(call, ())
        return json_answer(_told(self._segment_of(call)))

    def _add_segment(self, call: _Call) -> Response:
        draft = _draft(call, Draft("", []))
        made = add_segment(self._store, call.site.id, call.key.digest, draft, now=self._clock())
        self._note(call, f"segment {made.name}")
        return json_answer(_told(made), 201)

    def _change_segment(self, call: _Call) -> Response:
        old = self._segment_of(call)
        draft = _draft(call, Draft(old.name, old.filters, old.is_personal))
        new = change_segment(self._store, call.site.id, call.key.digest, old, draft, now=self._clock())
        self._note(call, f"segment {new.name}")
        return json_answer(_told(new))

    def _remove_segment(self, call: _Call) -> Response:
        _known(call, ())
        old = self._segment_of(call)
        remove_segment(self._store, call.site.id, old)
        self._note(call, f"segment {old.name}")
        return Response(status_code=204)

    def _segment_of(self, call: _Call) -> Segment:
        for one in list_segments(self._store, call.site.id, call.key.digest):
            if str(one.id) == call.number:
                return one
        raise _Missing

    def _annotations(self, call: _Call) -> Response:
        _known(call, ("from", "to"))
        first, last = _day(call.body.get("from", EPOCH.isoformat())), _day(call.body.get("to", _LAST_DAY.isoformat()))
        return json_answer({"annotations": list(map(_noted, list_annotations(self._store, call.site.id, first, last)))})

    def _annotation(self, call: _Call) -> Response:
        _known(call, ())
        return json_answer(_noted(self._annotation_of(call)))

    def _add_annotation(self, call: _Call) -> Response:
        _known(call, ("date", "text"))
        day, text = _day(call.body.get("date")), _text(call.body.get("text"))
        made = add_annotation(self._store, call.site.id, day, text, now=self._clock())
        self._note(call, f"annotation of {call.body['date']}")
        return json_answer(_noted(made), 201)

    def _change_annotation(self, call: _Call) -> Response:
        _known(call, ("date", "text"))
        old = self._annotation_of(call)
        day = _day(call.body["date"]) if "date" in call.body else old.day
        text = _text(call.body["text"]) if "text" in call.body else old.text
        new = change_annotation(self._store, call.site.id, old, day=day, text=text)
        self._note(call, f"annotation of {_date(new.day)}")
        return json_answer(_noted(new))

    def _remove_annotation(self, call: _Call) -> Response:
        _known(call, ())
        old = self._annotation_of(call)
        remove_annotation(self._store, call.site.id, old)
        self._note(call, f"annotation of {_date(old.day)}")
        return Response(status_code=204)

    def _annotation_of(self, call: _Call) -> Annotation:
        for one in list_annotations(self._store, call.site.id):
            if str(one.id) == call.number:
                return one
        raise _Missing

    def _note(self, call: _Call, subject: str) -> None:
        hint = mark_key_used(self._store, call.key.digest, day=self._clock() // _DAY_MS)
        note(self._store, Entry(self._clock(), f"key …{hint}", "settings", call.site.domain, subject))


def _object(body: bytes) -> dict[str, Any]:
    value = decoded(body)
    if not isinstance(value, dict):
        raise BadQuery("body", "What is sent is a JSON object with `site_id`.")
    return value


def _known(call: _Call, names: tuple[str, ...]) -> None:
    for name in call.body:
        if name not in names:
            raise BadQuery(
                shown(name), f"There is no key {shown(name)} here; there are {', '.join(('site_id', *names))}."
            )


def _draft(call: _Call, old: Draft) -> Draft:
    """What a segment should be; what is not said stays as it is. Raises BadQuery."""
    _known(call, ("name", "type", "filters"))
    kind = call.body.get("type", "personal" if old.is_personal else "site")
    if kind not in ("personal", "site"):
        raise BadQuery("type", f'A segment is "personal" or "site", not {shown(kind)}.')
    filters = call.body.get("filters", old.filters)
    tree = parse_filters(filters)
    if not tree.parts:
        raise BadQuery("filters", "A segment has at least one filter.")
    if names_segments(tree):
        raise BadQuery("filters", "A segment can't be made of segments: write their filters out.")
    return Draft(_text(call.body.get("name", old.name), "name"), filters, kind == "personal")


def _text(value: object, field: str = "text") -> str:
    if not isinstance(value, str):
        raise BadQuery(field, f"`{field}` is a text, not {shown(value)}.")
    return sound_text(field, value)


def _day(value: object) -> int:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        day = None
    if day is None or not EPOCH <= day <= _LAST_DAY:
        raise BadQuery("date", f"A day is written as 2025-01-31, not {shown(value)}.")
    return day_number(day)


def _date(day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat()


def _reached_by(goal: dict[str, Any]) -> dict[str, Any]:
    words = {"event": "event", "prop": "property", "value": "value", "page": "page", "scroll": "scroll"}
    return {word: goal[name] for name, word in words.items() if goal[name]}


def _told(segment: Segment) -> dict[str, Any]:
    return {
        "id": segment.id,
        "name": segment.name,
        "type": "personal" if segment.is_personal else "site",
        "filters": segment.filters,
        "created": segment.created,
        "changed": segment.changed,
    }


def _noted(annotation: Annotation) -> dict[str, Any]:
    return {
        "id": annotation.id,
        "date": _date(annotation.day),
        "text": annotation.text,
        "created": annotation.created,
    }
