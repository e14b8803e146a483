"""Personal data in disguise: look-alikes, hidden signs, odd gaps and codings of other tools hide nothing."""

from typing import Final

import pytest

from collector.scrub import Scrubber

ADDRESSES: Final = (
    "john.doe＠example.org", "john.doe﹫example.org", "john\u2024doe@example\u2024org", "john.doe@example。org", "john.doe@example｡org",
    "john.doe@example．org", "ｊｏｈｎ@example.org", "𝐣𝐨𝐡𝐧@𝐞𝐱𝐚𝐦𝐩𝐥𝐞.𝐨𝐫𝐠", "ⓙⓞⓗⓝ@example.org", "jo\u200bhn@exa\u200dmple.org", "jo\u2060hn@example.org",
    "jo\u00adhn@exam\u00adple.org", "jo\u034fhn@example.org", "john\u061c@example.org", "john\u115f@example.org", "john\u17b4@example.org",
    "john\u180e@example.org", "john\u2800@example.org", "john\u3164@example.org", "john\uffa0@example.org", "jo\ufe0fhn@example.org",
    "jo\U000e0100hn@exa\U000e0100mple.org", "john\U000e0041@example.org", "\u202ejohn@example.org", "john@e\u0301xample.org", "jo\u0301hn@example.org",
    "john.doe @ example.org", "john.doe@ example.org", "john.doe @example.org", "john.doe\u00a0@example.org", "john.doe\u2028@example.org",
    "john @ gmail.com", "john@ gmx.ch", "john.doe\t@example.org", "jo\x00hn@example.org", "john@exa\x07mple.org", "john.doe+@+example.org",
    "john [at] example [dot] org", "john(at)example(dot)org", "john{AT}example{DOT}org", "john@[192.0.2.1]", "john@[2001:db8::1]",
    '"john doe"@example.org', "john%40example.org", "john%2540example.org", "john%252540example.org", "john%u0040example.org", "john\\u0040example.org",
    "john\\x40example.org", "john&#64;example.org", "john&#x40;example.org", "john&amp;#64;example.org", "john&amp;amp;#64;example.org",
    "john&commat;example.org", "john%26%2364%3Bexample.org", "%6A%6F%68%6E%40%65%78%61%6D%70%6C%65%2E%6F%72%67", "john%EF%BC%A0example.org",
    "am9obi5kb2VAZXhhbXBsZS5vcmc=", "jоhn@exаmple.org", "mailto:john@example.org?subject=x", "<john@example.org>", "JOHN@EXAMPLE.ORG",
)  # fmt: skip
PIECES: Final = ("john", "jоhn", "doe", "example", "am9obi", "gmail", "gmx")


@pytest.mark.req("P8")
@pytest.mark.parametrize("address", ADDRESSES)
def test_no_disguise_hides_a_mail_address(address: str) -> None:
    """In a text, a path and a value: neither name nor host is left."""
    scrubber = Scrubber()
    for clean in (
        scrubber.scrub_text(f"Hello {address} again"),
        scrubber.scrub_path(f"/u/{address}/edit"),
        scrubber.scrub_value(address),
        scrubber.scrub_campaign(address),
    ):
        assert not any(piece in str(clean).casefold() for piece in PIECES), clean


@pytest.mark.req("P8")
@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("4111  1111  1111  1111", "[card]"),
        ("4111*1111*1111*1111", "[card]"),
        ("4111|1111|1111|1111", "[card]"),
        ("4111+1111+1111+1111", "[card]"),
        ("4111:1111:1111:1111", "[card]"),
        ("3782/822463/10005", "[card]"),
        ("4111\\1111\\1111\\1111", "[card]"),
        ("4111\n1111\n1111\n1111", "[card]"),
        ("４１１１１１１１１１１１１１１１", "[card]"),
        ("4１1１1１1１1１1１1１1１", "[card]"),
        ("4111*1111*1111*1112", "4111*1111*1111*1112"),
        ("079  123  45  67", "[phone]"),
        ("+४१७९१२३४५६७", "[phone]"),
        ("DE89  3704  0044  0532  0130  00", "[iban]"),
        ("DE89/3704/0044/0532/0130/00", "[iban]"),
        ("D\u200bE89370400440532013000", "[iban]"),
        ("756_9217_0769_85", "[id]"),
        ("꘡꘢꘣꘤꘥꘦꘧", "[id]"),
        ("user[password]=hunter2", "user[password]=[token]"),
        ("pw=hunter2", "pw=[token]"),
        ("secret_key=abc", "secret_key=[token]"),
        ("csrf=abc123", "csrf=[token]"),
        ("p\u200bassword=hunter2", "password=[token]"),
        ("ｐａｓｓｗｏｒｄ＝hunter2", "password=[token]"),
    ],
)
def test_no_gap_and_no_script_hides_a_number_or_a_secret(text: str, clean: str) -> None:
    """Groups parted by whatever stands between them the same way; digits of every script; keys as forms write them."""
    assert Scrubber().scrub_text(text) == clean


@pytest.mark.req("P8")
@pytest.mark.parametrize("gap", "/-_. +*:")
def test_a_card_in_groups_goes_from_a_path_too(gap: str) -> None:
    """Even where the gap is the path's own separator."""
    assert Scrubber().scrub_path(f"/pay/{gap.join(['4111', *['1111'] * 3])}/done") == "/pay/[card]/done"


@pytest.mark.req("P8")
@pytest.mark.parametrize(
    "text",
    [
        "Meet us @ example.com", "Live @ Club Zürich", "2.0 @ example.com", "Follow @example", "Look at example.org", "Size (at) 20.30", "CSS @media print",
        "react@18.2.0", "a@b", "ⓘ Note", "½ price", "10 °C", "日本語のタイトル。次の文", "مرحبا بالعالم", "สวัสดีชาวโลก", "नमस्ते दुनिया", "naïve café", "cafe\u0301",
        "a\u200bb", "C:\\xampp\\x40", "5 * 5 * 5", "1:2:3:4", "12/34/56",
    ],
)  # fmt: skip
def test_what_only_looks_odd_stays_as_it_is_written(text: str) -> None:
    """Texts of all scripts, handles, versions; hidden signs that hide nothing."""
    assert Scrubber().scrub_text(text) == text
