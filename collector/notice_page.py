"""`GET /privacy/<site>`: the living notice as a page and as JSON, in ten languages, with the visitor's own choice.

Made of what the core has published; a site whose notice is not there yet is answered 503, never with an empty page.
The page works without a script: on an address of the site itself its buttons record a choice (`POST /c/<site>`), else
it says where the site keeps it.
"""

from importlib import resources
from pathlib import Path
from typing import Any, Final

import jinja2
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from collector.answers import Answer, Headers, as_json, problem
from collector.choosing import Choosing, Standing, is_first_party, respond, signal_text
from collector.notice import Facts, decode_facts
from collector.notice_words import day_text, iso_day, notice_content
from collector.texts import LANGUAGES, Words, choose_language, fill, read_texts
from collector.thanks import notice_style
from control_store.notice_file import NoticeFile, Revision, read_notice

_NO_SITE: Final = problem(404, "No site has this key; copy the address of the notice from the console again.")
_NO_VERSION: Final = problem(
    404, "There is no such version; leave `version` out for the one in force.", field="version"
)
_NOT_YET: Final = problem(503, "The notice is not published yet: the core does so when it starts.", retry_after=2)
_NATIVE: Final = dict(
    zip(
        LANGUAGES,
        "English Deutsch Français Español Italiano Português Nederlands Polski Svenska 日本語".split(),
        strict=True,
    )
)
_JSON: Final = ".json"


class NoticePage:
    """The handlers of `/privacy/…`."""

    def __init__(self, choosing: Choosing, directory: Path) -> None:
        self._choosing = choosing
        self._directory = directory
        self._texts = read_texts()
        self._schema = (resources.files("collector") / "templates" / "notice.schema.json").read_bytes()
        self._page = jinja2.Environment(
            loader=jinja2.PackageLoader("collector", "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        ).get_template("notice.html")
        self._style, allowed = notice_style()
        self._policy = (
            f"default-src 'none'; {allowed}; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )

    async def serve(self, request: Request) -> Response:
        """The notice in force, or the version of `?version=`; JSON for `<site>.json` or who accepts that first."""
        name = request.path_params["site"]
        request.path_params["site"] = name.removesuffix(_JSON)
        standing = self._choosing.standing(request)
        if standing is None:
            return respond(_NO_SITE)
        if standing.refused:
            return respond(standing.refused)
        try:
            file = read_notice(self._directory / f"{standing.served.site.key}.notice")
        except (OSError, msgspec.DecodeError):
            return respond(_NOT_YET)
        revision = _revision(file, request.query_params.get("version"))
        if revision is None:
            return respond(_NO_VERSION)
        asked = [request.query_params.get("lang", ""), *request.headers.get("accept-language", "").split(",")]
        language = choose_language(asked)
        facts, words = decode_facts(revision.facts), self._texts[language]
        content = notice_content(facts, words, language, file, revision)
        if name.endswith(_JSON) or request.headers.get("accept", "").startswith("application/json"):
            return respond(as_json(content | {"here": _here(standing)}))
        return respond(self._html(request, standing, facts, content))

    async def schema(self, _request: Request) -> Response:
        """The JSON Schema of the notice's JSON."""
        return Response(self._schema, media_type="application/schema+json")

    def _html(self, request: Request, standing: Standing, facts: Facts, content: dict[str, Any]) -> Answer:
        language = content["language"]
        words = self._texts[language]

        def say(key: str, **values: object) -> str:
            return fill(words[key], site=facts.site, **values)

        body = self._page.render(
            content,
            style=self._style,
            say=say,
            day=lambda text: day_text(text, language),
            device=_device(request, words, language) if is_first_party(standing.served, request) else None,
            signal=signal_text(standing.served.settings, standing.facts, words),
            key=standing.served.site.key,
            languages=[(one, _NATIVE[one]) for one in LANGUAGES],
        ).encode()
        headers: Headers = [
            (b"cache-control", b"no-store"),
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-security-policy", self._policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"content-language", language.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        return Answer(200, headers, body)


def _revision(file: NoticeFile, version: str | None) -> Revision | None:
    """The last revision of a version; the one in force if none is named."""
    found = [one for one in file.revisions if version in (None, one.version)]
    return found[-1] if found else None


def _here(standing: Standing) -> dict[str, Any]:
    return {"policy": standing.policies[0], "region": standing.region, "gpc": standing.facts.gpc}


def _device(request: Request, words: Words, language: str) -> list[str]:
    """What this browser remembers of its choice, read on the site's own address alone; the receipt's number with it."""
    jar = request.cookies
    receipt, _, told = jar.get("ff_receipt", "").partition(":")
    found = []
    if "ff_optout" in jar:
        found.append(words["words.is_objected"])
    elif "ff_choice" in jar:
        found.append(_dated(words["words.is_refused"], jar["ff_choice"].split(":")[1:], language))
    elif receipt:
        found += [_dated(words["words.is_granted"], told.split(":"), language), f"{words['words.receipt']} {receipt}"]
    return found or [words["words.is_open"]]


def _dated(text: str, told: list[str], language: str) -> str:
    """`[version, day, ...]` as a cookie holds them; what is no day is left out."""
    version, day = (*told, "", "")[:2]
    known = day.isascii() and day.isdigit() and len(day) < 7
    date_text = day_text(iso_day(int(day)), language) if known else ""
    return fill(text, version=version, date=date_text)
