"""M-Bus Serial: what the ports counted, and their settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from markupsafe import escape

from appliance.line.branch import BranchSnapshot
from appliance.line.line import LineSnapshot
from appliance.line.statistics import PortStatistics
from appliance.settings import find
from tests.web.rig import HOSTILE, current_beside, line, row_of, text_of

if TYPE_CHECKING:
    from tests.web.rig import Web

STATISTICS, CONFIGURATION = "/serial/statistics", "/serial/configuration"

COUNTED = PortStatistics(
    rx_bytes=123456, rx_breaks=1, rx_parity_errors=2, rx_framing_errors=3, rx_overrun_errors=4, rx_no_buffer_errors=5,
    rx_queued=6, tx_bytes=789, tx_breaks=0, tx_queued=7,
)  # fmt: skip
ROWS = [
    ("Receiver bytes", "123456"),
    ("Transmitter bytes", "789"),
    ("Receiver breaks", "1"),
    ("Transmitter breaks", "0"),
    ("Receiver parity errors", "2"),
    ("Receiver framing errors", "3"),
    ("Receiver overrun errors", "4"),
    ("Receiver no-Rx-buffer errors", "5"),
    ("Queued receive bytes", "6"),
    ("Queued transmit bytes", "7"),
]


@pytest.fixture
def web(web: Web) -> Web:
    web.set_password()
    return web


def rows(page: str) -> list[tuple[str, ...]]:
    found = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', page)
    return [(text_of(label), *(text_of(cell) for cell in cells.split("</td>")[:-1])) for label, cells in found]


def test_one_port_has_a_row_for_each_counter(web: Web) -> None:
    web.device.line.value = LineSnapshot(2400, True, (BranchSnapshot("two-wire", "/dev/ttyAMA0", None, COUNTED),))
    assert rows(web.get(STATISTICS).text) == [("State", "in use"), *ROWS]


def test_two_ports_stand_side_by_side_and_one_that_does_not_count_says_so(web: Web) -> None:
    lost = "/dev/ttyUSB0: device disconnected"
    web.device.line.value = LineSnapshot(
        300,
        True,
        (
            BranchSnapshot("two-wire", "/dev/ttyAMA0", None, COUNTED),
            BranchSnapshot("optical", "/dev/ttyUSB0", lost, PortStatistics(rx_bytes=8, tx_bytes=9)),
        ),
    )
    page = web.get(STATISTICS).text
    assert '<th scope="col">Two-wire line</th><th scope="col">M-Bus IR</th>' in page
    other = ["8", "9", "not available", "0", *["not available"] * 6]
    assert rows(page) == [("State", "in use", lost), *((*row, value) for row, value in zip(ROWS, other, strict=True))]
    assert page.count('class="bad"') == 1
    keys = re.findall(r'data-live="([^"]+)"', page)
    assert len(keys) == len(set(keys)) == 22
    assert {"serial.two_wire_receiver_bytes", "serial.optical_state"} < set(keys)


def test_a_device_without_a_serial_port_says_so(web: Web) -> None:
    web.device.line.value = line(url="")
    assert rows(web.get(STATISTICS).text)[0] == ("State", "no serial port is configured")


def test_the_form_has_the_baud_rate_and_the_ports_with_their_current_values(web: Web) -> None:
    web.device.line.value = line("/dev/ttyAMA0: no such file", baud=300)
    page = web.get(CONFIGURATION).text
    assert re.findall(r'name="(line[^"]*)"', page) == ["line.baud_rate", "line.two_wire", "line.optical"]
    assert re.findall(r'<option value="(\d+)"( selected)?', row_of(page, "line.baud_rate")) == [
        ("300", ""),
        ("2400", " selected"),
    ]
    assert current_beside(page, "line.baud_rate") == "300 bit/s"  # what the line does, not what it was told
    assert current_beside(page, "line.two_wire") == "/dev/ttyAMA0: no such file"
    assert current_beside(page, "line.optical") == ""
    for label in ("Baud rate", "Two-wire line", "M-Bus IR"):
        assert f"<dt>{label}</dt>" in page


def test_what_is_right_is_saved_and_in_force(web: Web) -> None:
    settings = web.device.settings
    for name, typed in [
        ("line.baud_rate", "300"),
        ("line.baud_rate", "2400"),
        ("line.two_wire", "/dev/ttyUSB0"),
        ("line.two_wire", "rfc2217://192.0.2.7:2217"),
        ("line.optical", "socket://192.0.2.7:4001"),
        ("line.optical", ""),
    ]:
        answer = web.post(CONFIGURATION, {name: typed})
        assert (answer.status_code, answer.location) == (303, CONFIGURATION), (name, typed)
        setting = find(name)
        assert setting.type.format(settings.saved[setting]) == typed
        assert settings.in_force[setting] == settings.saved[setting]
        assert "The settings are saved." in web.get(CONFIGURATION).text


def test_what_is_wrong_is_refused_beside_the_field_and_nothing_changes(web: Web) -> None:
    before = web.device.settings.saved
    for name, typed in [
        ("line.baud_rate", "9600"),
        ("line.baud_rate", ""),
        ("line.two_wire", ""),
        ("line.two_wire", "ttyAMA0"),
        ("line.two_wire", "/dev/../etc/passwd"),
        ("line.optical", "spy:///dev/ttyAMA0?file=/tmp/log"),
        ("line.optical", "socket://192.0.2.7"),
        ("line.baud_rate", HOSTILE),
        ("line.two_wire", HOSTILE),
        ("line.optical", HOSTILE),
    ]:
        other = "line.optical" if name == "line.baud_rate" else "line.baud_rate"
        answer = web.post(CONFIGURATION, {other: "" if other == "line.optical" else "300", name: typed})
        assert answer.status_code == 400, (name, typed)
        assert 'class="error"' in row_of(answer.text, name), (name, typed)
        assert f'value="{escape(typed)}"' in row_of(answer.text, name), (name, typed)
        assert "<script>" not in answer.text
        assert web.device.settings.saved == before, (name, typed)


def test_a_form_that_lay_open_too_long_comes_back_with_what_was_typed(web: Web) -> None:
    token = web.token()
    web.now += 13 * 3600
    answer = web.post(CONFIGURATION, {"line.optical": "/dev/ttyUSB7", "form_token": token})
    assert answer.status_code == 403
    assert 'value="/dev/ttyUSB7"' in row_of(answer.text, "line.optical")


def test_a_hostile_fault_is_shown_as_text(web: Web) -> None:
    web.device.line.value = line("<script>alert(1)</script>")
    for path in (STATISTICS, CONFIGURATION):
        page = web.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
