"""The values that follow by themselves are those of the page, on every page, in every language."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from appliance.httpd.statistics import HttpCounters, HttpSnapshot
from appliance.panel.rhythm import Rhythm
from appliance.recorder import History
from appliance.recorder.history import PERIOD
from appliance.supervision.ward import WardSnapshot
from appliance.web.access import rule_of
from appliance.web.pages.live import MOST_KEYS
from appliance.web.pages.status import all_rows
from appliance.web.row import Row
from tests.web.rig import HOSTILE, Showing, Web, line, network, panel, tunnel

if TYPE_CHECKING:
    from collections.abc import Iterator

CELL = re.compile(r'<(?P<tag>\w+) data-live="(?P<key>[^"]*)">(?P<text>[^<]*)</(?P=tag)>')


@pytest.fixture
def busy(web: Web) -> Web:
    """A device with something in every row."""
    web.device.line.value = line()
    web.device.http = Showing(
        HttpSnapshot("On (running)", True, 80, None, 3, 1, HttpCounters(rx_bytes=12, tx_bytes=34))
    )
    web.device.wards = (
        WardSnapshot("tunnel", True, 0, None, None),
        WardSnapshot("web", False, 3, "hangs", 1_700_000_000.0),
    )
    return web


def pages(web: Web) -> Iterator[str]:
    for route in web.app.url_map.iter_rules():
        rule = rule_of(web.app, route.endpoint)
        if rule is not None and not rule.changes and not route.arguments and not route.rule.startswith("/live"):
            yield route.rule


def live(web: Web, *keys: str, **options: Any) -> dict[str, Any]:
    answer = web.get(f"/live?keys={','.join(keys)}", **options)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_value_of_every_page_can_be_asked_for_and_is_the_same(busy: Web, language: str) -> None:
    headers = {"Accept-Language": language}
    seen: set[str] = set()
    for path in pages(busy):
        answer = busy.get(path, headers=headers)
        if answer.mimetype != "text/html":
            continue
        marks = re.findall(r'data-live="([^"]*)"', answer.text)
        cells = {cell["key"]: html.unescape(cell["text"]) for cell in CELL.finditer(answer.text)}
        assert set(cells) == set(marks), f"{path}: a value with markup in it"
        found = live(busy, *cells, headers=headers)["values"]
        assert {key: value["text"] for key, value in found.items()} == cells, path
        looks = dict(re.findall(r'data-look="(\w*)" data-live-look="([^"]*)"', answer.text))
        assert all(found[key]["look"] == look for look, key in looks.items())
        seen |= set(cells)
    assert {key.partition(".")[0] for key in seen} >= {"status", "panel", "network", "tunnel", "serial", "http"}
    assert len(seen) > 80


def test_source_remark_and_fault_come_along(busy: Web) -> None:
    busy.device.line.value = line("unplugged")
    found = live(busy, "status.address", "status.two-wire", "status.domain")["values"]
    assert found == {
        "status.address": {"text": "192.168.1.5/24", "source": "DHCP"},
        "status.two-wire": {"text": "unplugged", "note": "/dev/ttyAMA0", "bad": True},
        "status.domain": {"text": "<None>"},
    }


def test_the_leds_with_their_rhythm(busy: Web) -> None:
    assert live(busy, "panel.act", "panel.err")["values"] == {
        "panel.act": {"text": "blinking", "note": "communication under way", "look": "flicker"},
        "panel.err": {"text": "off", "note": "no fault", "look": "off"},
    }
    shown = panel()
    leds = tuple(replace(led, rhythm=Rhythm.SHORT_BLINK) for led in shown.leds)
    busy.device.panel = Showing(replace(shown, leds=leds))
    assert live(busy, "panel.err")["values"]["panel.err"]["look"] == "short_blink"
    busy.device.panel = None
    assert live(busy, "panel.err")["values"] == {}


def test_what_is_not_asked_for_is_not_told_and_what_there_is_not_is_left_out(busy: Web) -> None:
    assert live(busy)["values"] == {}
    keys = ("nix", "nix.nix", "tunnel.", "tunnel.nix", ".", "tunnel", "<script>", "x" * 3000, "tunnel.port")
    assert list(live(busy, *keys)["values"]) == ["tunnel.port"]
    assert busy.get("/live?keys=" + "," * MOST_KEYS).status_code == 400
    assert busy.get("/live").get_json()["values"] == {}


def test_hostile_text_is_text(busy: Web) -> None:
    busy.device.tunnel.value = tunnel(f"Connected {HOSTILE}")
    answer = busy.get("/live?keys=tunnel.accept_state")
    assert answer.mimetype == "application/json"
    assert answer.get_json()["values"]["tunnel.accept_state"]["text"] == f"Connected {HOSTILE}"
    assert "Set-Cookie" not in answer.headers


def test_the_mark_changes_when_a_banner_would(busy: Web) -> None:
    page = busy.get("/tunnel/statistics").text
    first = live(busy)["state"]
    assert f'data-state="{first}"' in page
    marks = [first, live(busy)["state"]]
    assert marks[0] == marks[1]
    busy.device.uptime += 1000
    busy.device.tunnel.value = tunnel("Connected 192.0.2.7:1")
    assert live(busy)["state"] == first
    busy.device.faults = ("the disk is full",)
    marks.append(live(busy)["state"])
    busy.device.network = network(troubles=("no DHCP server has answered",))
    marks.append(live(busy)["state"])
    busy.device.settings.set({"tunnel.port": "10005"}, save=False)
    marks.append(live(busy)["state"])
    busy.device.settings.save()
    marks.append(live(busy)["state"])
    busy.set_password()
    marks.append(live(busy)["state"])
    assert len(set(marks)) == 6


def test_a_row_has_a_key_of_its_own(busy: Web) -> None:
    with busy.app.test_request_context("/"):
        rows = all_rows()
    keys = [row.live for row in rows if row.live]
    assert len(keys) == len(set(keys)) > 15
    assert Row("a", "b").live == ""


def test_the_history_of_a_span(web: Web) -> None:
    now, count = [0.0], [0]
    web.device.history = History(
        counters={"line_rx_bytes": lambda: count[0]},
        gauges={"link_up": lambda: None},
        clock=lambda: now[0],
        wall=lambda: now[0] + 1_700_000_000,
    )
    for _ in range(3):
        web.device.history.sample()
        now[0] += PERIOD
        count[0] += 50
    assert web.get("/live/history?span=hour").get_json() == {
        "ends": [1_700_000_020, 1_700_000_040],
        "seconds": [20.0, 20.0],
        "rates": {"line_rx_bytes": [2.5, 2.5], "link_up": [None, None]},
    }
    for span in ("day", "week"):
        assert web.get(f"/live/history?span={span}").status_code == 200
    for span in ("", "year", "HOUR", "<script>"):
        assert web.get("/live/history", query_string={"span": span}).status_code == 400


def test_who_was_not_admitted_learns_nothing(web: Web) -> None:
    for path in ("/live?keys=tunnel.port", "/live/history"):
        assert web.client.get(path).status_code == 403
