"""The whole device: its own judgement of its health, and a trial from end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.supervision.restart import Kind
from appliance.wiring import ailments
from tests.appliance_rig import Appliance, running

if TYPE_CHECKING:
    from pathlib import Path


def test_a_device_in_order_has_no_ailments(tmp_path: Path) -> None:
    with running(tmp_path) as appliance:
        device = appliance.device
        appliance.wait_for(lambda: not ailments(device, host="127.0.0.1"), "all to be well")
        assert not device.updater.snapshot().is_available
        # What a customer has switched off, or not plugged in, is no fault of the firmware.
        appliance.far.unplug()
        device.settings.set({"tunnel.accept_mode": "disabled"}, save=False)
        appliance.wait_for(lambda: device.tunnel.snapshot().port is None, "the tunnel to close")
        assert ailments(device, host="127.0.0.1") == ()
        device.settings.set({"http.enabled": "off"}, save=False)
        appliance.wait_for(lambda: device.http.snapshot().http_port is None, "the web server to close")  # type: ignore[union-attr] # it was started
        assert ailments(device, host="127.0.0.1") == ()


def test_what_does_not_serve_is_an_ailment(tmp_path: Path) -> None:
    with running(tmp_path) as appliance:
        device = appliance.device
        device.supervisor.faults = ("service link was restarted 3 times",)
        assert "service link was restarted 3 times" in ailments(device, host="127.0.0.1")
        # Nobody listens there: as when the web server accepts no connection.
        assert "the web server does not answer" in " ".join(ailments(device, host="127.0.0.99"))


def test_what_has_not_come_up_is_an_ailment(tmp_path: Path) -> None:
    appliance = Appliance(tmp_path)
    try:
        said = ailments(appliance.device, host="127.0.0.1")
    finally:
        appliance.stop()
    assert said == (
        "the tunnel does not listen (No serial line: not opened yet)",
        "the web server does not listen",
    )


def test_the_updater_reboots_the_device_for_new_firmware(tmp_path: Path) -> None:
    with running(tmp_path) as appliance:
        appliance.device.updater.reboot("new firmware was installed")
        appliance.await_end()
    from appliance.supervision.journal import RestartJournal

    journal = RestartJournal(tmp_path / "state")
    journal.begin()
    assert journal.last is not None
    assert (journal.last.kind, journal.last.why) == (Kind.UPDATE, "new firmware was installed")
