"""Each agent string is read once, and no more of it is kept than a bounded memory."""

from typing import Final

from collector.agent import LONGEST_AGENT, AgentReader
from collector.bots import BotRules
from collector.client_hints import NO_HINTS, Hints
from collector.sender import Senders

FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


def test_a_sender_is_what_agent_and_rules_say() -> None:
    """The two readers' own answers, hints included, also the second time."""
    agents, bots = AgentReader(), BotRules()
    senders = Senders(agents, bots)
    hints = Hints(brands='"HeadlessChrome";v="142"', platform='"Windows"')
    for text, some in ((FIREFOX, NO_HINTS), (FIREFOX, hints), ("Googlebot/2.1", NO_HINTS), ("", NO_HINTS)):
        for _ in range(2):
            assert senders.read(text, some) == (agents.read(text, some), bots.rule(text, hints=some))


def test_strings_are_remembered_up_to_a_bound_and_shown_nowhere() -> None:
    """The oldest goes; no repr holds one; what is longer than any browser's is read and not remembered."""
    senders = Senders(AgentReader(), BotRules(), cache_size=2)
    for number in range(5):
        senders.read(f"{FIREFOX} secret-{number}")
    assert senders._remembered.cache_info().currsize == 2
    assert "secret" not in repr(senders)
    senders = Senders(AgentReader(), BotRules())
    assert senders.read(FIREFOX + " " * LONGEST_AGENT).agent.browser == "Firefox"
    senders.read(FIREFOX, Hints(platform="x" * 10_000))
    assert senders._remembered.cache_info().currsize == 0
