"""What the console is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """Settings of the console process."""

    query_rate: float = 600.0
    """Questions a minute that one stats key may ask."""
    geo_attribution: str = ""
    """Line of credit that the installed city database asks for; shown where places are."""
