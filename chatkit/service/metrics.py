"""Counts and times for Prometheus; labels come from routes and the model's categories only, never from a request."""

import collections
from types import SimpleNamespace

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Metrics of a worker of the service.

    Parameters
    ----------
    service : chatkit.service.service.Service
        Asked for the state of its log whenever the metrics are.
    """

    def __init__(self, service):
        self._service, self._registry = service, CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(self)
        self._requests = Counter(
            "chatkit_requests", "Requests by route and status", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "chatkit_request_seconds", "Time to an answer", ["route"], registry=self._registry, buckets=BUCKETS
        )
        self._messages = Counter(
            "chatkit_messages", "Messages by predicted category", ["category"], registry=self._registry
        )
        for category in service.model.classes:
            self._messages.labels(category)

    def answered(self, route, status, seconds):
        """Count a request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def sorted(self, categories):
        """Count predictions."""
        for category, messages in collections.Counter(categories).items():
            self._messages.labels(category).inc(messages)

    def collect(self):
        """Give the log's numbers; called by the registry."""
        service = self._service
        log = service.log.state()
        yield GaugeMetricFamily("chatkit_log_queue", "Rows of the log in memory", log["queue"])
        yield GaugeMetricFamily("chatkit_log_oldest_seconds", "How long the first has waited", log["oldest_seconds"])
        yield CounterMetricFamily("chatkit_log_dropped", "Rows of the log that are lost", log["dropped"])
        worked = bool(log["last_write"] and log["last_write"]["worked"])
        yield GaugeMetricFamily("chatkit_log_works", "Whether its last write worked", worked)
        yield GaugeMetricFamily(
            "chatkit_reload_failed", "Whether the last model was refused", bool(service.reload_error)
        )

    def families(self):
        """Return this worker's metrics as plain data: for each its name, type, help, and samples.

        Returns
        -------
        list of list
        """
        return [
            [
                family.name,
                family.type,
                family.documentation,
                [[one.name, one.labels, one.value] for one in family.samples],
            ]
            for family in self._registry.collect()
        ]

    def text(self):
        """Return the metrics of all workers in Prometheus' text format, as bytes; a label says whose they are."""
        by_worker = self._service.families()
        answering = GaugeMetricFamily("chatkit_workers_answering", "Workers that are heard of", len(by_worker))
        found = {answering.name: answering}
        for number, families in by_worker.items():
            for name, kind, said, samples in families:
                family = found.setdefault(name, Metric(name, said, kind))
                for sample, labels, value in samples:
                    family.add_sample(sample, labels | {"worker": str(number)}, value)
        return generate_latest(SimpleNamespace(collect=found.values))
