"""Paths and texts without personal data, as sites have them: what the scrubber must leave alone."""

import random
from collections.abc import Callable
from typing import Final

WORDS: Final = (
    "outdoor schuhe winter summer guide review best cheap kaffee maschine garden lighting blue red women herren kinder "
    "sale new collection travel tipps zurich paris berlin news article how-to install update release notes pricing "
    "contact about team careers support faq product category angebot voiture maison livre cuisine sport football "
    "weather history science music filme buecher reisen camping wanderung fahrrad laptop monitor kamera objektiv "
    "kuehlschrank waschmaschine sommerkleid handtasche sonnenbrille ticket konzert museum ausstellung"
).split()
SHORT: Final = (
    "pro",
    "max",
    "mini",
    "plus",
    "xl",
    "v2",
    "4k",
    "usb-c",
    "hdmi",
    "m2",
    "ddr5",
    "rtx4090",
    "wh1000",
    "a54",
)


def paths(seed: int, count: int) -> list[str]:
    """Ordinary paths, every kind in turn."""
    return _made(_PATHS, seed, count)


def texts(seed: int, count: int) -> list[str]:
    """Ordinary titles, search terms and error messages, every kind in turn."""
    return _made(_TEXTS, seed, count)


# Cases that a simpler rule gets wrong, each kept for its reason.
PATHS: Final = (
    "/2024-05-17-post", "/blog/17.05.2024", "/archive/202405", "/2019-2024/review", "/season/2023-24", "/20240517T123045Z",
    "/isbn/9780306406157", "/isbn/978-0-306-40615-7", "/isbn/0306406152", "/book/0-306-40615-2", "/book/0-8044-2957-X", "/dp/080442957X",
    "/ean/4006381333931", "/abs/2101.12345v2", "/doi/10.1038/s41586-020-2649-2", "/p/1299.00", "/p/1,299.95-eur", "/129900-chf",
    "/houses/350000-450000", "/houses/under-500000", "/top-100000-songs", "/windows/10.0.19045.4291", "/download/v1.2.3.4/setup.exe",
    "/package/react@18.2.0/files", "/img/icon@2x.png", "/img/hero-1920x1080.jpg", "/img/IMG_20240517_123456.jpg",
    "/img/Screenshot_2024-05-17-12-30-45.png", "/static/main.8f3a9c81.js", "/assets/index-BxK3f9aQ.js", "/main.12345678.js",
    "/assets/index-4f1c2a7e9b0d3c5e6f7a.css", "/_next/static/chunks/pages/_app-3f2a9c81d0b74e5f.js",
    "/static/media/logo.5d5d9eefa31e5e13a6610d9fa7a283bb.svg", "/static/5d5d9eefa31e5e13a6610d9fa7a283bb.png",
    "/fonts/KFOmCnqEu92Fr1Mu4mxKKTU1Kg.woff2", "/watch/dQw4w9WgXcQ", "/p/wh-1000xm5", "/p/lego-75192-millennium-falcon", "/p/B08N5WRWNW",
    "/wiki/Donaudampfschifffahrtsgesellschaft", "/wiki/Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogoch",
    "/docs/getElementsByClassNameAndAttribute", "/docs/ABSTRACT_SINGLETON_PROXY_FACTORY_BEAN", "/css/reset.css", "/css/reset/normalize.css",
    "/verify/email", "/confirm/success", "/invite/friends", "/share/facebook", "/sessions/k8s-101-intro", "/password/reset/step-2",
    "/magic/the-gathering-2024", "/token/ethereum", "/a/b;v=1.2", "/@username/posts", "/c++/17", "/süßes/日本", "/rfc/rfc2616", "/1.0.0",
    "/covid-19-2020-2021", "/24-7-365", "/10-20-30-40-50", "/3840-2160", "/90-60-90", "/", "/index.html", "/%", "/100%",
)  # fmt: skip
TEXTS: Final = (
    "CHF 1'299.00 – Best price", "$1,299,000.00 home", "EUR 12.345.678,00", "1 299 000 €", "iPhone 15 Pro Max 256 GB", "3.14159265", "0.123456",
    "Windows 10.0.19045.4291", "Chrome 120.0.0.0", "Version 1.2.3.4", "2024-05-17T12:30:45Z", "17/05/2024 – 18/05/2024", "2019, 2020, 2021 and 2022",
    "Uncaught TypeError: Cannot read properties of undefined (reading 'addEventListener')",
    "at e.value (https://shop.example/js/main.3f2a9c81d0b74e5f9a6c.js:1:234567)", "app.js:204518:12", "Loading chunk 12345 failed.",
    "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON", "Token refresh failed", "Basic authentication required", "password: required",
    "Session: Keynote opening", "Code: ERR_CONNECTION_REFUSED", "status code: 404", "10, 20, 30, 40, 50", "1 2 3 4 5 6 7 8", "Follow @footfall on X",
    "Live @ Club Zürich", "CSS ::before and ::after", "std::vector<int>::iterator a::b", "population 8,419,600", "24/7", "50% off", "100 %",
    "webpack-internal:///./node_modules/react-dom/cjs/react-dom.development.js", "red/blue/green/yellow/orange/purple", "日本語のタイトル 2024年5月17日",
    "Straßenverkehrszulassungsordnung und Rindfleischetikettierungsüberwachung", "Size 38-40-42-44-46", "ISBN 978-0-306-40615-7", "",
    "ISBN-10: 0306406152", "1920 x 1080", "Русский заголовок 2024", "AC/DC – Back in Black (1980)", "from 09:00 to 17:30", "1-2-3 go", "R2-D2 & C-3PO",
)  # fmt: skip


def _made(kinds: tuple[Callable[[random.Random], str], ...], seed: int, count: int) -> list[str]:
    return [kinds[number % len(kinds)](random.Random(f"{seed}/{number}")) for number in range(count)]


def _words(rng: random.Random, low: int = 2, high: int = 7) -> list[str]:
    return rng.choices(WORDS, k=rng.randint(low, high))


def _slug(rng: random.Random) -> str:
    return "-".join(_words(rng))


def _model(rng: random.Random) -> str:
    parts = [*_words(rng, 1, 4), *rng.sample(SHORT, k=rng.randint(1, 3)), str(rng.randint(1, 9999))]
    rng.shuffle(parts)
    # Two numbers side by side are numbers of one kind or another, not a slug.
    return "-".join(
        part for place, part in enumerate(parts) if not (place and part[0].isdigit() and parts[place - 1][-1].isdigit())
    )


def _day(rng: random.Random) -> tuple[int, int, int]:
    return rng.randint(1950, 2029), rng.randint(1, 12), rng.randint(1, 28)


def _date(rng: random.Random) -> str:
    year, month, day = _day(rng)
    return rng.choice(
        (
            f"{year}/{month:02}/{day:02}",
            f"{year}-{month:02}-{day:02}",
            f"{year}{month:02}{day:02}",
            f"{day:02}-{month:02}-{year}",
            f"{year}/{month}",
            f"{year}-{month:02}",
            f"{year}_{month:02}_{day:02}",
        )
    )


def _isbn(rng: random.Random) -> str:
    digits = "978" + "".join(rng.choices("0123456789", k=9))
    check = -(sum(map(int, digits[::2])) + 3 * sum(map(int, digits[1::2]))) % 10
    return rng.choice((f"{digits}{check}", f"{digits[:3]}-{digits[3]}-{digits[4:7]}-{digits[7:]}-{check}"))


def _price(rng: random.Random) -> str:
    units = rng.randint(1, 9999)
    return rng.choice(
        (
            f"{units}.{rng.randint(0, 99):02}",
            f"{units},{rng.randint(0, 99):02}",
            f"{rng.randint(1, 999)}000",
            f"{rng.randint(1, 99999)}-eur",
            f"{rng.randint(1, 99)},{rng.randint(0, 999):03}",
        )
    )


def _build(rng: random.Random) -> str:
    size = rng.choice((8, 12, 16, 20, 32))
    made = rng.randbytes(size // 2).hex()
    name = rng.choice(("main", "vendors", "chunk-libs", "app", "index", "runtime~main", "commons"))
    file = f"{name}{rng.choice('.-')}{made}{rng.choice(('', '.min', '.chunk', '.bundle'))}.{rng.choice(('js', 'css', 'mjs', 'woff2', 'js.map'))}"
    picture = f"{rng.choice(WORDS)}.{made}.{rng.choice(('png', 'svg', 'webp', 'jpg'))}"
    return rng.choice((file, file, picture))


_PATHS: Final[tuple[Callable[[random.Random], str], ...]] = (
    lambda rng: f"/{_slug(rng)}",
    lambda rng: f"/{rng.choice(WORDS)}/{_slug(rng)}.html",
    lambda rng: f"/blog/{_date(rng)}/{_slug(rng)}",
    lambda rng: f"/{_slug(rng)}-{rng.randint(1990, 2029)}",
    lambda rng: f"/p/{_model(rng)}",
    lambda rng: f"/products/{rng.choice(WORDS)}/{_model(rng)}/",
    lambda rng: f"/isbn/{_isbn(rng)}",
    lambda rng: f"/buecher/{_slug(rng)}/{_isbn(rng)}",
    lambda rng: f"/{rng.choice(WORDS)}/{_price(rng)}",
    lambda rng: f"/static/{_build(rng)}",
    lambda rng: f"/assets/js/{_build(rng)}",
    lambda rng: f"/{rng.choice(WORDS)}/page/{rng.randint(1, 99999)}",
    lambda rng: f"/wiki/{'_'.join(word.title() for word in _words(rng))}",
    lambda rng: "/".join(("", *_words(rng, 1, 6))),
    lambda rng: f"/docs/{rng.randint(0, 20)}.{rng.randint(0, 30)}.{rng.randint(0, 9)}/{_slug(rng)}",
)  # fmt: skip
_TEXTS: Final[tuple[Callable[[random.Random], str], ...]] = (
    lambda rng: " ".join(_words(rng)).capitalize(),
    lambda rng: f"{' '.join(_words(rng))} | {rng.choice(WORDS).title()} Shop",
    lambda rng: f"{' '.join(_words(rng))} – {rng.randint(1990, 2029)}",
    lambda rng: f"{' '.join(_words(rng))} ({_date(rng)})",
    lambda rng: f"{' '.join(_words(rng))} für CHF {_price(rng)}",
    lambda rng: f"ISBN {_isbn(rng)}: {' '.join(_words(rng))}",
    lambda rng: f"Top {rng.randint(3, 100)} {' '.join(_words(rng))}",
    lambda rng: " ".join(_model(rng).split("-")),
    lambda rng: f"Failed to load https://shop.example/static/{_build(rng)}",
    lambda rng: f"TypeError: {''.join(word.title() for word in _words(rng, 2, 4)).replace('-', '')} is not a function",
)
