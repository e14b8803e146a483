"""Who sent a beacon, as far as agent string and hints tell: browser, system, device, and the rule for machines.

Strings repeat, so what was read of one is remembered: in memory alone, bounded, gone with the process.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from collector.agent import LONGEST_AGENT, Agent, AgentReader, Hints
from collector.bots import BotRules
from collector.client_hints import LONGEST_HINT, NO_HINTS

_LONGEST_TOGETHER: Final = 4 * LONGEST_HINT
"""Characters of all hints of a request; browsers send a third of it."""


class Sender(NamedTuple):
    """What is stored of an agent, and the rule that takes its string for a machine's ("" for people)."""

    agent: Agent
    rule: str


class Senders:
    """Reads each agent string once. One for a process."""

    def __init__(self, agents: AgentReader, bots: BotRules, cache_size: int = 10_000) -> None:
        self._agents = agents
        self._bots = bots
        self._remembered = lru_cache(maxsize=cache_size)(self._read)

    def read(self, user_agent: str, hints: Hints = NO_HINTS) -> Sender:
        """The sender behind a User-Agent header and its hints. What no browser is as long as is not remembered."""
        if len(user_agent) > LONGEST_AGENT or (hints is not NO_HINTS and len("".join(hints)) > _LONGEST_TOGETHER):
            return self._read(user_agent, hints)
        return self._remembered(user_agent, hints)

    def _read(self, user_agent: str, hints: Hints) -> Sender:
        return Sender(self._agents.read(user_agent, hints), self._bots.agent_rule(user_agent, hints))
