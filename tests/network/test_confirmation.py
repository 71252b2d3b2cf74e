"""Settings that nobody could use after the reboot are taken back."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import pytest

from appliance.network.confirmation import NAME, Confirmation
from appliance.settings import Settings, network

if TYPE_CHECKING:
    from pathlib import Path


class Device:
    """The settings of a device that is started again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reverts: list[str] = []
        self.is_used = False
        self.boot()

    def boot(self, now: float = 0.0) -> None:
        self.settings = Settings(self.folder)
        self.confirmation = Confirmation(
            self.settings, self.folder, was_used=lambda: self.is_used, on_revert=self.reverts.append
        )
        self.is_used = False
        self.confirmation.start(now)

    def set(self, **texts: str) -> None:
        self.settings.set({name.replace("__", "."): text for name, text in texts.items()}, save=True)

    def pass_time(self, begin: float, end: float) -> None:
        now = begin
        while self.confirmation.due <= end:
            assert self.confirmation.due > now or now == begin
            now = self.confirmation.due
            self.confirmation.check(now)

    @property
    def address(self) -> str:
        return str(Settings(self.folder).saved[network.ADDRESS])


@pytest.fixture
def device(tmp_path: Path) -> Device:
    device = Device(tmp_path / "state")
    device.set(network__confirm_minutes="5", network__dhcp="off", network__address="10.0.0.5/24")
    device.boot()  # with five minutes from here on
    device.is_used = True
    device.pass_time(0, 1000)
    return device


def test_an_unconfirmed_address_is_taken_back_and_the_device_reboots(device: Device) -> None:
    device.set(network__address="10.9.9.9/24")
    device.boot()
    device.pass_time(0, 299.9)
    assert device.reverts == []
    assert device.address == "10.9.9.9/24"
    device.pass_time(299.9, 300)
    assert device.reverts == ["the new network settings were not confirmed"]
    assert device.address == "10.0.0.5/24"
    device.boot()
    assert device.confirmation.until == inf


@pytest.mark.parametrize("by", ["login", "tunnel client"])
def test_who_gets_through_confirms(device: Device, by: str) -> None:
    device.set(network__address="10.9.9.9/24")
    device.boot()
    if by == "login":
        device.confirmation.confirm()
    else:
        device.is_used = True
    device.pass_time(0, 1000)
    assert device.reverts == []
    device.boot()
    device.pass_time(0, 1000)
    assert device.address == "10.9.9.9/24"
    assert device.reverts == []


def test_a_power_cut_during_the_trial_leads_to_another_trial(device: Device) -> None:
    device.set(network__address="10.9.9.9/24")
    device.boot()
    device.pass_time(0, 200)
    device.boot()
    device.pass_time(0, 299)
    assert device.reverts == []
    device.pass_time(299, 300)
    assert len(device.reverts) == 1


def test_other_settings_and_a_device_without_the_rule_are_left_alone(device: Device) -> None:
    device.set(tunnel__port="10005")
    device.boot()
    assert device.confirmation.due == inf
    device.set(network__confirm_minutes="0", network__address="10.9.9.9/24")
    device.boot()
    assert device.confirmation.due == inf
    device.set(network__confirm_minutes="5")
    device.boot()
    assert device.confirmation.due == inf


def test_a_disk_that_refuses_is_tried_again(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    from appliance.errors import SaveFailed

    device.set(network__address="10.9.9.9/24")
    device.boot()

    def refuse(*_: object, **__: object) -> None:
        raise SaveFailed("read-only")

    with monkeypatch.context() as patch:
        patch.setattr(device.settings, "set", refuse)
        device.pass_time(0, 301)
    assert device.reverts == []
    device.pass_time(301, 400)
    assert len(device.reverts) == 1
    assert device.address == "10.0.0.5/24"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"network.address": 5}', b"[" * 100000, b"\xff", b'{"x": "y"}']
)
def test_a_damaged_file_is_no_reason_to_revert(device: Device, content: bytes) -> None:
    (device.folder / NAME).write_bytes(content)
    device.set(network__address="10.9.9.9/24")
    device.boot()
    device.pass_time(0, 1000)
    assert device.address == "10.9.9.9/24"
