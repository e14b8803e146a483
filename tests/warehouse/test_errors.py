"""What an error of the engine means for the caller."""

import pytest

from warehouse.errors import LATER, REFUSED, Broken, Rejected, TryLater, from_code


@pytest.mark.req("O3")
def test_every_code_has_one_meaning() -> None:
    """No code both blames the rows and asks for patience."""
    assert not set(LATER) & set(REFUSED)


@pytest.mark.req("O3")
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (None, TryLater),
        (0, TryLater),
        (241, TryLater),
        (243, TryLater),
        (159, TryLater),
        (319, TryLater),
        (469, Rejected),
        (53, Rejected),
        (60, Broken),
        (16, Broken),
        (516, Broken),
        (123456, Broken),
    ],
)
def test_the_kind_says_what_to_do_next(code: int | None, kind: type[Exception]) -> None:
    """Silence and pressure pass, poison does not, and what nobody foresaw stops the work."""
    error = from_code("Insert into events", code)
    assert type(error) is kind
    assert error.code == (code or 0)
    assert str(error).startswith("Insert into events: ")
