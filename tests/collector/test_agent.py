"""What agent strings and client hints tell, and what they must not be believed."""

import re

import pytest
import ua_parser_rs
from ua_parser import Domain, load_lazy_builtins
from ua_parser.regex import Resolver

from collector.agent import LONGEST_AGENT, Agent, AgentReader
from collector.client_hints import Brand, Hints, brands, form_factor, is_grease

pytestmark = pytest.mark.req("C2")

CHROME_TAIL = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36"
CHROME_WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME_TAIL}"
CHROME_ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Mobile Safari/537.36"
)
SAFARI_26 = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.3 Mobile/15E148 Safari/604.1"
)


@pytest.fixture(scope="module")
def reader() -> AgentReader:
    return AgentReader()


def ios(tail: str, version: str = "17_4_1") -> str:
    """An iPhone's agent string with this end."""
    return (
        f"Mozilla/5.0 (iPhone; CPU iPhone OS {version} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) {tail}"
    )


def android(tail: str, model: str = "Pixel 8 Build/AP1A") -> str:
    """An Android 14's WebView string with this end."""
    return (
        f"Mozilla/5.0 (Linux; Android 14; {model}; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Version/4.0 Chrome/145.0.7632.10 Mobile Safari/537.36{tail}"
    )


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        (CHROME_WINDOWS, Agent("Chrome", "145", "Blink", "Windows", "", "desktop", "Chrome on Windows")),
        (CHROME_ANDROID, Agent("Chrome", "145", "Blink", "Android", "", "mobile", "Chrome on Android")),
        (SAFARI_26, Agent("Safari", "26.3", "WebKit", "iOS", "26.3", "mobile", "Safari on iOS")),
        (
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                "Version/17.4 Safari/605.1.15"
            ),
            Agent("Safari", "17.4", "WebKit", "macOS", "", "desktop", "Safari on macOS"),
        ),
        (
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_13_4) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/70.0.3538.110 Safari/537.36"
            ),
            Agent("Chrome", "70", "Blink", "macOS", "10.13", "desktop", "Chrome on macOS"),
        ),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            Agent("Firefox", "128", "Gecko", "Linux", "", "desktop", "Firefox on Linux"),
        ),
        (
            "Mozilla/5.0 (Android 10; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0",
            Agent("Firefox", "128", "Gecko", "Android", "", "mobile", "Firefox on Android"),
        ),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME_TAIL}",
            Agent("Chrome", "145", "Blink", "ChromeOS", "", "desktop", "Chrome on ChromeOS"),
        ),
        (
            f"{CHROME_WINDOWS} Edg/145.0.3800.58",
            Agent("Edge", "145", "Blink", "Windows", "", "desktop", "Edge on Windows"),
        ),
        (
            f"{CHROME_WINDOWS} OPR/130.0.0.0",
            Agent("Opera", "130", "Blink", "Windows", "", "desktop", "Opera on Windows"),
        ),
        (
            (
                "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) "
                "SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36"
            ),
            Agent("Samsung Internet", "25", "Blink", "Android", "13", "mobile", "Samsung Internet on Android"),
        ),
        (
            "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
            Agent("Internet Explorer", "11", "Trident", "Windows", "7", "desktop", "Internet Explorer on Windows"),
        ),
        ("", Agent("", "", "", "", "", "other", "")),
    ],
)
def test_browsers_are_told_as_far_as_they_tell(reader: AgentReader, text: str, agent: Agent) -> None:
    """Family, honest version, engine, system and device; a version that is on every machine is not told."""
    assert reader.read(text) == agent


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (ios("Version/17.4 Mobile/15E148 Safari/604.1"), "17.4"),
        (ios("Version/18.6 Mobile/15E148 Safari/604.1", "18_6"), "18.6"),
        (ios("Version/26.1 Mobile/15E148 Safari/604.1", "18_6"), "26.1"),
        (ios("CriOS/145.0.7632.10 Mobile/15E148 Safari/604.1", "18_7"), ""),
        (ios("CriOS/145.0.7632.10 Mobile/15E148 Safari/604.1", "18_7_8"), "18.7"),
        (ios("Mobile/15E148 [FBAN/FBIOS;FBAV/500.0;FBSN/iOS;FBSV/26.2;FBSS/3]", "18_7"), "26.2"),
        (CHROME_ANDROID.replace("Android 10; K", "Android 10; SM-A105F"), "10"),
        (CHROME_WINDOWS.replace("NT 10.0", "NT 6.3"), "8.1"),
        (CHROME_WINDOWS.replace("NT 10.0", "NT 11.0"), ""),
    ],
)
def test_system_versions_are_true_or_not_told(reader: AgentReader, text: str, version: str) -> None:
    """A number is believed only where browsers still write the machine's own."""
    assert reader.read(text).os_version == version


@pytest.mark.parametrize(
    ("text", "browser"),
    [
        (ios("Mobile/15E148 Instagram 400.0.0.10 (iPhone15,2; iOS 17_4)"), "Instagram"),
        (ios("Mobile/15E148 [FBAN/FBIOS;FBAV/500.0]"), "Facebook"),
        (ios("Mobile/15E148 [FBAN/MessengerForiOS;FBAV/500.0]"), "Facebook Messenger"),
        (ios("Mobile/15E148 musical_ly_41.0 BytedanceWebview/d8a21c6"), "TikTok"),
        (ios("Mobile/15E148 MicroMessenger/8.0.49 NetType/WIFI"), "WeChat"),
        (ios("Mobile/15E148 Safari Line/14.3.0"), "LINE"),
        (ios("Mobile/15E148 [LinkedInApp]/9.29"), "LinkedIn"),
        (ios("FxiOS/157.0 Version/26.0 Mobile/15E148 Safari/604.1"), "Firefox"),
        (ios("CriOS/145.0 Mobile/15E148 Safari/604.1"), "Chrome"),
        (ios("GSA/300.0 Mobile/15E148 Safari/604.1"), "Google App"),
        (ios("Version/17.4 Mobile/15E148 Safari/604.1 Ddg/17.4"), "DuckDuckGo"),
        (ios("Mobile/15E148"), "WKWebView"),
        (android(" [FB_IAB/FB4A;FBAV/500.0;]"), "Facebook"),
        (android(" Instagram 400.0.0.10 Android"), "Instagram"),
        (android(""), "Chrome WebView"),
        (android(" NoxBrowser/2.1"), "Nox Browser"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/145.0.0.0 Safari/537.36", "Chrome"),
    ],
)
def test_apps_that_show_pages_are_named(reader: AgentReader, text: str, browser: str) -> None:
    """A page inside an app is the app's, not the system browser's that draws it."""
    assert reader.read(text).browser == browser


WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
SILK = CHROME_TAIL.replace("Chrome", "Silk/110.1 like Chrome")


@pytest.mark.parametrize(
    ("inside", "tail", "device", "system"),
    [
        ("iPad; CPU OS 16_6 like Mac OS X", "AppleWebKit/605.1.15 Version/16.6 Safari/604.1", "tablet", "iOS"),
        ("Linux; Android 13; SM-X710", CHROME_TAIL, "tablet", "Android"),
        ("Linux; Android 10; Lenovo TB-X606F", f"{WEBKIT} Chrome/120 Mobile Safari/537.36", "tablet", "Android"),
        ("Linux; Android 11; KFTRWI", SILK, "tablet", "Fire OS"),
        ("Linux; Android 9; AFTKA", SILK, "tv", "Fire OS"),
        ("Web0S; Linux/SmartTV", CHROME_TAIL, "tv", "webOS"),
        ("SMART-TV; Linux; Tizen 6.0", f"{WEBKIT} SamsungBrowser/2.2 Chrome/76.0 TV Safari/537.36", "tv", "Tizen"),
        ("Linux; Android 11; 43UCY2-G", CHROME_TAIL, "tv", "Android"),
        ("PlayStation 5/SmartTV", WEBKIT, "console", "PlayStation"),
        ("Nintendo Switch; WebApplet", f"{WEBKIT} NF/6.0.3 NintendoBrowser/5.1.0", "console", "Nintendo"),
        ("Windows NT 10.0; Win64; x64; Xbox; Xbox One", f"{CHROME_TAIL} Edg/120.0", "console", "Windows"),
        ("X11; Linux x86_64; Quest 3", f"{WEBKIT} OculusBrowser/30.0 VR Safari/537.36", "wearable", "Meta Horizon"),
        ("Linux; Android 11; SM-R890", f"{WEBKIT} Chrome/102.0 Mobile Safari/537.36", "wearable", "Wear OS"),
        ("X11; GNU/Linux", f"{CHROME_TAIL} Tesla/2024.2.7", "car", "Linux"),
        ("Mobile; Nokia 2720 Flip; rv:48.0", "Gecko/48.0 Firefox/48.0 KAIOS/2.5.4", "mobile", "KaiOS"),
        ("Linux; Android 9; Acer Chromebook R11 Build/R80", CHROME_TAIL, "desktop", "ChromeOS"),
    ],
)  # fmt: skip
def test_kinds_of_devices_are_told_apart(reader: AgentReader, inside: str, tail: str, device: str, system: str) -> None:
    """Telephones, tablets, televisions, consoles, wearables, cars; Android without "Mobile" is not always a tablet."""
    agent = reader.read(f"Mozilla/5.0 ({inside}) {tail}")
    assert (agent.device, agent.os) == (device, system)


WINDOWS_HINTS = Hints(
    brands='"Chromium";v="145", "Not:A-Brand";v="99", "Google Chrome";v="145"', mobile="?0", platform='"Windows"'
)


WINDOWS_11 = WINDOWS_HINTS._replace(platform_version='"15.0.0"')
BRAVE = Hints(brands='"Brave";v="145", "Chromium";v="145", "Not A(Brand";v="24"')
VIVALDI = Hints(brands='"Vivaldi";v="7"', full_versions='"Vivaldi";v="7.4.3684.55", "Chromium";v="145.0.7632.10"')
MOBILE = Hints(mobile="?1", platform='"Android"', platform_version='"15.0.0"', model='"Pixel 9"')
BOARD = Hints(mobile="?0", platform='"Android"', platform_version='"9.0.0"', model='"trogdor"')
NONSENSE = Hints(brands='\x00"";;v=, "\\";v="1"', platform="\\", platform_version="x", form_factors="?", mobile="1")


@pytest.mark.parametrize(
    ("text", "hints", "expected"),
    [
        (CHROME_WINDOWS, WINDOWS_HINTS, "Chrome 145, Windows, desktop"),
        (CHROME_WINDOWS, WINDOWS_11, "Chrome 145, Windows 11, desktop"),
        (CHROME_WINDOWS, WINDOWS_11._replace(platform_version='"10.0.0"'), "Chrome 145, Windows 10, desktop"),
        (CHROME_WINDOWS, WINDOWS_11._replace(platform_version='"0.3.0"'), "Chrome 145, Windows 8.1, desktop"),
        (CHROME_WINDOWS, BRAVE, "Brave 145, Windows, desktop"),
        (CHROME_WINDOWS, VIVALDI, "Vivaldi 7.4, Windows, desktop"),
        (CHROME_WINDOWS, Hints(platform='"macOS"', platform_version='"15.3.1"'), "Chrome 145, macOS 15.3, desktop"),
        (CHROME_WINDOWS, Hints(platform='"Linux"', platform_version='"6.8.0"'), "Chrome 145, Linux, desktop"),
        (CHROME_ANDROID, MOBILE, "Chrome 145, Android 15, mobile"),
        (CHROME_ANDROID.replace("Mobile ", ""), BOARD, "Chrome 145, ChromeOS, desktop"),
        (CHROME_ANDROID, Hints(form_factors='"Tablet"'), "Chrome 145, Android, tablet"),
        (android(""), Hints(app="com.instagram.android"), "Instagram, Android 14, mobile"),
        (android(""), Hints(app="com.opera.mini.native.beta"), "Opera Mini, Android 14, mobile"),
        (android(""), Hints(app="org.example.fancybrowser"), "Fancy Browser, Android 14, mobile"),
        (android(""), Hints(app="com.example.weather"), "Chrome WebView 145, Android 14, mobile"),
        (CHROME_WINDOWS, Hints(app="XMLHttpRequest"), "Chrome 145, Windows, desktop"),
        (CHROME_WINDOWS, NONSENSE, "Chrome 145, Windows, desktop"),
        (CHROME_ANDROID, Hints(model="\\1\\g<0>", app="<b>.browser"), "Chrome 145, Android, mobile"),
        (
            CHROME_ANDROID.replace("; K", "; KFTRWI"),
            MOBILE._replace(model="", platform_version="11"),
            "Chrome 145, Fire OS 8, tablet",
        ),
    ],
)
def test_hints_beat_the_frozen_string(reader: AgentReader, text: str, hints: Hints, expected: str) -> None:
    """What a browser says in its hints is believed before what it repeats in its string."""
    agent = reader.read(text, hints)
    browser = f"{agent.browser} {agent.browser_version}".strip()
    assert f"{browser}, {f'{agent.os} {agent.os_version}'.strip()}, {agent.device}" == expected


@pytest.mark.req("C1", "P8")
@pytest.mark.parametrize(
    "text",
    [
        *("203.0.113.77", "2001:db8:c5f4:d28b::77", "079 123 45 67", "4111 1111 1111 1111"),
        *("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "5d41402abc4b2a76b9719d911017c592"),
    ],
)
def test_a_brand_that_tells_a_person_is_no_name(reader: AgentReader, text: str) -> None:
    """A browser is named as its hint has it, so a hint may carry nothing that is replaced elsewhere."""
    assert brands(f'"{text}";v="1"') == ()
    told = reader.read("Mozilla/5.0", Hints(brands=f'"{text}";v="1"', app=text, platform=f'"{text}"'))
    assert text not in " ".join(told)


def test_made_up_brands_are_passed_over() -> None:
    """Chrome's GREASE in every spelling it has had, and the engine's own brand, name no browser."""
    spellings = (
        "Not A;Brand",
        " Not;A Brand",
        "Not/A)Brand",
        "(Not(A:Brand",
        "Not_A Brand",
        "Not=A?Brand",
        "Not:A-Brand",
    )
    assert all(is_grease(name) for name in spellings)
    assert not any(is_grease(name) for name in ("Google Chrome", "Norton Secure Browser", "Notable", "Brand"))
    assert brands('"Chromium";v="1", "Norton Secure Browser";v="2"') == (Brand("Norton Secure Browser", "2"),)
    assert brands('"<b>";v="1", "A \\" quote";v="2", "' + "x" * 50 + '";v="3"') == ()
    assert brands("Chrome") == ()
    assert form_factor('"Desktop", "XR"') == "wearable"
    assert form_factor("") == ""


def test_the_fast_parser_is_the_one_in_use(reader: AgentReader) -> None:
    """ua-parser runs on its Rust engine: the string whose spider stands past the slow engine's limit is one."""
    canary = (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 "
        "Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)"
    )
    found = Resolver(load_lazy_builtins())(canary, Domain.DEVICE).device
    assert found is not None
    assert found.family == "Spider"
    assert isinstance(reader._resolver, Resolver)
    assert isinstance(reader._resolver.ua, ua_parser_rs.UserAgentExtractor)


def test_a_long_string_is_cut(reader: AgentReader) -> None:
    """What stands beyond the bound is not read."""
    assert reader.read(CHROME_WINDOWS + " " * LONGEST_AGENT + "OPR/130.0").browser == "Chrome"


def test_any_text_is_read() -> None:
    """Odd bytes, megabytes and half-open brackets give an agent of short fields, never an error."""
    reader = AgentReader()
    for text in (
        "\x00\xff",
        "Mozilla/" * 10_000,
        "(((",
        "a/1 " * 500,
        "Browser/\ud800".encode("utf-8", "replace").decode(),
    ):
        agent = reader.read(text, Hints(*(text[:300],) * 8))
        limits = (64, 32, 32, 64, 32, 16, 128)
        assert all(len(value) <= limit for value, limit in zip(agent, limits, strict=True))
        assert re.fullmatch(r"desktop|mobile|tablet|tv|console|wearable|car|other", agent.device)
