"""The page for Prometheus parses, keeps to the naming rules, and counts what was counted."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text

from appliance.line.branch import BranchSnapshot
from appliance.line.line import LineSnapshot
from appliance.line.statistics import PortStatistics
from appliance.product import Product
from appliance.tunnel.statistics import ClientSnapshot, Counters
from tests.web.api.rig import furnished
from tests.web.rig import HOSTILE, Web, network, tunnel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric


def parse_openmetrics(text: str) -> Iterable[Metric]:
    return openmetrics_parser.text_string_to_metric_families(text)  # type: ignore[no-any-return,no-untyped-call]


OPENMETRICS = "application/openmetrics-text; version=1.0.0"
BASE_UNITS = ("bytes", "seconds", "bits_per_second")


@pytest.fixture
def full(web: Web) -> Web:
    return furnished(web)


def samples(families: Iterable[Metric]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def scraped(web: Web) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = web.get("/metrics")
    assert answer.status_code == 200
    return samples(parse_text(answer.text))


def test_both_formats_say_the_same(full: Web) -> None:
    plain, modern = full.get("/metrics"), full.get("/metrics", headers={"Accept": OPENMETRICS})
    assert plain.content_type.startswith("text/plain; version=")
    assert modern.content_type.startswith("application/openmetrics-text")
    assert modern.text.endswith("# EOF\n")
    assert samples(parse_text(plain.text)) == samples(parse_openmetrics(modern.text))
    assert len(samples(parse_text(plain.text))) > 40


def test_names_help_and_types(full: Web) -> None:
    families = list(parse_openmetrics(full.get("/metrics", headers={"Accept": OPENMETRICS}).text))
    for family in families:
        assert re.fullmatch(r"cme3000_[a-z]+(_[a-z]+)*", family.name)
        assert family.documentation.endswith(".")
        assert family.type in ("counter", "gauge")
        for sample in family.samples:
            assert sample.name.endswith("_total") is (family.type == "counter")
    names = {family.name for family in families}
    assert any(name.endswith(unit) for name in names for unit in BASE_UNITS)
    assert not [name for name in names if re.search(r"octets|_ms$|milli|kilo|mbit", name)]


def test_the_counts(full: Web) -> None:
    full.device.tunnel.value = replace(
        tunnel("Connected 192.0.2.7:1", ClientSnapshot("192.0.2.7:1", False, True, 3.0)),
        counters=Counters(completed_accepts=7, dropped_accepts=2, octets_from_serial=1234),
    )
    full.device.line.value = LineSnapshot(
        300,
        True,
        (
            BranchSnapshot("two-wire", "/dev/a", None, PortStatistics(rx_bytes=55, rx_parity_errors=3)),
            BranchSnapshot("optical", "", "not opened yet", PortStatistics()),
        ),
    )
    found = scraped(full)
    assert found["cme3000_tunnel_accepts_total", ()] == 7
    assert found["cme3000_tunnel_dropped_accepts_total", ()] == 2
    assert found["cme3000_tunnel_from_serial_bytes_total", ()] == 1234
    assert found["cme3000_tunnel_clients", ()] == 1
    assert found["cme3000_line_receive_bytes_total", (("port", "two-wire"),)] == 55
    assert found["cme3000_line_errors_total", (("kind", "parity"), ("port", "two-wire"))] == 3
    assert found["cme3000_line_speed_bits_per_second", ()] == 300
    assert found["cme3000_http_receive_bytes_total", ()] == 12
    assert found["cme3000_link_speed_bits_per_second", ()] == 100e6
    assert found["cme3000_led_lit", (("led", "ERR"),)] == 0
    assert found["cme3000_led_lit", (("led", "ACT"),)] == 1
    assert found["cme3000_service_restarts_total", (("service", "tunnel"),)] == 2
    assert found["cme3000_settings_saved", ()] == 1
    assert not [key for key in found if ("port", "optical") in key[1]]


def test_what_is_not_known_is_left_out(full: Web) -> None:
    full.device.network = network(has_carrier=None, link_modes=None)
    full.device.panel = full.device.http = None
    full.device.line.value = LineSnapshot(
        2400, True, (BranchSnapshot("two-wire", "socket://x:1", None, PortStatistics()),)
    )
    names = {name for name, _ in scraped(full)}
    absent = ("link_up", "link_speed", "led_lit", "http_", "line_errors", "address_lease")
    assert not [name for name in names if name.startswith(tuple(f"cme3000_{prefix}" for prefix in absent))]


def test_hostile_text_in_a_label(full: Web) -> None:
    full.device.product = Product(serial_number=HOSTILE, board='a"b\\c\nd')
    answer = full.get("/metrics")
    assert answer.mimetype == "text/plain"
    info = next(labels for name, labels in scraped(full) if name == "cme3000_build_info")
    assert dict(info)["serial_number"] == HOSTILE
    assert dict(info)["board"] == 'a"b\\c\nd'


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "application/json", "\x00,,;q=", "x" * 3000])
def test_any_wish_is_answered(full: Web, accept: str) -> None:
    answer = full.get("/metrics", headers={"Accept": accept})
    assert answer.content_type.startswith("text/plain")


def test_no_other_site_and_no_stranger(full: Web) -> None:
    assert full.client.get("/metrics").status_code == 403
    assert full.client.post("/metrics", environ_overrides=full.environ()).status_code == 405


def test_prometheus_is_not_loaded_before_somebody_scrapes() -> None:
    program = "import sys, appliance.web.app; print('prometheus_client' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout == "False\n"
