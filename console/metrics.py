"""`/metrics` for Prometheus: how far loading is, where events went, what was answered. No site's name, no visitor.

Labels are spool names, outcome and reason words: closed sets, none of them from a request.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Metrics(Collector):
    """Reads the numbers at the moment they are asked for; keeps none itself."""

    def __init__(self, loader: Callable[[], Any], answered: Mapping[int, int], clock: Callable[[], int]) -> None:
        self._loader = loader
        self._answered = answered
        self._clock = clock
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self) -> bytes:
        """The exposition text."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Every family, read now."""
        state = self._loader()
        lag = GaugeMetricFamily("footfall_spool_lag_seconds", "Time since the newest loaded event.", labels=["spool"])
        pending = GaugeMetricFamily("footfall_spool_pending_events", "Acknowledged, not yet loaded.", labels=["spool"])
        for spool in state.spools:
            lag.add_metric([spool.name], max(0, self._clock() - spool.watermark) / 1000)
            pending.add_metric([spool.name], spool.pending)
        yield lag
        yield pending
        yield GaugeMetricFamily("footfall_open_batches", "Batches fixed and not yet proven.", value=state.open_batches)
        yield GaugeMetricFamily("footfall_loader_well", "1 if the loader's last step went well.", value=int(not state.error))
        yield self._events(state.accounts)
        answers = CounterMetricFamily("footfall_questions", "Answers of the Stats API.", labels=["status"])
        for status, count in sorted(self._answered.items()):
            answers.add_metric([str(status)], count)
        yield answers

    @staticmethod
    def _events(accounts: Any) -> Metric:
        family = CounterMetricFamily("footfall_events", "Where received events went.", labels=["outcome", "reason"])
        totals: dict[tuple[str, str], int] = {}
        for account in accounts:
            key = (account.outcome, account.reason)
            totals[key] = totals.get(key, 0) + account.events
        for (outcome, reason), count in sorted(totals.items()):
            family.add_metric([outcome, reason], count)
        return family
