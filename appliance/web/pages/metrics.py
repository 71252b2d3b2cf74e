"""The page that Prometheus scrapes: its text format, or OpenMetrics for one who asks for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from appliance.web.access import reads
from appliance.web.context import context
from appliance.web.measures import measures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from appliance.web.measures import Measure

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@reads
def metrics() -> Response:
    """Give all counters and gauges in the format that Accept asks for."""
    # Not loaded before somebody scrapes: few do, and it costs some megabytes.
    from prometheus_client.exposition import choose_encoder

    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(_Collected()), content_type=content_type)


class _Collected:
    """Stands for a registry of prometheus_client: nothing is registered, all is looked at when it is asked for."""

    def collect(self) -> Iterator[Metric]:
        """Give every family that has a sample."""
        here = context()
        for measure in measures(here.device, here.network()):
            if measure.samples:
                yield _family(measure)


def _family(measure: Measure) -> Metric:
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

    kind = CounterMetricFamily if measure.is_counter else GaugeMetricFamily
    family = kind(measure.name, measure.help, labels=measure.labels)
    for labels, value in measure.samples:
        family.add_metric(labels, value)
    return family
