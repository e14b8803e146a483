"""Bytes of a beacon to a typed `Beacon`, or `Refused` with the status and the field that is at fault.

Limits of DESIGN's wire format are types here, so that one pass of the decoder checks them. Properties are checked
against the event's declaration (events.py). A refusal names field and place, never a value: values can be personal.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from event_catalogue.events import EVENT, EVENTS, MAX_EVENTS, MAX_PROP_TEXT, MAX_PROPS, EventKind, Prop, kind_of

_Text = Annotated[str, Meta(max_length=4096)]
_Short = Annotated[str, Meta(max_length=200)]
_Milliseconds = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]
_Pixels = Annotated[int, Meta(ge=0, le=100_000)]
_Size = Annotated[tuple[_Pixels, _Pixels], Meta()]


class Refused(Exception):
    """A body that can't be taken. `status` 400: not JSON or not an object; 413: too large; 422: a field is wrong."""

    def __init__(self, status: int, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}" if field else sentence)
        self.status = status
        self.field = field
        self.sentence = sentence


class Consent(Struct, frozen=True):
    """What the visitor chose on the site; None where that purpose was not asked."""

    statistics: bool | None = None
    ads: bool | None = None
    sale: bool | None = None
    version: Annotated[str, Meta(max_length=32)] = ""


class WireEvent(Struct, frozen=True):
    """One event as sent; `props` are still unchecked."""

    name: _Text
    at: _Milliseconds
    props: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<event {self.name}>"


class Beacon(Struct, frozen=True):
    """One message of the snippet (DESIGN §4). Printed it tells nothing: page, ids and texts can be personal."""

    v: Annotated[int, Meta(ge=1, le=1)]
    site: Annotated[str, Meta(min_length=1, max_length=64)]
    id: UUID
    url: Annotated[str, Meta(min_length=1, max_length=8192)]
    events: Annotated[list[WireEvent], Meta(min_length=1, max_length=MAX_EVENTS)]
    page: UUID | None = None
    sent: _Milliseconds | None = None
    build: Annotated[str, Meta(max_length=64)] = ""
    consent: Consent | None = None
    optout: bool = False
    gpc: bool = False
    gpp: bool = False
    visitor: UUID | None = None
    referrer: Annotated[str, Meta(max_length=8192)] = ""
    title: _Text = ""
    tz: Annotated[str, Meta(max_length=64)] = ""
    lang: Annotated[str, Meta(max_length=64)] = ""
    screen: _Size | None = None
    viewport: _Size | None = None
    plugins: Annotated[list[_Short], Meta(max_length=50)] = []

    def __repr__(self) -> str:
        return f"<beacon of {len(self.events)} events>"


class _Strict(Beacon, frozen=True, forbid_unknown_fields=True):
    """The fast way: only a beacon with unknown keys pays for counting them."""


class ServerBeacon(Beacon, frozen=True):
    """The same object sent by a server on a visitor's behalf; `ip` and `user_agent` are used and dropped."""

    ip: Annotated[str, Meta(max_length=64)] = ""
    user_agent: Annotated[str, Meta(max_length=2048)] = ""


class Props(NamedTuple):
    """Checked properties: columns of declared ones, and the site's own as names and values."""

    columns: dict[str, Any]
    keys: list[str]
    values: list[str]


_Kind = TypeVar("_Kind", bound=Beacon)

_STRICT: Final = msgspec.json.Decoder(_Strict)
_LENIENT: Final = msgspec.json.Decoder(Beacon)
_BATCH: Final = msgspec.json.Decoder(list[msgspec.Raw])
_SERVER: Final = msgspec.json.Decoder(ServerBeacon)
_ANY_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_HALF: Final = re.compile(rb"(\\\\|\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w)|\\u[dD][89a-fA-F]\w\w")
"""Half of a character as JSON escapes it; in the group what looks like one: a backslash's own escape, a whole one."""
_NAME: Final = re.compile(r"[a-z0-9_.:-]{1,64}\Z")
_PLACE: Final = re.compile(r"^(?P<what>.*?)(?: - at `\$?(?P<place>[^`]*)`)?$", re.DOTALL)
_MISSING: Final = re.compile(r"missing required field `([^`]+)`")


def decode_beacon(body: bytes) -> tuple[Beacon, int]:
    """The beacon in the body, and how many unknown top-level keys were ignored. Raises Refused.

    Browsers write half of a character where a text was cut, which is no Unicode: it is left out, once. In the snippet
    everybody would load the regular expression for it."""
    try:
        return _decoded(body)
    except Refused as refused:
        whole = _HALF.sub(rb"\1", body) if refused.status == 400 else body
        if whole == body:
            raise
    return _decoded(whole)


def _decoded(body: bytes) -> tuple[Beacon, int]:
    try:
        return _named(_STRICT.decode(body)), 0
    except msgspec.ValidationError as error:
        if "unknown field" not in str(error):
            raise _refusal(error) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise _not_json() from None
    return _lenient(body)


def decode_server_beacons(body: bytes, limit: int) -> list[ServerBeacon]:
    """The list of a server-side call. Raises Refused, the place in the list named."""
    try:
        raws = _BATCH.decode(body)
    except msgspec.ValidationError:
        raise Refused(422, "$", "must be a JSON list of beacons") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise _not_json() from None
    if not 1 <= len(raws) <= limit:
        raise Refused(422, "$", f"must hold 1 to {limit} beacons")
    return [_server_beacon(raw, place) for place, raw in enumerate(raws)]


def _server_beacon(raw: msgspec.Raw, place: int) -> ServerBeacon:
    try:
        return _named(_SERVER.decode(raw))
    except msgspec.ValidationError as error:
        refused = _refusal(error)
        raise Refused(422, f"[{place}].{refused.field}".rstrip("."), refused.sentence) from None
    except Refused as refused:
        raise Refused(422, f"[{place}].{refused.field}", refused.sentence) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise _not_json() from None


def _lenient(body: bytes) -> tuple[Beacon, int]:
    try:
        known = set(Beacon.__struct_fields__)
        return _named(_LENIENT.decode(body)), sum(key not in known for key in _ANY_OBJECT.decode(body))
    except msgspec.ValidationError as error:
        raise _refusal(error) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise _not_json() from None


def _named(beacon: _Kind) -> _Kind:
    """The beacon, if its events have names that events may have. A pattern in the type costs 0.5 µs for each."""
    for place, event in enumerate(beacon.events):
        if event.name not in EVENT and not _NAME.match(event.name):
            raise Refused(422, f"events[{place}].name", "must have 1 to 64 of a-z, 0-9 and _ . : -")
    return beacon


def _not_json() -> Refused:
    return Refused(400, "", "The body is not valid JSON in UTF-8.")


def _refusal(error: msgspec.ValidationError) -> Refused:
    """msgspec says what it expected and where, in a fixed form that holds types and places, never values."""
    match = _PLACE.match(str(error))
    what, place = (match["what"], match["place"] or "") if match else (str(error), "")
    missing = _MISSING.search(what)
    if missing:
        place = f"{place}.{missing[1]}"
        what = "is required"
    field = place.lstrip(".") or "$"
    if field == "$":
        return Refused(400, "", "The body must be a JSON object, as the wire format describes.")
    if what == "Invalid UUID":
        what = "must be a UUID, with or without dashes"
    return Refused(422, field, what[:1].lower() + what[1:] if what else "is not valid")


def check_props(name: str, props: Mapping[str, Any], place: int) -> Props:
    """The properties of event number `place`, checked against its declaration. Raises Refused, naming that place."""
    if not props and not _REQUIRED.get(name):
        return Props({}, [], [])
    kind = kind_of(name)
    where = f"events[{place}].props"
    if len(props) > MAX_PROPS:
        raise Refused(422, where, f"must hold at most {MAX_PROPS} properties")
    declared = _DECLARED.get(name, _DECLARED_CUSTOM)
    columns: dict[str, Any] = {}
    keys: list[str] = []
    values: list[str] = []
    for key, value in props.items():
        prop = declared.get(key)
        if prop is not None:
            if value is not None:
                columns[prop.field] = _CHECKS[prop.kind](value, f"{where}.{key}")
        else:
            text = _scalar(value, _own_key(key, where))
            keys.append(key)
            values.append(text)
    _check_required(kind, columns, where)
    return Props(columns, keys, values)


def _check_required(kind: EventKind, columns: Mapping[str, Any], where: str) -> None:
    for prop in kind.props:
        if prop.required and prop.field not in columns:
            raise Refused(422, f"{where}.{prop.name}", "is required")


def _own_key(key: str, where: str) -> str:
    if not 1 <= len(key) <= 64:
        raise Refused(422, where, "the name of a property must have 1 to 64 characters")
    return f"{where}.{key}" if key.isidentifier() else where


def _scalar(value: object, where: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value) if abs(value) < 1e18 else _wrong(where, "is too large a number")
    if value is None:
        return ""
    return _text(value, where)


def _wrong(where: str, sentence: str) -> str:
    raise Refused(422, where, sentence)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise Refused(422, where, "must be a text, a number or true/false")
    if len(value) > MAX_PROP_TEXT:
        raise Refused(422, where, f"must have at most {MAX_PROP_TEXT} characters")
    return value


def _number(value: object, where: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Refused(422, where, f"must be a number from {low:g} to {high:g}")
    return value


def _currency(value: object, where: str) -> str:
    if not isinstance(value, str) or len(value) != 3 or not (value.isascii() and value.isupper() and value.isalpha()):
        raise Refused(422, where, "must be three capital letters (ISO 4217)")
    return value


def _money(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 10**15:
        raise Refused(422, where, "must be a whole number of the currency's minor units")
    return value


_CHECKS: Final[dict[str, Any]] = {
    "text": _text,
    "count": lambda value, where: int(_number(value, where, -1, 2**31 - 1)),
    "percent": lambda value, where: int(_number(value, where, 0, 100)),
    "milliseconds": lambda value, where: int(_number(value, where, 0, 86_400_000)),
    "score": lambda value, where: round(_number(value, where, 0, 100) * 1000),
    "fraction": lambda value, where: round(_number(value, where, 0, 1) * 100),
    "status": lambda value, where: int(_number(value, where, 0, 999)),
    "money": _money,
    "currency": _currency,
}
_DECLARED: Final[dict[str, dict[str, Prop]]] = {kind.name: {prop.name: prop for prop in kind.props} for kind in EVENTS}
_DECLARED_CUSTOM: Final = {prop.name: prop for prop in kind_of("").props}
_REQUIRED: Final = {kind.name: any(prop.required for prop in kind.props) for kind in EVENTS}
