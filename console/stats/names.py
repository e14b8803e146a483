"""Names that a reader may use, looked up in the catalogue; an unknown one is refused with the nearest that exists."""

import difflib
from collections.abc import Iterable

from console.stats.query import Asked, BadQuery
from event_catalogue.dimensions import DIMENSION, FUNNEL, NAMED, PROPS, funnel_dimension, property_dimension
from event_catalogue.events import MAX_PROP_TEXT
from event_catalogue.metrics import METRIC, Metric


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like this one."""
    candidates = list(known)
    # A plain name must find its prefixed form too: `sorce` is nearer to `source` than to `visit:source`.
    return difflib.get_close_matches(name[:100], candidates, n=1, cutoff=0.0)[0]


def unknown(field: str, kind: str, name: object, known: Iterable[str]) -> BadQuery:
    """The refusal of a name that does not exist."""
    if not isinstance(name, str):
        return BadQuery(field, f"A {kind} is named by a text, such as {nearest('', known)!r}.")
    return BadQuery(field, f"There is no {kind} {shown(name)}; the nearest is {nearest(name, known)!r}.")


def shown(value: object) -> str:
    """A value from outside, short enough for a sentence."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def asked_metric(field: str, name: object) -> Metric:
    """The metric of that name. Raises BadQuery."""
    if isinstance(name, str) and name in METRIC:
        return METRIC[name]
    raise unknown(field, "metric", name, METRIC)


def asked_dimension(field: str, name: object) -> Asked:
    """The dimension that answers to that name, own properties included. Raises BadQuery."""
    if isinstance(name, str) and name in DIMENSION:
        return Asked(name, DIMENSION[name])
    if isinstance(name, str) and name in NAMED:
        return Asked(name, DIMENSION[NAMED[name]], named=True)
    if isinstance(name, str) and name.startswith(PROPS) and 0 < len(name) - len(PROPS) <= MAX_PROP_TEXT:
        return Asked(name, property_dimension(sound_text(field, name).removeprefix(PROPS)))
    if isinstance(name, str) and name.startswith(FUNNEL) and len(name) > len(FUNNEL):
        return Asked(name, funnel_dimension(sound_text(field, name).removeprefix(FUNNEL)))
    raise unknown(field, "dimension", name, (*DIMENSION, *NAMED))


def sound_text(field: str, value: str) -> str:
    """The text, if it can be sent to the warehouse. Raises BadQuery on half a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadQuery(field, "A text holds half a character (a lone surrogate).") from None
    return value
