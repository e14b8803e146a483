"""`GET /c/<site>/texts?lang=…`: what banner and preferences say on this connection, in one of ten languages.

Generated from the site's settings and the gate; it says in the same answer which policy holds here and whether a
signal was seen, so that a page asks once.
"""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from collector.answers import as_json, problem
from collector.choosing import Choosing, respond
from collector.opened import Opened, opened, purposes
from collector.registry import ServedSite
from collector.texts import Words, choose_language, fill, period, read_texts
from control_store.policies import Policy, strictest_first
from control_store.site_settings import SiteSettings
from event_catalogue.topics import topics_of

_NO_SITE: Final = problem(404, "No site has this key; copy the snippet from the console again.")
_ASKING: Final[tuple[Policy, ...]] = ("opt_in", "cookieless", "opt_out")


class ChoiceTexts:
    """The handler of `/c/<site>/texts`."""

    def __init__(self, choosing: Choosing) -> None:
        self._choosing = choosing
        self._texts = read_texts()

    async def serve(self, request: Request) -> Response:
        """The texts, with what holds here."""
        standing = self._choosing.standing(request)
        if standing is None:
            return respond(_NO_SITE)
        if standing.refused:
            return respond(standing.refused)
        language = choose_language(request.query_params.get("lang", "")[:200].split(","))
        policies = strictest_first(standing.policies)
        content = choice_texts(standing.served, policies, self._texts[language])
        # Nobody asks a child, however strict the site's own policy is.
        policy = "under_16" if "under_16" in policies else policies[0]
        state = {"policy": policy, "gpc": standing.facts.gpc}
        return respond(as_json({"lang": language, **state, **content}))


def choice_texts(served: ServedSite, policies: tuple[Policy, ...], words: Words) -> dict[str, Any]:
    """Everything that the browser shows, filled for this site."""
    settings = served.settings
    found = opened(settings, policies)
    values = {"site": served.site.domain, "period": period(words, settings.raw_days)}
    signal = words["words.signal_drop" if settings.gpc == "drop" else "words.signal_limit"]
    plain = {key.removeprefix("words."): text for key, text in words.items() if key.startswith("words.")}
    if settings.shares:
        # There a refusal is remembered by two cookies.
        plain["saved_declined"] = plain["saved_unshared"]
    left_out = {name for name in plain if name.startswith(("signal_", "period_", "saved_unshared"))}
    return {
        "words": {name: text for name, text in plain.items() if name not in left_out} | {"signal": signal},
        "ask": {policy: _ask(words, policy, settings, values) for policy in _ASKING if policy == policies[0]},
        "unasked": [words[f"topics.{topic}"] for topic in topics_of(found.unasked)],
        "purposes": [_purpose(words, name, found) for name in purposes(settings)],
        "dnt": settings.dnt,
    }


def _ask(words: Words, policy: Policy, settings: SiteSettings, values: dict[str, str]) -> list[str]:
    text = words[f"ask.{policy}.{'more' if 'ads' in purposes(settings) else 'text'}"]
    buttons = [words.get(f"ask.{policy}.{name}", words[f"words.{name}"]) for name in ("decline", "accept")]
    return [fill(words[f"ask.{policy}.title"], **values), fill(text, **values), *buttons]


def _purpose(words: Words, name: str, found: Opened) -> list[Any]:
    fields = {"statistics": found.statistics, "ads": found.ads}.get(name, frozenset())
    opens = [words[f"topics.{topic}"] for topic in topics_of(fields)]
    return [name, words[f"purpose.{name}.label"], words[f"purpose.{name}.text"], opens]
