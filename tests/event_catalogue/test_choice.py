"""What a body of a choice means, what is refused and how, and what may lie on a device: as tables."""

from typing import Any
from uuid import UUID

import pytest

from event_catalogue.choice import COOKIE, COOKIES, Choice, ChoiceRecord, decode_choice, decode_choices, encode_choices
from event_catalogue.decode import Refused

DEVICE = "0f0e0d0c-0b0a-4900-8807-060504030201"
BLANK: dict[str, Any] = {
    "statistics": None,
    "ads": None,
    "sale": None,
    "optout": False,
    "gpc": False,
    "gpp": False,
    "version": "",
    "how": "api",
    "visitor": None,
    "receipt": None,
}


def meaning(choice: Choice) -> dict[str, Any]:
    """What differs from a choice that says nothing."""
    found = {name: getattr(choice, name) for name in BLANK}
    return {name: value for name, value in found.items() if value != BLANK[name]}


@pytest.mark.req("P3", "P5")
@pytest.mark.parametrize(
    ("body", "means"),
    [
        ('{"statistics":true}', {"statistics": True}),
        ('{"statistics":false,"ads":true,"sale":false}', {"statistics": False, "ads": True, "sale": False}),
        ('{"ads":false}', {"ads": False}),
        ('{"sale":true}', {"sale": True}),
        ('{"optout":true}', {"optout": True}),
        ('{"statistics":true,"gpc":true,"gpp":true}', {"statistics": True, "gpc": True, "gpp": True}),
        ('{"sale":false,"version":"3.1","how":"banner"}', {"sale": False, "version": "3.1", "how": "banner"}),
        ('{"ads":true,"version":"' + "v" * 32 + '"}', {"ads": True, "version": "v" * 32}),
        (
            f'{{"statistics":false,"visitor":"{DEVICE}","receipt":"{DEVICE.replace("-", "")}"}}',
            {"statistics": False, "visitor": UUID(DEVICE), "receipt": UUID(DEVICE)},
        ),
        ('{"statistics":true,"unheard of":1}', {"statistics": True}),
    ],
)
def test_json(body: str, means: dict[str, Any]) -> None:
    """Each field by itself and together."""
    assert meaning(decode_choice(body.encode(), form=False)) == means


@pytest.mark.req("P3", "P5")
@pytest.mark.parametrize(
    ("body", "means"),
    [
        ("choice=accept", {"statistics": True}),
        ("choice=decline", {"statistics": False, "ads": False, "sale": False}),
        ("choice=object", {"optout": True}),
        ("choice=decline&sale=true", {"statistics": False, "ads": False, "sale": True}),
        ("statistics=on&ads=off", {"statistics": True, "ads": False}),
        ("statistics=no&sale=yes", {"statistics": False, "sale": True}),
        ("statistics=true&ads=false", {"statistics": True, "ads": False}),
        ("optout=on", {"optout": True}),
        ("optout=no&ads=yes", {"ads": True}),
        ("sale=off&version=no", {"sale": False, "version": "no"}),
        ("ads=on&how=preferences", {"ads": True, "how": "preferences"}),
    ],
)
def test_forms(body: str, means: dict[str, Any]) -> None:
    """Buttons, and boxes as browsers and people write them; only purposes are switches."""
    assert meaning(decode_choice(body.encode(), form=True)) == {"how": "form"} | means


NOT_A_BODY = (400, "", "The body is neither valid JSON nor a form.")
NOTHING_SAID = (422, "statistics", "say true or false for one purpose at least, or optout")
NO_SWITCH = "must be true or false"
NO_UUID = "must be a UUID, with or without dashes"
HOWS = "must be banner, preferences, form, api, manager or link"


@pytest.mark.req("P3", "C5")
@pytest.mark.parametrize(
    ("body", "form", "said"),
    [
        (b"", False, NOT_A_BODY),
        (b"{", False, NOT_A_BODY),
        (b"\xff", False, NOT_A_BODY),
        (b'{"a":' * 5000, False, NOT_A_BODY),
        (b"statistics=\xff", True, NOT_A_BODY),
        ("&".join(f"f{n}=1" for n in range(21)).encode(), True, NOT_A_BODY),
        (b"[]", False, (400, "", "The body must be a JSON object.")),
        (b"7", False, (400, "", "The body must be a JSON object.")),
        (b"{}", False, NOTHING_SAID),
        (b"", True, NOTHING_SAID),
        (b"choice=whatever", True, NOTHING_SAID),
        (b'{"optout":false}', False, NOTHING_SAID),
        *((f'{{"{name}":"x"}}'.encode(), False, (422, name, NO_SWITCH)) for name in ("statistics", "ads", "sale")),
        *((f'{{"{name}":1}}'.encode(), False, (422, name, NO_SWITCH)) for name in ("optout", "gpc", "gpp")),
        (b"statistics=maybe", True, (422, "statistics", NO_SWITCH)),
        (b'{"ads":true,"how":"mail"}', False, (422, "how", HOWS)),
        (b'{"ads":true,"visitor":"x"}', False, (422, "visitor", NO_UUID)),
        (b'{"ads":true,"receipt":"x"}', False, (422, "receipt", NO_UUID)),
        *(
            (f'{{"ads":true,"version":"{text}"}}'.encode(), False, (422, "version", WRONG))
            for WRONG in ("must have at most 32 plain characters",)
            for text in ("v" * 33, "é", "3\\n")
        ),
    ],
)
def test_what_is_refused(body: bytes, form: bool, said: tuple[int, str, str]) -> None:  # noqa: FBT001  # a table's column
    """The status, the field, and what to do."""
    with pytest.raises(Refused) as refused:
        decode_choice(body, form=form)
    assert (refused.value.status, refused.value.field, refused.value.sentence) == said


@pytest.mark.req("P3")
def test_twenty_fields_are_no_flood() -> None:
    """One fewer than is refused."""
    body = "&".join(["ads=on", *(f"f{n}=1" for n in range(19))]).encode()
    assert meaning(decode_choice(body, form=True)) == {"ads": True, "how": "form"}


@pytest.mark.req("P8")
def test_printed_it_tells_nothing() -> None:
    """In a log or a traceback there is no id."""
    assert repr(Choice(statistics=True, visitor=UUID(DEVICE))) == str(Choice()) == "<choice of a visitor>"


@pytest.mark.req("P3")
def test_what_a_choice_leaves() -> None:
    """Written and read again; nobody can change it on the way."""
    records = [
        ChoiceRecord(1, "grant", 60_000, "3", statistics=True, ads=False, region="DE", how="banner", receipt=b"r" * 16),
        ChoiceRecord(2, "withdrawal", 0, returning=b"w" * 16),
    ]
    assert decode_choices(encode_choices(records)) == records
    with pytest.raises(AttributeError):
        records[0].site = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Choice().ads = True  # type: ignore[misc]


@pytest.mark.req("P4")
def test_what_may_lie_on_a_device() -> None:
    """PRIVACY_RULES: consent 13 months, a refusal half a year, objections longer; the notice prints these words."""
    grant = "`<number>:<version>:<day>:<purposes>`: random number of the grant's receipt, and what it is for"
    assert [tuple(cookie) for cookie in COOKIES] == [
        ("ff_id", 395, "a grant of statistics", "random id by which this site recognises the browser"),
        ("ff_receipt", 395, "a grant", grant),
        ("ff_choice", 182, "a refusal", "`d:<version>:<day>`, so that nobody is asked again; no id"),
        ("ff_sale", 400, "an opt-out of sale or sharing", "`o:<day>`; it does not lapse with the refusal"),
        ("ff_optout", 400, "an objection", "`o:<day>`, by a script `o`: nothing is sent any more"),
    ]
    assert {name: cookie.name for name, cookie in COOKIE.items()} == {cookie.name: cookie.name for cookie in COOKIES}
