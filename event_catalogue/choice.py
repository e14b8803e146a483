"""A visitor's choice: what a browser sends of it, what it leaves in the spool, and what may lie on the device after it.

A grant is remembered with a receipt, a refusal as a count, a withdrawal as a request that erasure takes up. No record
has a place for an address, an agent or a device id: `returning` is the keyed hash that rows carry.
"""

from typing import Annotated, Final, Literal, NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from event_catalogue.decode import Refused

How = Literal["banner", "preferences", "form", "api", "manager", "link"]
"""By which means a choice was made: the banner, its preferences, a page's form, the page's own code, another consent
manager, a link."""
What = Literal["grant", "refusal", "objection", "sale_optout", "withdrawal"]


class Choice(Struct, frozen=True):
    """The body of `POST /c/<site>`. Printed it tells nothing."""

    statistics: bool | None = None
    ads: bool | None = None
    sale: bool | None = None
    optout: bool = False
    gpc: bool = False
    gpp: bool = False
    version: Annotated[str, Meta(max_length=32, pattern=r"^[ -~]*\Z")] = ""
    how: How = "api"
    visitor: UUID | None = None
    """The device id of an earlier grant: what it opened is withdrawn where its purpose is refused now."""
    receipt: UUID | None = None
    """The receipt of that grant."""

    def __repr__(self) -> str:
        return "<choice of a visitor>"


class ChoiceRecord(Struct, array_like=True, frozen=True, gc=False):
    """One thing that a choice leaves in the spool. All but grants and withdrawals carry no id and no finer time than
    a day."""

    site: int
    what: What
    minute: int
    """Milliseconds since 1970, UTC, cut to the minute; for what is only counted to the day."""
    version: str = ""
    """Version of the notice that the visitor saw."""
    statistics: bool | None = None
    ads: bool | None = None
    sale: bool | None = None
    region: str = ""
    how: str = ""
    receipt: bytes = b""
    """16 random bytes: of the receipt that a grant makes, or that a withdrawal ends."""
    returning: bytes = b""
    """16 bytes of the rows that a withdrawal is about."""


class Cookie(NamedTuple):
    """One thing that may lie on a visitor's device, and only after a choice."""

    name: str
    days: int
    """For how long, counted from the choice; never prolonged by a later visit."""
    after: str
    """The choice that puts it there."""
    holds: str


COOKIES: Final = (
    Cookie("ff_id", 395, "a grant of statistics", "random id by which this site recognises the browser"),
    Cookie(
        "ff_receipt",
        395,
        "a grant",
        "`<number>:<version>:<day>:<purposes>`: random number of the grant's receipt, and what it is for",
    ),
    Cookie("ff_choice", 182, "a refusal", "`d:<version>:<day>`, so that nobody is asked again; no id"),
    Cookie("ff_sale", 400, "an opt-out of sale or sharing", "`o:<day>`; it does not lapse with the refusal"),
    Cookie("ff_optout", 400, "an objection", "`o:<day>`, by a script `o`: nothing is sent any more"),
)
COOKIE: Final = {cookie.name: cookie for cookie in COOKIES}

_JSON: Final = msgspec.json.Decoder(Choice)
_ENCODER: Final = msgspec.msgpack.Encoder()
_RECORDS: Final = msgspec.msgpack.Decoder(list[ChoiceRecord])
_SHORT: Final = {
    "accept": {"statistics": "true"},
    "decline": {"statistics": "false", "ads": "false", "sale": "false"},
    "object": {"optout": "true"},
}
"""What the buttons of a plain form mean: `<button name="choice" value="decline">`."""
_PURPOSES: Final = ("statistics", "ads", "sale")
_MOST_FIELDS: Final = 20


def decode_choice(body: bytes, *, form: bool) -> Choice:
    """The choice in a body, JSON or a plain form. Raises Refused, naming the field."""
    try:
        choice = msgspec.convert(_form(body), Choice, strict=False) if form else _JSON.decode(body)
    except msgspec.ValidationError as error:
        _, found, place = str(error).rpartition("`$.")
        field = place.split("`")[0]
        if not found:
            raise Refused(400, "", "The body must be a JSON object.") from None
        raise Refused(422, field, _FORMS.get(field, "is not valid")) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError):
        raise Refused(400, "", "The body is neither valid JSON nor a form.") from None
    if not choice.optout and choice.statistics is None and choice.ads is None and choice.sale is None:
        raise Refused(422, "statistics", "say true or false for one purpose at least, or optout")
    return choice


_FORMS: Final = {
    "version": "must have at most 32 plain characters",
    "how": "must be banner, preferences, form, api, manager or link",
    "visitor": "must be a UUID, with or without dashes",
    "receipt": "must be a UUID, with or without dashes",
    **dict.fromkeys(("statistics", "ads", "sale", "optout", "gpc", "gpp"), "must be true or false"),
}


def _form(body: bytes) -> dict[str, str]:
    pairs = dict(parse_qsl(body.decode(), max_num_fields=_MOST_FIELDS))
    fields = _SHORT.get(pairs.pop("choice", ""), {}) | {"how": "form"} | pairs
    switches = {"on": "true", "yes": "true", "off": "false", "no": "false"}
    return {name: switches.get(text, text) if name in _SWITCHES else text for name, text in fields.items()}


_SWITCHES: Final = frozenset((*_PURPOSES, "optout"))


def encode_choices(records: list[ChoiceRecord]) -> bytes:
    """What one choice leaves, as the spool holds it."""
    return _ENCODER.encode(records)


def decode_choices(body: bytes) -> list[ChoiceRecord]:
    """What `encode_choices` wrote. Raises msgspec.DecodeError."""
    return _RECORDS.decode(body)
