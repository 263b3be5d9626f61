"""Counts and times for Prometheus; labels come from routes and the model's categories only, never from a request."""

import collections
from types import SimpleNamespace

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """Metrics of one worker of the service.

    Parameters
    ----------
    service : chatkit.service.service.Service
        The state of its log is read whenever the metrics are.
    """

    def __init__(self, service):
        self._service = service
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(self)
        self._requests = Counter("chatkit_requests", "Requests", ["route", "status"], registry=registry)
        self._seconds = Histogram(
            "chatkit_request_seconds", "Response time", ["route"], registry=registry, buckets=BUCKETS
        )
        self._messages = Counter("chatkit_messages", "Messages by predicted category", ["category"], registry=registry)
        for category in service.model.classes:
            self._messages.labels(category)

    def count_request(self, route, status, seconds):
        """Count a request that was answered."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count_predictions(self, categories):
        """Count predictions by category."""
        for category, messages in collections.Counter(categories).items():
            self._messages.labels(category).inc(messages)

    def collect(self):
        """Yield the metrics of the log; called by the registry."""
        log = self._service.log.state()
        for name, documentation, value in (
            ("queue", "Rows of the log in memory", log["queue"]),
            ("oldest_seconds", "How long the first has waited", log["oldest_seconds"]),
            ("works", "Whether its last write worked", bool(log["last_write"] and log["last_write"]["worked"])),
        ):
            yield GaugeMetricFamily(f"chatkit_log_{name}", documentation, value)
        yield CounterMetricFamily("chatkit_log_dropped", "Rows of the log that are lost", log["dropped"])
        failed = bool(self._service.reload_error)
        yield GaugeMetricFamily("chatkit_reload_failed", "Whether the last model was refused", failed)

    def worker_text(self):
        """Return this worker's metrics in Prometheus' text format."""
        return generate_latest(self._registry).decode()

    def text(self):
        """Return the metrics of all workers in Prometheus' text format, as bytes, with the label ``worker``."""
        texts = {number: text for number, text in enumerate(self._service.ask_all(b"m")) if text}
        merged = {"": GaugeMetricFamily("chatkit_workers_answering", "Workers that answer", len(texts))}
        for number, text in texts.items():
            for family in text_string_to_metric_families(text):
                metric = merged.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    metric.add_sample(sample.name, sample.labels | {"worker": str(number)}, sample.value)
        return generate_latest(SimpleNamespace(collect=merged.values))
