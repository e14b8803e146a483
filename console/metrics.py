"""`/metrics` for Prometheus: how far loading is, where events went, what was answered. No site's name, no visitor.

Labels are spool names, outcome and reason words: closed sets, none of them from a request.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from control_store.accounting import published, published_spools
from control_store.tables import ControlStore


class Metrics(Collector):
    """Reads the numbers at the moment they are asked for; keeps none itself."""

    def __init__(
        self, store: ControlStore, trouble: Callable[[], str], answered: Mapping[int, int], clock: Callable[[], int]
    ) -> None:
        self._store = store
        self._trouble = trouble
        self._answered = answered
        self._clock = clock
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self) -> bytes:
        """The exposition text."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Every family, read now."""
        lag = GaugeMetricFamily("footfall_spool_lag_seconds", "Time since the newest loaded event.", labels=["spool"])
        pending = GaugeMetricFamily("footfall_spool_pending_events", "Acknowledged, not yet loaded.", labels=["spool"])
        for spool in published_spools(self._store):
            if spool.watermark > 0:  # nothing was loaded yet: there is no lag to speak of
                lag.add_metric([spool.name], max(0, self._clock() - spool.watermark) / 1000)
            pending.add_metric([spool.name], spool.pending)
        yield lag
        yield pending
        well = int(not self._trouble())
        yield GaugeMetricFamily("footfall_loader_well", "1 while the loader's last step went well.", value=well)
        yield from self._events()
        answers = CounterMetricFamily("footfall_questions", "Answers of the Stats API.", labels=["status"])
        for status, count in sorted(self._answered.items()):
            answers.add_metric([str(status)], count)
        yield answers

    def _events(self) -> Iterator[Metric]:
        family = CounterMetricFamily("footfall_events", "Where received events went.", labels=["outcome", "reason"])
        totals: Counter[tuple[str, str]] = Counter()
        told = published(self._store)
        for (_site, _day, outcome, reason), events in told.accounts.items():
            if outcome != "received":
                totals[outcome, reason] += events
        for (outcome, reason), count in sorted(totals.items()):
            family.add_metric([outcome, reason], count)
        yield family
        places = GaugeMetricFamily("footfall_stored_events", "Stored events that were loaded.", labels=["place"])
        places.add_metric(["warehouse"], sum(rows for rows, _ in told.rows.values()))
        places.add_metric(["purged"], sum(gone.purged for gone in told.gone.values()))
        places.add_metric(["erased"], sum(gone.erased for gone in told.gone.values()))
        places.add_metric(["lost"], sum(gone.lost for gone in told.gone.values()))
        yield places
