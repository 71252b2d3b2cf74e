"""Link modes over real netlink: on a TAP device, which keeps what it is told, and on ports that cannot be set.

A port with hardware behind it is played by a stand-in for the kernel, which keeps and answers real messages.
"""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import NetworkError
from appliance.network.kernel.ethtool import GENL_ID_CTRL, LINKMODES_GET, LINKMODES_SET, LinkModeControl
from appliance.network.kernel.link_modes import AUTONEG
from appliance.network.kernel.netlink import NETLINK_GENERIC, Netlink
from appliance.settings.link import Duplex, Speed
from tests.conftest import need
from tests.network.kernel.rig import PORT
from tests.network.namespaces import need_namespaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.network.namespaces import Namespace

TAP = "t0"
GIGABIT = frozenset({0, 1, 2, 3, 5, AUTONEG, 7, 13})


@pytest.fixture
def tap(device: Namespace) -> Iterator[LinkModeControl]:
    need_namespaces()
    need(os.path.exists("/dev/net/tun"), "needs /dev/net/tun")  # noqa: PTH110 (as short as that)
    device.ip("tuntap", "add", TAP, "mode", "tap")
    with device.entered(), LinkModeControl(TAP) as made:
        yield made


def test_a_forced_mode_is_stored_and_read_back(tap: LinkModeControl) -> None:
    for speed, duplex in ((Speed.TEN, Duplex.HALF), (Speed.HUNDRED, Duplex.FULL), (Speed.HUNDRED, Duplex.HALF)):
        found = tap.set(speed, duplex)
        assert (found.negotiates, found.speed, found.duplex) == (False, int(speed), duplex)
        assert tap.read().configured == (speed, duplex)


def test_auto_ends_a_forced_mode(tap: LinkModeControl) -> None:
    tap.set(Speed.TEN, Duplex.HALF)
    found = tap.set(Speed.AUTO, Duplex.AUTO)
    assert found.negotiates
    assert found.configured == (Speed.AUTO, Duplex.AUTO)
    assert found.speed is None
    assert found.duplex is None


def test_the_kernel_understands_the_modes_to_offer(tap: LinkModeControl) -> None:
    tap._send({2, 3}, Speed.HUNDRED, Duplex.AUTO)
    assert tap.read().advertised == {2, 3}
    tap._send({5}, Speed.AUTO, Duplex.FULL)
    assert tap.read().advertised == {5}


def test_one_fixed_value_needs_a_driver_that_says_what_it_has(tap: LinkModeControl) -> None:
    with pytest.raises(NetworkError, match=f"{TAP} cannot be set to 100 Mbit/s: its driver does not say"):
        tap.set(Speed.HUNDRED, Duplex.AUTO)


@pytest.mark.usefixtures("far")
def test_a_port_in_software_is_read_and_refuses_a_mode_in_words(device: Namespace) -> None:
    device.ip("link", "set", PORT, "up")
    with device.entered(), LinkModeControl(PORT) as control:
        assert (control.read().speed, control.read().duplex, control.read().has_link) == (10000, Duplex.FULL, True)
        with pytest.raises(NetworkError, match=f"{PORT} cannot be set to 10 Mbit/s, full duplex: its driver cannot"):
            control.set(Speed.TEN, Duplex.FULL)
        assert control.set(Speed.AUTO, Duplex.AUTO).speed == 10000


def test_a_port_without_link_modes_has_none(device: Namespace) -> None:
    with device.entered(), LinkModeControl("lo") as control:
        found = control.read()
        assert (found.speed, found.negotiates, found.supported, found.has_link) == (None, None, frozenset(), True)
        assert control.set(Speed.AUTO, Duplex.AUTO).configured is None
        with pytest.raises(NetworkError, match="its driver cannot set a mode"):
            control.set(Speed.HUNDRED, Duplex.HALF)


def test_a_port_that_is_gone_is_named(device: Namespace) -> None:
    with device.entered(), LinkModeControl("e9") as control:
        for call in (control.read, lambda: control.set(Speed.AUTO, Duplex.AUTO)):
            with pytest.raises(NetworkError, match="there is no interface e9") as caught:
                call()
            assert caught.value.errno == errno.ENODEV


class Driver(Netlink):
    """Plays the kernel and a driver. Messages go through pyroute2 both ways, so that they are what they would be."""

    def __init__(self, supported: frozenset[int] = GIGABIT) -> None:
        super().__init__(NETLINK_GENERIC)
        self.supported = supported
        self.advertised = supported
        self.negotiates, self.speed, self.duplex = 1, 1000, 1
        self.has_link = 1
        self.orders = 0
        self.after: Callable[[], object] = lambda: None

    def ask(self, message: Any, kind: int, flags: int = 0, *, attributes: bytes = b"") -> list[Any]:
        if kind == GENL_ID_CTRL:
            return super().ask(message, kind, flags, attributes=attributes)
        told = _through_the_wire(message)
        if told["cmd"] == LINKMODES_SET:
            self.orders += 1
            self._take(told)
            self.after()
            return []
        answer = type(message)()
        if told["cmd"] != LINKMODES_GET:
            answer["attrs"] = [("ETHTOOL_A_LINKSTATE_LINK", self.has_link)]
            return [_through_the_wire(answer)]
        ours = [
            ("ETHTOOL_A_BITSET_SIZE", 32),
            ("ETHTOOL_A_BITSET_VALUE", _packed(self.advertised)),
            ("ETHTOOL_A_BITSET_MASK", _packed(self.supported)),
        ]
        answer["attrs"] = [
            ("ETHTOOL_A_LINKMODES_AUTONEG", self.negotiates),
            ("ETHTOOL_A_LINKMODES_OURS", {"attrs": ours}),
            ("ETHTOOL_A_LINKMODES_SPEED", self.speed),
            ("ETHTOOL_A_LINKMODES_DUPLEX", self.duplex),
        ]
        return [_through_the_wire(answer)]

    def _take(self, told: Any) -> None:
        self.negotiates = told.get_attr("ETHTOOL_A_LINKMODES_AUTONEG")
        if not self.negotiates:
            self.speed = told.get_attr("ETHTOOL_A_LINKMODES_SPEED")
            self.duplex = told.get_attr("ETHTOOL_A_LINKMODES_DUPLEX")
            return
        ours = told.get_attr("ETHTOOL_A_LINKMODES_OURS")
        value, mask = (_unpacked(ours.get_attr(f"ETHTOOL_A_BITSET_{name}")) for name in ("VALUE", "MASK"))
        assert ours.get_attr("ETHTOOL_A_BITSET_SIZE") % 32 == 0
        self.advertised = (self.advertised - mask) | (value & mask)


def _through_the_wire(message: Any) -> Any:
    message["header"] = {"type": 0x20, "flags": 0, "sequence_number": 1, "pid": 0}
    message.reset()
    message.encode()
    copy = type(message)(bytes(message.data))
    copy.decode()
    return copy


def _packed(bits: frozenset[int]) -> bytes:
    return sum(1 << bit for bit in bits).to_bytes(4, "little")


def _unpacked(text: str) -> frozenset[int]:
    number = int.from_bytes(bytes.fromhex(text.replace(":", "")), "little")
    return frozenset(bit for bit in range(256) if number >> bit & 1)


@contextlib.contextmanager
def driven(driver: Driver) -> Iterator[LinkModeControl]:
    with LinkModeControl(PORT, netlink=driver) as made:
        yield made


@pytest.mark.parametrize(
    ("speed", "duplex", "offered"),
    [
        ("auto", "full", {1, 3, 5}),
        ("100", "auto", {2, 3}),
        ("10", "auto", {0, 1}),
        ("auto", "half", {0, 2}),
    ],
)
def test_one_fixed_value_is_negotiated_within(speed: str, duplex: str, offered: set[int]) -> None:
    with driven(driver := Driver()) as control:
        found = control.set(Speed(speed), Duplex(duplex))
        assert driver.negotiates == 1
        # What is no mode (pause frames) stays as it was.
        assert driver.advertised == offered | {AUTONEG, 7, 13}
        assert found.configured == (Speed(speed), Duplex(duplex))
        control.set(Speed.AUTO, Duplex.AUTO)
        assert driver.advertised == GIGABIT


def test_both_fixed_are_forced_and_auto_offers_1000_again() -> None:
    with driven(driver := Driver()) as control:
        found = control.set(Speed.TEN, Duplex.HALF)
        assert (driver.negotiates, driver.speed, driver.duplex, found.configured) == (0, 10, 0, ("10", "half"))
        control.set(Speed.AUTO, Duplex.AUTO)
        assert (driver.negotiates, driver.advertised) == (1, GIGABIT)


def test_a_mode_that_the_port_has_is_not_ordered_again() -> None:
    with driven(driver := Driver()) as control:
        control.set(Speed.AUTO, Duplex.AUTO)
        assert driver.orders == 0
        for _ in range(2):
            control.set(Speed.TEN, Duplex.FULL)
        assert driver.orders == 1


def test_a_port_that_does_not_have_the_mode_is_not_asked() -> None:
    with driven(driver := Driver(frozenset({2, 3, AUTONEG}))) as control:
        with pytest.raises(NetworkError, match="10 Mbit/s, half duplex: the port has only 100 full, 100 half"):
            control.set(Speed.TEN, Duplex.HALF)
        assert driver.orders == 0


def test_a_driver_that_did_something_else_is_found_out() -> None:
    with driven(driver := Driver()) as control:
        driver.after = lambda: setattr(driver, "negotiates", 1)
        with pytest.raises(NetworkError, match="took the order, but the port still negotiates"):
            control.set(Speed.TEN, Duplex.HALF)
        driver.after = lambda: setattr(driver, "speed", 100)
        with pytest.raises(NetworkError, match="took the order, but the speed is 100"):
            control.set(Speed.TEN, Duplex.HALF)
        driver.after = lambda: setattr(driver, "advertised", GIGABIT - {3})
        with pytest.raises(NetworkError, match="took the order, but the port offers other modes"):
            control.set(Speed.HUNDRED, Duplex.AUTO)


def test_without_a_link_nothing_is_negotiated_and_a_forced_speed_may_be_unknown() -> None:
    with driven(driver := Driver()) as control:
        driver.has_link = 0
        assert (control.read().speed, control.read().duplex) == (None, None)

        def show_no_speed() -> None:
            driver.speed, driver.duplex = 0xFFFFFFFF, 0xFF

        driver.after = show_no_speed
        found = control.set(Speed.TEN, Duplex.HALF)
        assert (found.negotiates, found.speed, found.configured) == (False, None, None)
