"""What the scrubber makes of single cases at the edge of a rule, each worked out by hand from docs/scrubbing.md."""

import pytest

from collector.scrub import MAX_TEXT, Refused, Scrubber, clean_host

pytestmark = pytest.mark.req("P8")

CARD = "4111111111111111"
BASE = "aB3dE5fG7hJ9kL2mN4pQ"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        # cards beside dates, in groups of any size
        ("6267909708241192 17.05.2024", "[card] 17.05.2024"),
        ("17.05.2024 4111 1111 1111 1111", "17.05.2024 [card]"),
        ("202405 3739543820 26604", "202405 [card]"),
        # two numbers with a spaced dash are two, if they are long together
        ("-292-274433 - 457/78", "-[id] - 457/78"),
        ("269 - 21520000", "[id]"),
        ("12345678901 - 4578", "[id] - 4578"),
        # phone numbers by their groups, their beginning and the word before
        ("631 59 143", "[phone]"),
        ("631-59-143", "631-59-143"),
        ("63 59 14 31", "[phone]"),
        ("63-59-14-31", "63-59-14-31"),
        ("597 439 2829", "[phone]"),
        ("3 597 439 2829", "[phone]"),
        ("0 094 851360", "[phone]"),
        ("no 002276954", "no [phone]"),
        ("no 0022769541", "no [phone]"),
        ("no 00227695", "no [id]"),
        ("029903199", "[phone]"),
        ("02990319", "[id]"),
        ("029903199123", "[phone]"),
        ("0695933084977", "[id]"),
        ("00836852963439562", "[phone]"),
        ("008368529634395627", "[id]"),
        ("tel:14400000/12", "tel:[phone]"),
        ("tel 05/17/2024", "tel 05/17/2024"),
        ("(315)577.9999", "[phone]"),
        ("113 776 486 0040", "[id]"),
        ("113 776 486 004", "[phone]"),
        ("12 34 56 78 90 12", "12 34 56 78 90 12"),
        ("1 2 3 4 5 6", "1 2 3 4 5 6"),
        ("1999 2024 1500", "1999 2024 1500"),
        ("2024 1999 1066 1789", "[id]"),
        ("100000 - 200000", "100000 - 200000"),
        # dates have one separator; what only begins as one is none
        ("2019/202 2024", "[id]"),
        ("2019-05-17", "2019-05-17"),
        ("2019-05.17 123456", "2019-05.17 [id]"),
        ("05-17-2024", "05-17-2024"),
        ("123456 31.12.1999", "[id] 31.12.1999"),
        ("49702/12", "49702/12"),
        ("049702/12", "[id]/12"),
        ("19960722-9037", "[id]"),
        ("18900101-1231", "[id]"),
        # times after T, and only times
        ("2024-05-17T123045", "2024-05-17T123045"),
        ("17T004614924", "17T[phone]"),
        ("XT123045", "XT[id]"),
        ("17t235959", "17t235959"),
        ("17T250000", "17T250000"),
        ("17T254961", "17T[id]"),
        # lines of sources
        ("main.js:1:204518", "main.js:1:204518"),
        ("main.js:204518:1", "main.js:204518:1"),
        ("78:211550", "78:[id]"),
        ("main.js:1:19960722-9037", "main.js:1:[id]"),
        # prices, sums, fractions, versions
        ("978753218759€", "978753218759€"),
        ("1234567890123€", "[id]€"),
        ("CHF 123456", "CHF 123456"),
        ("CHF 0123456", "CHF [id]"),
        ("123456 EUR", "123456 EUR"),
        ("123456 Europa", "[id] Europa"),
        ("310,142'585 670.99", "[id]"),
        ("936.374 395,99", "[id]"),
        ("12.345.678,99", "12.345.678,99"),
        ("1,234,567.99", "1,234,567.99"),
        ("1234567.99", "1234567.99"),
        ("12345678.99", "[id]"),
        ("0.123456789", "0.123456789"),
        ("96.82.52499", "[id]"),
        ("9.82.52499", "9.82.52499"),
        ("1 234 567", "1 234 567"),
        ("12 345", "12 345"),
        ("123.456", "123.456"),
        ("123456", "[id]"),
        ("12345", "12345"),
        ("450000", "450000"),
        ("451000", "451000"),
        ("12345000", "[id]"),
        # books and articles
        ("/books/680059277-3", "/books/680059277-3"),
        ("/books/680059277-4", "/books/[id]"),
        ("/dp/3673937758 2024", "/dp/3673937758 2024"),
        ("/dp/3673937758 20241", "/dp/[id]"),
        ("ean 4006381333931", "ean 4006381333931"),
        ("080442957X", "080442957X"),
        ("080442957-X", "080442957-X"),
        ("080442958X", "[phone]X"),
        ("0-8044-2957-X", "0-8044-2957-X"),
        ("3-16-148410-0", "[id]"),
        ("2101.12345", "2101.12345"),
        ("2113.12345", "[id]"),
        # letters on both sides of up to eight digits
        ("a12345678b", "a12345678b"),
        ("a123456789b", "a[id]b"),
        ("a123-46-243b", "a123-46-243b"),
        # more than can be judged
        ("12-" * 60 + "1", "[id]"),
        ("12-" * 53 + "1", "12-" * 53 + "1"),
        ("12-" * 53 + "12", "[id]"),
        ("451000 a " * 22, "451000 a " * 20 + "[id] a [id] a "),
        ("0306 406152", "[phone]"),
        ("1-456-779087", "[id]"),
        ("a199409110930a", "a[id]a"),
        ("48 603 915 771/12", "[id]"),
        ("(1234567)", "([id])"),
        ("12 (345) 6789", "[id]"),
        ("a (123456 b", "a ([id] b"),
        ("202405171230 12345678", "202405171230 [id]"),
        ("19811218987612", "[id]"),
        ("12.34.56.78.90", "12.34.56.78.90"),
        ("123456/7890123", "[id]"),
        ("1:234567", "1:[id]"),
    ],
)
def test_numbers(text: str, clean: str) -> None:
    """Which numbers are about a person, which are not, and where one ends."""
    assert Scrubber().scrub_text(text) == clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        # network addresses
        ("at 2001:db8::1%eth0 x", "at [ip] x"),
        ("a::b", "a::b"),
        ("1:2:3:4:5:6:7:8", "[ip]"),
        ("1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8:9"),
        ("2001-db8--1.ipv6-literal.net", "[ip]"),
        ("2001-0db8-85a3-0000-0000-8a2e-0370-7334", "[ip]"),
        ("at 0xC0000201 x", "at [ip] x"),
        (f"{'1.0.0.0.' * 4}ip6.arpa", "[ip]"),
        ("host ip-10-1-2-3 down", "host [ip] down"),
        ("host ip_10_1_2_3 down", "host [ip] down"),
        ("10.0.0.0", "10.0.0.0"),
        ("10.0.0.1", "[ip]"),
        ("version 1.2.3.4", "version 1.2.3.4"),
        ("passenger 1.2.3.4", "passenger [ip]"),
        ("00-1A-2B-3C-4D-5E", "[id]"),
        ("00:1A:2B:3C:4D:5E", "[id]"),
        ("00:1A:2B:3C:4D", "00:1A:2B:3C:4D"),
        # tokens of pages without cookies, and signed ones
        ("/(S(lit3py55t21z5v55vlm25s55))/a", "/(S([token]))/a"),
        ("x eyJhbGciOi.eyJzdWIi.c2ln y", "x [jwt] y"),
        ("550e8400_e29b_41d4_a716_446655440000", "[uuid]"),
        ("550e8400-e29b-41d4-a716-446655440000", "[uuid]"),
        # identity numbers with letters: right and with another check letter
        ("RSSMRA85T10A562S", "[id]"),
        ("RSSMRA85T10A562T", "RSSMRA85T10A562T"),
        ("12345678Z", "[id]"),
        ("X1234567L", "[id]"),
        ("X1234567M", "X1234567M"),
        ("131052-308T", "[id]"),
        ("131052-308U", "[id]U"),
        ("AB123456C", "[id]"),
        ("BG123456C", "BG123456C"),
        # accounts
        ("DE89370400440532013000", "[iban]"),
        ("a DE89370400440532013000, CH9300762011623852957 b", "a [iban], [iban] b"),
        ("DE89370400440532013001", "[token]"),
        ("DE8937040044053201300", "[token]"),
        (" ".join(["DE12 3456"] * 21), "".join(["DE12 3456 "] * 20) + "[iban]"),
        # mail addresses and what looks like one
        ("https://user:pass@example.com/x", "https://[token]@example.com/x"),
        ("me.too @ example.org", "[email]"),
        ("me @ example.org", "me @ example.org"),
        ("me @ web.de", "[email]"),
        ("12 @ example.org", "12 @ example.org"),
        ("a@b.c", "a@b.c"),
        ("a@b.cd", "[email]"),
        ("a@1.2", "a@1.2"),
    ],
)
def test_shapes(text: str, clean: str) -> None:
    """Addresses, accounts and identity numbers, each beside what only looks like one."""
    assert Scrubber().scrub_text(text) == clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"x {BASE} y", "x [token] y"),
        (f"x {BASE[:19]} y", f"x {BASE[:19]} y"),
        (f"my-new-{BASE}-page", "my-new-[token]-page"),
        ("d41d8cd98f00b204e9800998ecf8427e", "[hash]"),
        ("d41d8cd98f00b204e9800998ecf842", "[token]"),
        ("a-d41d8cd98f00b204e9800998ecf8427e-b", "a-[hash]-b"),
        ("x-deadbeefdeadbeefdeadbeef-word", "x-[token]-word"),
        ("12345678901234567890", "[id]"),
        ("AKIAIOSFODNN7EXAMPLE", "[token]"),
        ("Donaudampfschifffahrtsgesellschaft", "Donaudampfschifffahrtsgesellschaft"),
        ("xkcdqwrtzpsdfghjklmn", "[token]"),
        ("Xkcdqwrtzpsdfghjklmn", "[token]"),
        ("getElementsByClassNameAndAttribute", "getElementsByClassNameAndAttribute"),
        ("ABSTRACT-SINGLETON-PROXY-BEAN", "ABSTRACT-SINGLETON-PROXY-BEAN"),
        ("outdoor-rtx4090-wh1000xm5-4k-max", "outdoor-rtx4090-wh1000xm5-4k-max"),
        ("dGhpcyBpcyBhIHNlY3JldCB0b2tlbiE=", "[token]"),
        ("9fKq3ZbT1xYw7Qm2/Lr5Ns8Vd0Gh/3JkP", "[token]"),
        ("static/css/main/theme/dark/large", "static/css/main/theme/dark/large"),
        ("/main.8f3a9c81d0b74e5f9a6c.js", "/main.8f3a9c81d0b74e5f9a6c.js"),
        ("Authorization: Bearer abcd", "Authorization: Bearer [token]"),
        ("Bearer abcdef12", "Bearer [token]"),
        ("Bearer certificate", "Bearer certificate"),
        ("Basic dXNlcjpwYXNz", "Basic [token]"),
        ("password=a", "password=[token]"),
        ("password: a", "password: a"),
        ("password: abc123", "password: [token]"),
        ('"password": "a"', '"password": "[token]"'),
        ("token: 'a'", "token: 'a'"),
        ("my_token=a", "my_token=[token]"),
        ("aspsessionidabcd=x", "aspsessionidabcd=[token]"),
        ("code=abc12", "code=abc12"),
        ("code=abc123", "code=[token]"),
        ("code=abcdef", "code=abcdef"),
        ("color=abc123", "color=abc123"),
        ("token=[email]", "token=[email]"),
        ("sid=a;sid=b", "sid=[token];sid=[token]"),
        # where words and odd parts stand side by side
        ("rzawwukvmraivur+code=", "[token]"),
        ("2483_zmphtajmfaanmmcz]", "2483_zmphtajmfaanmmcz]"),
        ("token9891351550513x1foo5", "[token]"),
        ("ENXG8-PCVc3f4n4SjxRRaN-1MF-NGg", "ENXG8-[token]"),
        ("token=DDICB/Ca3G1cr0", "token=[token]/Ca3G1cr0"),
        ("ZYskAhgcwdf7xujG_TjP0ok", "[token]"),
        ("KwTSSGQ5BiB8OJ4Q-20-token=", "[token]"),
        ("8.3y_xg3m4f992huhhms5k", "8.3y_xg3m4f992huhhms5k"),
        ("qjWK95-internationalisation=", "qjWK95-internationalisation="),
        ("HAAJCD-HJEIABCE-DFGID-28==", "[token]"),
        ("31_Token83810_thuwntxmwhzmfzwj=", "31_[token]"),
        ("hpbmuzcfmpzcdm/theme==", "[token]"),
        ("vOmVj+key+id+IEAFICA", "vOmVj+key+id+IEAFICA"),
        ("getElementById44470-x1=", "[token]"),
        ("49374364-921-jjgdwglwmbqibaf-ynozrinfmfouarhvk-x1]", "[token]-x1]"),
        ("JFoWDqKlzo8iDd354ZqZ-FAJCJ-code", "[token]-FAJCJ-code"),
        ("JFoWDqKlzo8iDd354ZqZ-with-many-words-after-it", "[token]-with-many-words-after-it"),
    ],
)
def test_tokens(text: str, clean: str) -> None:
    """Runs that nobody reads, and values with a name that says what they are."""
    assert Scrubber().scrub_text(text) == clean


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("/m²/½/ﬁ", "/m²/½/ﬁ"),
        ("/a&copy=1", "/a&copy=1"),
        ("/a%26b", "/a&b"),
        ("/%41%2542", "/AB"),
        ("/a%20b%0Ac", "/a bc"),
        ("/%zz/%4", "/%zz/%4"),
        ("/a%2F1%2F2", "/a/1/2"),
        ("/x%2F12345%2F6/y", "/x/12345/6/y"),
        ("/x%2F12345%2F6789/y", "/x/[id]/y"),
        ("/t/aB3%2FxY9kQ2mZ7wR%2F5tLpN8vC1sD/e", "/t/[token]/e"),
        ("/%" + "25" * 9 + "41", "/A"),
        ("/a?b#c", "/a%3Fb%23c"),
        ("/isbn/0306406152/%41", "/isbn/0306406152/A"),
        ("/\\x5c" + "x5c" * 5 + "x40", "/x5cx5cx40"),
        ("/12345/6789", "/12345/6789"),
        ("/%ff", "/\ufffd"),
        (f"/{'a/' * 600}", f"/{'a/' * 600}"[:1024]),
        ("/t/9fKq3ZbT1xYw7Qm2/Lr5Ns8Vd0Gh/3JkP", "/t/9fKq3ZbT1xYw7Qm2/Lr5Ns8Vd0Gh/3JkP"),
        ("/reset/" + "a/" * 70, "/reset/" + "a/" * 70),
        ("/x:zvbxsvvjzyxsshcs/YI3cD", "/x:zvbxsvvjzyxsshcs/YI3cD"),
        ("/share/aB3dE5fG", "/share/[token]"),
        ("/reset/x[email]", "/reset/x[email]"),
        ("/reset/brxqzt", "/reset/[token]"),
    ],
)
def test_paths(path: str, clean: str) -> None:
    """Encodings are undone, and what stays is the path as it was meant."""
    assert Scrubber().scrub_path(path) == clean


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        ("4f94d490b571d8fc95e6", "[token]"),
        ("/static/blue79774+1485==", Refused.PERSON_HASH),
        ('"890441uGawYRZ6UVbGMckGjIf6BtLFwFU02aB3dE5fx"', Refused.PERSON_HASH),
        ("{d41d8cd98f00b204e9800998ecf8427e}", Refused.PERSON_HASH),
        ("sha256:" + "5e" * 32, Refused.PERSON_HASH),
        ("0x" + "5e" * 20, Refused.PERSON_HASH),
        ("5e" * 30, "[token]"),
        ("1" * 40, "[id]"),
        ("/static/internationalisation55081+main86714", "/static/internationalisation55081+main86714"),
    ],
)
def test_values(value: str, clean: object) -> None:
    """What is a digest in whole, and what only holds something like it."""
    assert Scrubber().scrub_value(value) == clean


def test_what_is_read_of_an_overlong_text() -> None:
    """2,048 characters up to the last gap before them: 33 tokens of sixty, and nothing of the 34th."""
    assert Scrubber().scrub_text(f"{'aB3dE5fG7h' * 6} " * 100) == " ".join(["[token]"] * 33)
    assert Scrubber().scrub_path(f"/{'aB3dE5fG7h' * 6}" * 100) == "/[token]" * 33
    assert Scrubber().scrub_text("x%0Ajohn@example.org") == "x [email]"
    assert Scrubber().scrub_text("é-net%202024") == "é-net%202024"
    unit = "aB3dE5fG7h" * 6
    assert Scrubber().scrub_text(" ".join([unit] * 31)) == " ".join(["[token]"] * 31)
    assert Scrubber().scrub_text(" ".join([unit] * 33) + " " + unit[:35]) == " ".join(["[token]"] * 34)
    assert Scrubber().scrub_text("x\njohn@example.org") == "x [email]"


def test_hosts_and_long_texts() -> None:
    """Label by label; what is cut is cut after it was read."""
    assert clean_host("4111111111111111.d41d8cd98f00b204e9800998ecf8427e.shop.example") == "[card].[hash].shop.example"
    assert Scrubber().scrub_text("%41 " * 600) == ("%41 " * 600)[:MAX_TEXT]
    assert Scrubber().scrub_text("é " * 1000) == ("é " * 1000)[:MAX_TEXT]
    assert Scrubber().scrub_text(f"{'ab ' * 680}{CARD}") == ("ab " * 680)[:MAX_TEXT]
    assert str(Scrubber().scrub_value("%64" + "41d8cd98f00b204e9800998ecf8427e")) == "Refused.PERSON_HASH"
