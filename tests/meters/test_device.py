"""The meters as a part of the whole device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.errors import SaveFailed
from appliance.meters.database import NAME
from appliance.settings import FactoryVariant
from appliance.supervision.restart import Kind
from tests.appliance_rig import Appliance, running
from tests.meters.rig import litres, telegram

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def _reset(appliance: Appliance) -> None:
    appliance.device.restore_factory_defaults(FactoryVariant.DHCP, kind=Kind.REBOOT, why="by the test")
    appliance.await_end()


def test_factory_defaults_forget_the_meters_of_the_former_owner(tmp_path: Path) -> None:
    with running(tmp_path) as appliance:
        meters = appliance.device.meters
        key = meters.add({"name": "Mrs Miller", "primary": "9", "interval": "0"}).key
        from appliance.readout.reading import Reading

        meters.store_reading(key, Reading((telegram(1, litres(1)),)), came=meters.clock())
        _reset(appliance)
        assert meters.snapshot().meters == ()
        assert meters.readings() == ()
    assert not any(b"Miller" in path.read_bytes() for path in (tmp_path / "state").iterdir() if path.is_file())


def test_factory_defaults_come_also_when_the_meters_cannot_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses() -> None:
        raise SaveFailed("by the test")

    with running(tmp_path, line__baud_rate="300") as appliance:
        monkeypatch.setattr(appliance.device.meters, "forget_all", refuses)
        _reset(appliance)
        assert appliance.stopping.is_set()


def test_a_damaged_file_is_a_fault_of_the_device(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / NAME).write_bytes(b"no database")
    with running(tmp_path) as appliance:
        assert "were damaged" in " ".join(appliance.device.faults)
        assert appliance.device.meters.snapshot().problem in appliance.device.faults


def test_readouts_are_recorded(tmp_path: Path) -> None:
    with running(tmp_path) as appliance:
        key = appliance.device.meters.add({"primary": "9", "interval": "0"}).key
        appliance.device.meters.note_failure(key, "no answer")
        assert {"meter_readouts", "meter_failures"} <= set(appliance.device.history.names)
        assert (appliance.device.meters.readouts, appliance.device.meters.failures) == (1, 1)
