"""The page that Prometheus scrapes: its text format, or OpenMetrics for one who asks for that."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, request

from appliance.web.access import reads
from appliance.web.context import context
from appliance.web.firmware_measures import firmware_measures
from appliance.web.measures import measures
from appliance.web.meter_measures import MeterValues, meter_measures, publisher_measures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from appliance.web.measure import Measure

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@reads
def metrics() -> Response:
    """Give all counters and gauges in the format that Accept asks for."""
    # Not loaded before somebody scrapes: few do, and it costs some megabytes.
    from prometheus_client.exposition import choose_encoder

    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    values = current_app.extensions.setdefault("meter_values", MeterValues())
    return Response(encode(_Collected(values)), content_type=content_type)


class _Collected:
    """Stands for a registry of prometheus_client: nothing is registered, all is looked at when it is asked for."""

    def __init__(self, values: MeterValues) -> None:
        self._values = values

    def collect(self) -> Iterator[Metric]:
        """Give every family that has a sample."""
        here = context()
        device = here.device
        meters = meter_measures(device.meters, self._values)
        publisher = publisher_measures(device.publisher.snapshot())
        firmware = firmware_measures(device.updater.snapshot())
        for measure in itertools.chain(measures(device, here.network()), firmware, meters, publisher):
            if measure.samples:
                yield family_of(measure)


def family_of(measure: Measure) -> Metric:
    """Make what prometheus_client writes of a family."""
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

    kind = CounterMetricFamily if measure.is_counter else GaugeMetricFamily
    family = kind(measure.name, measure.help, labels=measure.labels)
    for labels, value in measure.samples:
        family.add_metric(labels, value)
    return family
