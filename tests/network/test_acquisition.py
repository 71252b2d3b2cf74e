"""How the device comes by its address, led through time with a client in the test's hands and ARP frames of its own."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface
from math import inf
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from appliance.network.acquisition import FALLBACK, STATIC_RETRY, Acquisition
from appliance.network.arp.packet import announcement, decode
from appliance.network.configuration import NetworkConfiguration
from appliance.network.dhcp.bootp import BootpAnswered, BootpClient
from appliance.network.dhcp.client import DhcpClient
from appliance.network.dhcp.events import AddressOffered, Bound, Lost, Refused, Renewed
from appliance.network.dhcp.lease import Lease
from appliance.network.facts import Source
from appliance.settings import Settings
from appliance.settings.network import AddressCheck

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.network.binding import Binding

MAC = "02:00:00:00:00:42"
OTHER = "02:00:00:00:00:66"
LEASE = Lease(IPv4Address("192.0.2.7"), 24, IPv4Address("192.0.2.1"), (IPv4Address("192.0.2.1"),), duration=3600)


def client_of(kind: type) -> Any:
    """A client of this kind that only notes what it is told."""

    class Noting(kind):  # type: ignore[misc]  # a class of the parameter
        due = inf

        def __init__(self, on_event: Callable[[object], None]) -> None:
            self.tell = on_event
            self.told: list[str] = []

    for verb in ("start", "stop", "accept", "decline", "renew", "release", "carrier_lost", "carrier_back"):
        setattr(Noting, verb, lambda self, *_, verb=verb: self.told.append(verb))
    return Noting


class Stage:
    """An acquisition and its time."""

    def __init__(self, folder: Path, *, kind: type = DhcpClient, check: AddressCheck, **texts: str) -> None:
        settings = Settings(folder)
        settings.override({f"network.{name}": text for name, text in texts.items()})
        configuration = NetworkConfiguration.of(settings.in_force)
        self.now = 100.0
        self.client: Any = None
        self.bindings: list[Binding | None] = []
        self.leases: list[Lease] = []
        self.sent: list[bytes] = []
        self.acquisition = Acquisition(
            configuration,
            MAC,
            thoroughness=check,
            new_client=(lambda tell: self._make(kind, tell)) if configuration.method.asks_a_server else None,
            send_arp=self.sent.append,
            on_binding=self.bindings.append,
            on_lease=self.leases.append,
            random=Random(1),
        )
        self.acquisition.start(self.now)

    def _make(self, kind: type, tell: Callable[[object], None]) -> Any:
        self.client = client_of(kind)(tell)
        return self.client

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.acquisition.due <= end:
            self.now = max(self.now, self.acquisition.due)
            before = self._state()
            self.acquisition.check(self.now)
            assert self._state() != before, "it would spin"
        self.now = end

    def _state(self) -> tuple[object, ...]:
        return self.acquisition.due, len(self.sent), len(self.bindings), self.acquisition.watched

    def tell(self, event: object) -> None:
        """Have the client tell something at this moment."""
        self.acquisition.check(self.now)
        self.client.tell(event)

    def claim(self, address: str) -> None:
        """Another host says that it has the address."""
        self.acquisition.receive_arp(announcement(IPv4Address(address), OTHER), self.now)

    @property
    def binding(self) -> Binding | None:
        return self.acquisition.binding

    def source(self) -> Source | None:
        return self.binding.source if self.binding is not None else None

    def probed(self) -> set[str]:
        packets = [decode(frame) for frame in self.sent]
        return {str(packet.target_address) for packet in packets if packet is not None and packet.is_probe}


@pytest.mark.parametrize("check", AddressCheck)
def test_an_offered_address_is_checked_and_then_taken(tmp_path: Path, check: AddressCheck) -> None:
    stage = Stage(tmp_path, check=check)
    stage.tell(AddressOffered(LEASE))
    stage.run({AddressCheck.FULL: 7, AddressCheck.QUICK: 0.5, AddressCheck.OFF: 0}[check])
    assert stage.client.told == ["start", "accept"]
    assert stage.probed() == (set() if check is AddressCheck.OFF else {"192.0.2.7"})
    stage.tell(Bound(LEASE))
    assert stage.source() is Source.DHCP
    assert stage.leases == [LEASE]
    binding = stage.binding
    assert binding is not None
    assert binding.address == IPv4Interface("192.0.2.7/24")
    assert binding.gateway == IPv4Address("192.0.2.1")
    assert binding.expires_at == stage.now + 3600
    stage.run(100)
    assert stage.source() is Source.DHCP  # and no AutoIP meanwhile


def test_an_address_that_another_host_has_is_declined_and_its_mac_told(tmp_path: Path) -> None:
    stage = Stage(tmp_path, check=AddressCheck.FULL)
    stage.tell(AddressOffered(LEASE))
    stage.run(1)
    stage.claim("192.0.2.7")
    assert stage.client.told == ["start", "decline"]
    assert OTHER in stage.acquisition.trouble
    assert stage.binding is None


def test_without_a_server_autoip_stands_in_after_a_while_and_gives_way(tmp_path: Path) -> None:
    stage = Stage(tmp_path, check=AddressCheck.QUICK)
    stage.run(FALLBACK - 0.1)
    assert stage.sent == []
    stage.run(10)
    assert stage.source() is Source.AUTOIP
    assert "no DHCP server" in stage.acquisition.trouble
    stage.tell(Bound(LEASE))
    assert stage.source() is Source.DHCP
    assert stage.acquisition.trouble == ""
    assert stage.acquisition.autoip_address is None


def test_a_refusal_is_told_and_leads_to_autoip_too(tmp_path: Path) -> None:
    stage = Stage(tmp_path, check=AddressCheck.QUICK)
    stage.tell(Refused(IPv4Address("192.0.2.1"), "not on my list"))
    stage.run(FALLBACK + 10)
    assert stage.source() is Source.AUTOIP
    assert stage.acquisition.trouble == "the DHCP server 192.0.2.1 is of no use: not on my list"


def test_a_lease_that_is_lost_takes_the_address_away_and_autoip_follows(tmp_path: Path) -> None:
    stage = Stage(tmp_path, check=AddressCheck.QUICK)
    stage.tell(Bound(LEASE))
    stage.tell(Lost(LEASE, "the lease has expired"))
    assert stage.bindings[-1] is None
    stage.run(FALLBACK + 10)
    assert stage.source() is Source.AUTOIP


def test_a_renewal_with_another_router_is_followed_without_announcing_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, check=AddressCheck.QUICK)
    stage.tell(Bound(LEASE))
    stage.run(10)
    sent = len(stage.sent)
    assert sent
    other = Lease(LEASE.address, 24, LEASE.server, (IPv4Address("192.0.2.254"),), duration=3600)
    stage.tell(Renewed(other))
    binding = stage.binding
    assert binding is not None
    assert binding.gateway == IPv4Address("192.0.2.254")
    stage.run(10)
    assert len(stage.sent) == sent


def test_a_leased_address_is_defended_once_and_then_given_up(tmp_path: Path) -> None:
    stage = Stage(tmp_path, check=AddressCheck.QUICK)
    stage.tell(Bound(LEASE))
    stage.run(20)
    stage.claim("192.0.2.7")
    assert "decline" not in stage.client.told
    stage.run(1)
    stage.claim("192.0.2.7")
    assert "decline" in stage.client.told


def test_a_configured_address_is_kept_and_the_conflict_told(tmp_path: Path) -> None:
    stage = Stage(tmp_path, check=AddressCheck.QUICK, dhcp="off", address="10.0.0.5/24")
    stage.run(1)
    assert stage.source() is Source.STATIC
    for _ in range(3):
        stage.claim("10.0.0.5")
        stage.run(1)
    assert stage.source() is Source.STATIC
    assert OTHER in stage.acquisition.trouble


def test_a_configured_address_of_another_host_is_tried_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, check=AddressCheck.QUICK, dhcp="off", address="10.0.0.5/24")
    stage.run(0.01)
    stage.claim("10.0.0.5")
    stage.run(15)
    assert stage.source() is Source.AUTOIP
    stage.run(STATIC_RETRY)
    assert stage.source() is Source.STATIC
    assert stage.acquisition.trouble == ""


def test_a_bootp_address_is_checked_taken_and_asked_for_again_after_a_conflict(tmp_path: Path) -> None:
    stage = Stage(tmp_path, kind=BootpClient, check=AddressCheck.QUICK, dhcp="off", bootp="on")
    lease = Lease(IPv4Address("192.0.2.7"), 24)
    stage.tell(BootpAnswered(lease))
    stage.run(1)
    assert stage.source() is Source.BOOTP
    binding = stage.binding
    assert binding is not None
    assert binding.expires_at == inf
    stage.run(20)
    stage.claim("192.0.2.7")
    stage.claim("192.0.2.7")
    assert stage.client.told[-1] == "decline"
    assert stage.binding is None


def test_a_lost_carrier_keeps_the_address_and_pauses_everything(tmp_path: Path) -> None:
    stage = Stage(tmp_path, check=AddressCheck.QUICK)
    stage.tell(Bound(LEASE))
    stage.run(10)
    stage.acquisition.carrier_lost(stage.now)
    assert stage.source() is Source.DHCP
    sent = len(stage.sent)
    stage.run(100)
    assert len(stage.sent) == sent
    stage.acquisition.carrier_back(stage.now)
    assert stage.client.told[-2:] == ["carrier_lost", "carrier_back"]


def test_a_lost_carrier_before_there_is_an_address_puts_off_autoip(tmp_path: Path) -> None:
    stage = Stage(tmp_path, check=AddressCheck.QUICK)
    stage.run(FALLBACK - 1)
    stage.acquisition.carrier_lost(stage.now)
    stage.run(100)
    assert stage.sent == []
    stage.acquisition.carrier_back(stage.now)
    stage.run(FALLBACK - 1)
    assert stage.sent == []
    stage.run(12)
    assert stage.source() is Source.AUTOIP


def test_a_configured_address_is_checked_again_and_announced_when_the_carrier_is_back(tmp_path: Path) -> None:
    stage = Stage(tmp_path, check=AddressCheck.QUICK, dhcp="off", address="10.0.0.5/24")
    stage.run(10)
    sent = len(stage.sent)
    stage.acquisition.carrier_lost(stage.now)
    stage.acquisition.carrier_back(stage.now)
    stage.run(10)
    assert len(stage.sent) > sent + 1
    assert stage.source() is Source.STATIC


def test_a_released_lease_is_given_back(tmp_path: Path) -> None:
    stage = Stage(tmp_path, check=AddressCheck.QUICK)
    stage.tell(Bound(LEASE))
    stage.acquisition.stop(release=True)
    assert stage.client.told == ["start", "release", "stop"]
    assert stage.acquisition.due == inf


def test_hostile_frames_at_any_moment_do_no_harm(tmp_path: Path) -> None:
    stage = Stage(tmp_path, check=AddressCheck.QUICK)
    random = Random(2)
    for _ in range(300):
        stage.acquisition.receive_arp(random.randbytes(random.randrange(80)), stage.now)
        stage.run(0.1)
    assert stage.source() is Source.AUTOIP
