"""A funnel in one answer: of all visits of a question how many come to each step, and which share that is."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from console.stats.names import shown
from console.stats.parse import parse
from console.stats.query import Asked, BadQuery, Order, Query
from event_catalogue.dimensions import FUNNEL, funnel_dimension
from event_catalogue.goals import Aims, Funnel
from event_catalogue.metrics import METRIC

KEYS: Final = ("site_id", "funnel", "date_range", "filters")
Ask = Callable[[Query], Mapping[str, Any]]


def funnel_question(value: object) -> tuple[Query, str]:
    """The question in a decoded JSON object, and the funnel that it names. Raises BadQuery."""
    if not isinstance(value, dict):
        raise BadQuery("body", "A question is a JSON object with `site_id`, `funnel` and `date_range`.")
    for key in value:
        if key not in KEYS:
            raise BadQuery(shown(key), f"There is no key {shown(key)}; there are {', '.join(KEYS)}.")
    name = value.get("funnel")
    if not isinstance(name, str) or not name:
        raise BadQuery("funnel", "`funnel` is the name of a funnel of the site.")
    asked = {key: part for key, part in value.items() if key != "funnel"}
    query = parse({"metrics": ["visits", "visitors"], "date_range": "30d", **asked})
    if query.site_ids:
        raise BadQuery("site_id", "A funnel is of one site.")
    return query, name


def funnel_steps(query: Query, name: str, aims: Aims, ask: Ask) -> dict[str, Any]:
    """The answer: a row for each step, those that nobody came to included. Raises BadQuery."""
    funnel = next((one for one in aims.funnels if one.name == name), None)
    if funnel is None:
        raise BadQuery("funnel", f"The site has no funnel {shown(name)}.")
    dimension = Asked(FUNNEL + name, funnel_dimension(name))
    order = (Order(dimension.name, "asc"),)
    answer = ask(replace(query, dimensions=(dimension,), order_by=order))
    whole = ask(replace(query, metrics=(METRIC["visits"],), order_by=()))
    [everybody] = whole["results"]
    found = {row["dimensions"][0]: row["metrics"] for row in answer["results"]}
    meta = answer["meta"]
    # Where seals withhold a step, nobody knows that nobody came to it.
    nothing = None if "withheld" in meta.get("goals", {}).get(name, {}) else 0
    numbers = [found.get(label, [nothing, nothing]) for label in funnel.labels]
    return {
        "funnel": {"name": funnel.name, "strict": funnel.strict},
        "visits": everybody["metrics"][0],
        "steps": _steps(funnel, numbers),
        "meta": {
            "quality": meta["quality"],
            "quality_of_visits": whole["meta"]["quality"]["visits"],
            **{key: meta[key] for key in ("metric_warnings", "goals") if key in meta},
        },
        "query": {key: answer["query"][key] for key in ("site_id", "date_range", "filters")},
    }


def _steps(funnel: Funnel, numbers: list[list[Any]]) -> list[dict[str, Any]]:
    visits = [pair[0] for pair in numbers]
    return [
        {
            "step": place + 1,
            "goal": goal,
            "visits": numbers[place][0],
            "visitors": numbers[place][1],
            "of_first": _share(visits[place], visits[0]),
            "of_previous": _share(visits[place], visits[max(place - 1, 0)]),
        }
        for place, goal in enumerate(funnel.steps)
    ]


def _share(part: int | None, of: int | None) -> float | None:
    return None if part is None or not of else round(100 * part / of, 2)
