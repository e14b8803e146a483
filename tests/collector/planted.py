"""Personal data of made-up people, planted in URLs and texts, for measuring what the scrubber misses.

Every number is made here from its scheme's published rule, without the code under test; names and hosts are invented
(example domains, ranges set aside for documentation where there are some). `leaked` finds what is left of a secret,
however it was encoded.
"""

import base64
import hashlib
import ipaddress
import json
import random
import re
import string
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

FIRST: Final = "anna jörg maria luca zoë peter ingrid karim olga tom siobhán nguyen fatima jean-luc d'arcy yuki".split()
LAST: Final = "muster müller rossi garcia o'neil novak lindqvist van-dijk ferreira smith kowalski tanaka öztürk".split()
MAIL_HOSTS: Final = "example.com example.org mail.example.co.uk example.museum sub.dom.example.ch xn--mller-kva.example müller.example".split()


@dataclass(frozen=True)
class Planted:
    """One secret in one place."""

    kind: str
    secret: str
    """As a person would write it, undecorated."""
    carrier: str
    """The path, URL or text that holds it."""


def leaked(secret: str, result: str) -> bool:
    """Whether six signs in a row of the secret (letters and digits alone, half of it if it is short) are still there."""
    needle, hay = _bare(secret), _bare(result)
    width = min(6, max(4, len(needle) // 2))
    return any(needle[place : place + width] in hay for place in range(len(needle) - width + 1))


def paths(seed: int, count: int) -> list[Planted]:
    """Paths with one secret each, every kind and every encoding in turn."""
    return [_planted(random.Random(f"{seed}/{number}"), number, PATHS, PATH_KINDS, _in_path) for number in range(count)]


def texts(seed: int, count: int) -> list[Planted]:
    """Titles, search terms, error messages and values with one secret each."""
    return [_planted(random.Random(f"{seed}/{number}"), number, TEXTS, TEXT_KINDS, _in_text) for number in range(count)]


def urls(seed: int, count: int) -> list[Planted]:
    """Whole URLs with a secret in the path, a listed or unlisted key, the credentials, the fragment or a matrix key."""
    found = []
    for number, planted in enumerate(paths(seed, count)):
        if planted.kind in ("after word", "session", "aspnet"):
            found.append(Planted(planted.kind, planted.secret, f"https://shop.example{planted.carrier}?x=1"))
            continue
        rng = random.Random(f"{seed}/url/{number}")
        part = quote(planted.secret, safe="") if rng.random() < 0.8 else quote(quote(planted.secret, safe=""), safe="")
        carrier = rng.choice(URLS).format(path=planted.carrier, secret=part)
        found.append(Planted(planted.kind, planted.secret, carrier))
    return found


def digests(seed: int, count: int) -> list[str]:
    """Hashes of mail addresses as sites send them: MD5, SHA-1, SHA-2; hex in both cases, or base64."""
    rng = random.Random(seed)
    return [_digest(rng, number) for number in range(count)]


# Paths and texts around a secret. They hold no run of six signs that a secret could hold.
PATHS: Final = (
    "/u/{}", "/account/{}/edit", "/de/konto/{}", "/x/{}.html", "/a/b/{}/", "/thanks-{}", "/contact/{}/sent", "/p/{}/seite/2/", "/shop/order/{}/paid",
)  # fmt: skip
TEXTS: Final = (
    "{}", "Hello {}, welcome", "Order for {} | Shop", "TypeError: no user {} at line 12", "search: {}", "Danke, {}!", "mail={}", "({})", "[{}]", "“{}”",
    "Konto {} – Übersicht", "Rechnung vom 17.05.2024 an {}", "{} wrote", "id:{}", "<{}>",
)  # fmt: skip
URLS: Final = (
    "https://shop.example{path}",
    "https://shop.example{path}?x=1&y={secret}",
    "https://shop.example/a?utm_content={secret}",
    "https://shop.example/a?utm_campaign=sale_{secret}_x&utm_source=mail",
    "https://shop.example/a?ref={secret}",
    "https://shop.example/search?q={secret}",
    "https://shop.example/a?id={secret}",
    "https://{secret}:{secret}@shop.example/a",
    "https://shop.example/a#{secret}",
    "https://shop.example/a#/user/{secret}?x={secret}",
    "https://shop.example/a#utm_term={secret}",
    "https://shop.example/a;sid={secret}?b=1",
    "https://shop.example/a?gclid={secret}&fbclid={secret}",
    "HTTPS://SHOP.example:8443{path}?amp;utm_term={secret}",
)


def _planted(
    rng: random.Random,
    number: int,
    templates: tuple[str, ...],
    kinds: dict[str, Callable[[random.Random], str]],
    dress: Callable[[random.Random, str], Iterator[str]],
) -> Planted:
    kind = list(kinds)[number % len(kinds)]
    secret = kinds[kind](rng)
    dressed = rng.choice(list(dress(rng, secret)))
    template = rng.choice(templates)
    if kind.startswith("after "):
        template = template if "/{}" in template else "/{}"
        return Planted(kind, secret.partition("/")[2], template.format(secret))
    return Planted(kind, secret, template.format(dressed))


def _in_path(_rng: random.Random, secret: str) -> Iterator[str]:
    once = quote(secret, safe="@:;=,+!$'()~._-/" if "/" in secret and secret.startswith(";") else "@:;=,+!$'()~._-")
    yield from (once, once)
    if not secret.startswith(("reset", "invite")):
        yield quote(secret, safe="")
        yield quote(quote(secret, safe=""), safe="")
        yield "".join(f"%{byte:02x}" for byte in secret.encode())


def _in_text(_rng: random.Random, secret: str) -> Iterator[str]:
    yield from (secret,) * 4
    yield quote(secret, safe="")
    yield quote(quote(secret, safe=""), safe="")
    if secret.isascii():
        yield "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in secret)


def _bare(text: str) -> str:
    for _ in range(4):
        text = unquote(text)
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())


# --- kinds ------------------------------------------------------------------------------------------------------------


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices(string.digits, k=count))


def _shaped(rng: random.Random, digits: str, *shapes: str) -> str:
    """The digits in one of the shapes, where each # is a digit."""
    signs = iter(digits)
    return "".join(next(signs) if sign == "#" else sign for sign in rng.choice(shapes))


def _email(rng: random.Random) -> str:
    first, last = rng.choice(FIRST), rng.choice(LAST)
    local = rng.choice(
        (
            f"{first}.{last}",
            f"{first}{rng.randint(1, 99)}",
            f"{first[0]}.{last}+list",
            f"{first}_{last}",
            f"{last}-{first}",
            f"{first}",
        )
    )
    address = f"{local}@{rng.choice(MAIL_HOSTS)}"
    return address.upper() if rng.random() < 0.1 else address


def _phone(rng: random.Random) -> str:
    return rng.choice(
        (
            lambda: _shaped(rng, "41" + "79" + _digits(rng, 7), "+## ## ### ## ##", "+###########", "00###########", "+##(0)## ### ## ##"),
            lambda: _shaped(rng, "079" + _digits(rng, 7), "### ### ## ##", "##########", "###-###-##-##", "###/### ## ##"),
            lambda: _shaped(rng, "49" + "171" + _digits(rng, 8), "+## ### ########", "+##-###-########", "+#############"),
            lambda: _shaped(rng, "030" + _digits(rng, 8), "### ########", "(###) ########", "###-########"),
            lambda: _shaped(rng, "1" + "415" + "5550" + _digits(rng, 3), "+# ### ### ####", "+#-###-###-####", "+###########"),
            lambda: _shaped(rng, "415" + "555" + _digits(rng, 4), "(###) ###-####", "###-###-####", "###.###.####", "### ### ####"),
            lambda: _shaped(rng, "336" + _digits(rng, 8), "+## # ## ## ## ##", "+###########", "+##.#.##.##.##.##"),
            lambda: _shaped(rng, "06" + _digits(rng, 8), "## ## ## ## ##", "##.##.##.##.##", "##########", "##-##-##-##-##"),
            lambda: _shaped(rng, "44" + "7700900" + _digits(rng, 3), "+## #### ######", "+############"),
            lambda: _shaped(rng, "07700900" + _digits(rng, 3), "##### ######", "###########", "#### ### ####"),
            lambda: _shaped(rng, "34612" + _digits(rng, 6), "+## ### ## ## ##", "+## ### ### ###"),
            lambda: _shaped(rng, "612" + _digits(rng, 6), "### ## ## ##", "### ### ###", "#########"),
            lambda: _shaped(rng, "91" + "98" + _digits(rng, 8), "+## ##### #####", "+##-##########"),
        )
    )()  # fmt: skip


def _luhn_ending(digits: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * 2
        total += (doubled - 9 if doubled > 9 else doubled) if place % 2 == 0 else int(digit)
    return digits + str(-total % 10)


def _card(rng: random.Random) -> str:
    start, length = rng.choice(
        (("4", 16), ("51", 16), ("2223", 16), ("37", 15), ("6011", 16), ("3530", 16), ("62", 16), ("36", 14), ("4", 16))
    )
    number = _luhn_ending(start + _digits(rng, length - 1 - len(start)))
    if length == 15:
        return _shaped(rng, number, "#" * 15, "#### ###### #####", "####-######-#####")
    if length == 14:
        return _shaped(rng, number, "#" * 14, "#### ###### ####")
    return _shaped(rng, number, "#" * 16, "#### #### #### ####", "####-####-####-####", "####.####.####.####")


def _iban(rng: random.Random) -> str:
    country, bban = rng.choice(
        (
            ("DE", _digits(rng, 18)), ("CH", _digits(rng, 17)), ("FR", _digits(rng, 23)), ("NL", "ABNA" + _digits(rng, 10)), ("GB", "WEST" + _digits(rng, 14)),
            ("AT", _digits(rng, 16)), ("ES", _digits(rng, 20)), ("IT", "X" + _digits(rng, 22)), ("PL", _digits(rng, 24)), ("NO", _digits(rng, 11)),
            ("MT", "MALT" + _digits(rng, 5) + "ABCD" + _digits(rng, 14)),
        )
    )  # fmt: skip
    number = int("".join(str(int(sign, 36)) for sign in bban + country + "00"))
    iban = f"{country}{98 - number % 97:02d}{bban}"
    grouped = " ".join(iban[place : place + 4] for place in range(0, len(iban), 4))
    return rng.choice((iban, grouped, iban.lower(), grouped.replace(" ", "-")))


def _national(rng: random.Random) -> str:
    return rng.choice(tuple(NATIONAL.values()))(rng)


def _mod11(digits: str, weights: range | tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11


def _birth(rng: random.Random) -> tuple[int, int, int]:
    return rng.randint(40, 99), rng.randint(1, 12), rng.randint(1, 28)


def _ssn(rng: random.Random) -> str:
    return f"{rng.choice((123, 219, 401, 667)):03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"


def _ahv(rng: random.Random) -> str:
    digits = "756" + _digits(rng, 9)
    total = sum(int(d) for d in digits[::2]) + 3 * sum(int(d) for d in digits[1::2])
    return _shaped(rng, digits + str(-total % 10), "###.####.####.##", "#############", "### #### #### ##")


def _steuer_id(rng: random.Random) -> str:
    order = rng.sample(string.digits, 10)
    while order[0] == "0":
        rng.shuffle(order)
    order[9] = order[rng.randint(0, 8)]
    product = 10
    for digit in order:
        total = (int(digit) + product) % 10
        product = (2 * (10 if total == 0 else total)) % 11
    check = 11 - product
    return _shaped(rng, "".join(order) + str(0 if check == 10 else check), "## ### ### ###", "###########")


def _nir(rng: random.Random) -> str:
    year, month, _ = _birth(rng)
    digits = f"{rng.choice('12')}{year:02d}{month:02d}{rng.randint(10, 89):02d}{rng.randint(1, 999):03d}{rng.randint(1, 999):03d}"
    return _shaped(
        rng, f"{digits}{97 - int(digits) % 97:02d}", "# ## ## ## ### ### ##", "#" * 15, "# ## ## ## ### ###-##"
    )


def _fiscal(rng: random.Random) -> str:
    consonants = "BCDFGLMNPRSTVZ"
    year, month, day = _birth(rng)
    code = (
        "".join(rng.choices(consonants, k=6))
        + f"{year:02d}{'ABCDEHLMPRST'[month - 1]}{day:02d}{rng.choice('ABCDEFGHL')}{_digits(rng, 3)}"
    )
    odd = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", "1 0 5 7 9 13 15 17 19 21 1 0 5 7 9 13 15 17 19 21 2 4 18 20 11 3 6 8 12 14 16 10 22 25 24 23".split(), strict=True))  # fmt: skip
    total = sum(
        int(odd[sign]) if place % 2 == 0 else int(sign, 36) - (10 if sign.isalpha() else 0)
        for place, sign in enumerate(code)
    )
    code += string.ascii_uppercase[total % 26]
    return rng.choice((code, code.lower()))


def _dni(rng: random.Random) -> str:
    number = rng.randint(10_000_000, 99_999_999)
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]
    return rng.choice((f"{number}{letter}", f"{number}-{letter}", f"{number}{letter.lower()}"))


def _nie(rng: random.Random) -> str:
    lead, digits = rng.choice("XYZ"), _digits(rng, 7)
    return f"{lead}{digits}{'TRWAGMYFPDXBNJZSQVHLCKE'[int('XYZ'.index(lead).__str__() + digits) % 23]}"


def _bsn(rng: random.Random) -> str:
    while True:
        digits = str(rng.randint(10_000_000, 99_999_999))
        last = _mod11(digits, range(9, 1, -1))
        if last < 10:
            return digits + str(last)


def _pesel(rng: random.Random) -> str:
    year, month, day = _birth(rng)
    digits = f"{year:02d}{month:02d}{day:02d}{_digits(rng, 4)}"
    return digits + str(-sum(int(d) * int(w) for d, w in zip(digits, "1379137913", strict=True)) % 10)


def _personnummer(rng: random.Random) -> str:
    year, month, day = _birth(rng)
    digits = _luhn_ending(f"{year:02d}{month:02d}{day:02d}{_digits(rng, 3)}")
    return rng.choice((f"{digits[:6]}-{digits[6:]}", f"19{digits[:6]}-{digits[6:]}", f"19{digits}"))


def _nino(rng: random.Random) -> str:
    digits = _digits(rng, 6)
    return rng.choice((f"AB{digits}C", f"AB {digits[:2]} {digits[2:4]} {digits[4:]} C", f"je{digits}d"))


def _belgian(rng: random.Random) -> str:
    year, month, day = _birth(rng)
    digits = f"{year:02d}{month:02d}{day:02d}{rng.randint(1, 997):03d}"
    return _shaped(rng, f"{digits}{97 - int(digits) % 97:02d}", "##.##.##-###.##", "###########")


def _cpf(rng: random.Random) -> str:
    digits = str(rng.randint(100_000_000, 999_999_998))
    for top in (10, 11):
        rest = 11 - _mod11(digits, range(top, 1, -1))
        digits += str(rest if rest < 10 else 0)
    return _shaped(rng, digits, "###.###.###-##", "###########")


def _hetu(rng: random.Random) -> str:
    year, month, day = _birth(rng)
    birth, serial = f"{day:02d}{month:02d}{year:02d}", f"{rng.randint(2, 899):03d}"
    return f"{birth}-{serial}{'0123456789ABCDEFHJKLMNPRSTUVWXY'[int(birth + serial) % 31]}"


NATIONAL: Final[dict[str, Callable[[random.Random], str]]] = {
    "ssn": _ssn, "ahv": _ahv, "steuer": _steuer_id, "nir": _nir, "fiscal": _fiscal, "dni": _dni, "nie": _nie, "bsn": _bsn, "pesel": _pesel,
    "personnummer": _personnummer, "nino": _nino, "belgian": _belgian, "cpf": _cpf, "hetu": _hetu,
}  # fmt: skip


def _number(rng: random.Random) -> str:
    """A customer's number: no date, no round sum, no book."""
    while True:
        digits = str(rng.randint(100_000, 10 ** rng.randint(6, 12) - 1))
        dated = (
            re.match(r"(15|16|17|18|19|20)\d\d(0[1-9]|1[0-2])", digits)
            or re.search(r"(19|20)\d\d$", digits)
            or digits.endswith("000")
        )
        if not dated and not digits.startswith(("978", "979")):
            return digits


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _jwt(rng: random.Random) -> str:
    head = _segment(b'{"alg":"HS256","typ":"JWT"}')
    body = _segment(json.dumps({"sub": rng.randint(1, 10**9), "iat": rng.randint(1, 10**9)}).encode())
    return f"{head}.{body}.{_segment(rng.randbytes(32))}"


def _token(rng: random.Random) -> str:
    size = rng.randint(20, 64)
    return rng.choice(
        (
            lambda: "".join(rng.choices(string.ascii_letters + string.digits, k=size)),
            lambda: "".join(rng.choices(string.ascii_lowercase + string.digits, k=size)),
            lambda: "".join(rng.choices(string.ascii_uppercase + string.digits, k=size)),
            lambda: _segment(rng.randbytes(rng.randint(16, 48))),
            lambda: rng.randbytes(rng.randint(10, 32)).hex(),
            lambda: rng.randbytes(20).hex().upper(),
            lambda: "".join(rng.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=26)),
            lambda: base64.b64encode(rng.randbytes(rng.randint(16, 40))).decode(),
        )
    )()


def _uuid(rng: random.Random) -> str:
    made = str(uuid.UUID(bytes=rng.randbytes(16), version=4))
    return rng.choice((made, made.upper(), "{" + made + "}"))


def _ip(rng: random.Random) -> str:
    if rng.random() < 0.4:
        return str(ipaddress.IPv4Address(rng.choice((0xC0000200, 0xC6336400, 0xCB007100)) + rng.randint(1, 254)))
    made = ipaddress.IPv6Address((0x20010DB8 << 96) + rng.getrandbits(rng.choice((16, 64, 96))))
    four = f"{rng.randint(1, 223)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"
    return rng.choice(
        (
            str(made),
            made.exploded,
            str(made).upper(),
            f"[{made}]",
            f"::ffff:{four}",
            f"fe80::{rng.getrandbits(16) | 0x1000:x}:{rng.getrandbits(16) | 0x1000:x}%eth0",
        )
    )


def _hash(rng: random.Random) -> str:
    return rng.choice((hashlib.md5, hashlib.sha1, hashlib.sha256))(_email(rng).encode()).hexdigest()


def _digest(rng: random.Random, number: int) -> str:
    maker = (hashlib.md5, hashlib.sha1, hashlib.sha224, hashlib.sha256, hashlib.sha384, hashlib.sha512)[number % 6]
    made = maker(_email(rng).lower().encode())
    if number % 12 == 3:
        return base64.b64encode(made.digest()).decode()
    if number % 12 == 0:
        return f"md5:{made.hexdigest()}"
    return made.hexdigest().upper() if number % 5 == 0 else made.hexdigest()


def _short_code(rng: random.Random) -> str:
    while True:
        code = "".join(rng.choices(string.ascii_letters + string.digits, k=rng.randint(6, 19)))
        if any(map(str.isdigit, code)) and any(map(str.isalpha, code)):
            return code


def _after_word(rng: random.Random) -> str:
    word = rng.choice(
        "reset reset-password password-reset invite invitation unsubscribe verify verify-email confirm confirm-email activate magic-link".split()
    )
    return f"{word}/{_short_code(rng)}"


def _session(rng: random.Random) -> str:
    return rng.choice((";jsessionid=", ";sid=", ";PHPSESSID=", ";jsessionid=")) + "".join(
        rng.choices(string.ascii_uppercase + string.digits, k=rng.randint(8, 40))
    )


def _aspnet(rng: random.Random) -> str:
    return "(S(" + "".join(rng.choices(string.ascii_lowercase + string.digits, k=24)) + "))"


def _basic(rng: random.Random) -> str:
    return f"https://{rng.choice(FIRST)}:{_short_code(rng)}@example.com/"


def _named(rng: random.Random) -> str:
    return rng.choice(
        ("token=", "access_token=", "api_key=", "password=", "sessionid: ", "Authorization: Bearer ", "auth_token=")
    ) + _short_code(rng)


PATH_KINDS: Final[dict[str, Callable[[random.Random], str]]] = {
    "email": _email, "phone": _phone, "card": _card, "iban": _iban, "national": _national, "number": _number, "jwt": _jwt, "token": _token,
    "uuid": _uuid, "ip": _ip, "hash": _hash, "after word": _after_word, "session": _session, "aspnet": _aspnet,
}  # fmt: skip
TEXT_KINDS: Final[dict[str, Callable[[random.Random], str]]] = {
    "email": _email, "phone": _phone, "card": _card, "iban": _iban, "national": _national, "number": _number, "jwt": _jwt, "token": _token,
    "uuid": _uuid, "ip": _ip, "hash": _hash, "basic": _basic, "named": _named,
}  # fmt: skip
