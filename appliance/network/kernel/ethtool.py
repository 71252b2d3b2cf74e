"""Speed and duplex of a port, read and set through the kernel's ethtool over generic netlink."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Self

from appliance.errors import InvalidValue, NetworkError
from appliance.network.interface import check_name
from appliance.network.kernel.link_modes import (
    FEATURES,
    LinkModes,
    describe,
    is_forced,
    modes_to_offer,
)
from appliance.network.kernel.netlink import NETLINK_GENERIC, Netlink
from appliance.settings.link import Duplex, Speed

if TYPE_CHECKING:
    from collections.abc import Iterable

# linux/genetlink.h, linux/ethtool_netlink.h, linux/ethtool.h
GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 0x10, 3
LINKMODES_GET, LINKMODES_SET, LINKSTATE_GET = 4, 5, 6
FLAG_COMPACT_BITSETS = 1
DUPLEX_HALF, DUPLEX_FULL = 0, 1
SPEED_UNKNOWN = 0xFFFFFFFF
VERSION = 1

DUPLEXES: dict[int | None, Duplex] = {DUPLEX_HALF: Duplex.HALF, DUPLEX_FULL: Duplex.FULL}


class LinkModeControl:
    """Reads and sets the link modes of one interface.

    One thread uses it, in the network namespace where it was built. It holds one descriptor.
    """

    def __init__(self, name: str, *, netlink: Netlink | None = None) -> None:
        """Control the interface `name`, which need not be there yet.

        :raises InvalidValue: when no interface can be called so.
        :raises NetworkError: when the kernel gives no netlink socket.
        """
        self.name = check_name(name)
        self._netlink = netlink or Netlink(NETLINK_GENERIC)
        self._family: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the descriptor; the port stays as it is."""
        self._netlink.close()

    def read(self) -> LinkModes:
        """Ask the driver. One that knows nothing of link modes (a port in software) gives an empty answer.

        :raises NetworkError: ENODEV when the interface is not there, or what the kernel says.
        """
        from pyroute2.netlink.generic.ethtool import ethtool_linkmode_msg, ethtool_linkstate_msg

        modes = self._ask(ethtool_linkmode_msg(), LINKMODES_GET, "ETHTOOL_A_LINKMODES_HEADER")
        state = self._ask(ethtool_linkstate_msg(), LINKSTATE_GET, "ETHTOOL_A_LINKSTATE_HEADER")
        has_link = None if state is None else state.get_attr("ETHTOOL_A_LINKSTATE_LINK")
        has_link = None if has_link is None else bool(has_link)
        if modes is None:
            return LinkModes(has_link=has_link)
        ours = modes.get_attr("ETHTOOL_A_LINKMODES_OURS")
        speed = modes.get_attr("ETHTOOL_A_LINKMODES_SPEED")
        duplex = modes.get_attr("ETHTOOL_A_LINKMODES_DUPLEX")
        negotiates = modes.get_attr("ETHTOOL_A_LINKMODES_AUTONEG")
        if negotiates and has_link is False:
            speed = duplex = None  # those of the last link, with some drivers
        return LinkModes(
            supported=_bits(ours, "ETHTOOL_A_BITSET_MASK"),
            advertised=_bits(ours, "ETHTOOL_A_BITSET_VALUE"),
            partner=_bits(modes.get_attr("ETHTOOL_A_LINKMODES_PEER"), "ETHTOOL_A_BITSET_VALUE"),
            negotiates=None if negotiates is None else bool(negotiates),
            speed=None if speed in {None, 0, SPEED_UNKNOWN} else speed,
            duplex=DUPLEXES.get(duplex),
            has_link=has_link,
        )

    def set(self, speed: Speed, duplex: Duplex) -> LinkModes:
        """Set the mode, unless the port has it, and read back what the driver made of it.

        Both auto negotiates all that the port can do; one of them fixed negotiates within it; both fixed is forced,
        without negotiation (`link_modes.warning` says what that asks of the switch). Both auto is no error on a port
        that has nothing to negotiate.

        :raises NetworkError: naming the mode, and why the port does not have it now.
        """
        found = self.read()
        try:
            offered = modes_to_offer(found, speed, duplex)
        except InvalidValue as error:
            raise self._refused(speed, duplex, errno.EINVAL, str(error)) from error
        if not _differs(found, offered, speed, duplex):
            return found
        try:
            self._send(offered, speed, duplex)
        except NetworkError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise self._refused(speed, duplex, error.errno, error.strerror or "") from error
            if speed is Speed.AUTO and duplex is Duplex.AUTO:
                return found
            raise self._refused(speed, duplex, error.errno, "its driver cannot set a mode") from error
        found = self.read()
        difference = _differs(found, offered, speed, duplex)
        if difference:
            raise self._refused(speed, duplex, errno.EIO, f"the driver took the order, but {difference}")
        return found

    def _send(self, offered: Iterable[int], speed: Speed, duplex: Duplex) -> None:
        from pyroute2.netlink.generic.ethtool import ethtool_linkmode_msg

        question = ethtool_linkmode_msg()
        if is_forced(speed, duplex):
            attributes: list[tuple[str, Any]] = [
                ("ETHTOOL_A_LINKMODES_AUTONEG", 0),
                ("ETHTOOL_A_LINKMODES_SPEED", int(speed)),
                ("ETHTOOL_A_LINKMODES_DUPLEX", DUPLEX_HALF if duplex is Duplex.HALF else DUPLEX_FULL),
            ]
        else:
            attributes = [("ETHTOOL_A_LINKMODES_AUTONEG", 1)]
            if offered:
                attributes.append(("ETHTOOL_A_LINKMODES_OURS", _bitset(frozenset(offered))))
        question["attrs"] = attributes
        if self._ask(question, LINKMODES_SET, "ETHTOOL_A_LINKMODES_HEADER", is_change=True) is None:
            raise NetworkError(errno.EOPNOTSUPP, "")

    def _ask(self, question: Any, command: int, header: str, *, is_change: bool = False) -> Any:
        """Give the answer; `None` when the driver has none."""
        if self._family is None:
            self._family = _family(self._netlink)
        question["cmd"], question["version"], question["reserved"] = command, VERSION, 0
        device = [("ETHTOOL_A_HEADER_DEV_NAME", self.name), ("ETHTOOL_A_HEADER_FLAGS", FLAG_COMPACT_BITSETS)]
        question["attrs"].insert(0, (header, {"attrs": device}))
        try:
            answers = self._netlink.ask(question, self._family)
        except NetworkError as error:
            if error.errno == errno.EOPNOTSUPP:
                return None
            if error.errno == errno.ENODEV:
                raise NetworkError(errno.ENODEV, f"there is no interface {self.name}") from error
            raise
        return answers[0] if answers else question if is_change else None

    def _refused(self, speed: Speed, duplex: Duplex, code: int | None, reason: str) -> NetworkError:
        return NetworkError(code or errno.EIO, f"{self.name} cannot be set to {describe(speed, duplex)}: {reason}")


def _differs(found: LinkModes, offered: frozenset[int], speed: Speed, duplex: Duplex) -> str:
    """Say in which way the port is not as wanted; empty when it is."""
    if is_forced(speed, duplex):
        if found.negotiates:
            return "the port still negotiates"
        # Without a link some drivers give no speed, although one is forced.
        if found.speed is not None and found.speed != int(speed):
            return f"the speed is {found.speed} Mbit/s"
        if found.duplex is not None and found.duplex != duplex:
            return f"it is {found.duplex} duplex"
        return "" if found.negotiates is False else "the driver does not say what it did"
    if not found.negotiates:
        return "the port does not negotiate"
    return "" if found.advertised - FEATURES == offered else "the port offers other modes"


def _family(netlink: Netlink) -> int:
    from pyroute2.netlink import ctrlmsg

    question = ctrlmsg()
    question["cmd"], question["version"], question["reserved"] = CTRL_CMD_GETFAMILY, 1, 0
    question["attrs"] = [("CTRL_ATTR_FAMILY_NAME", "ethtool")]
    try:
        answers = netlink.ask(question, GENL_ID_CTRL)
    except NetworkError as error:
        if error.errno == errno.ENOENT:
            raise NetworkError(errno.ENOTSUP, "this kernel cannot be asked for link modes over netlink") from error
        raise
    family: int = answers[0].get_attr("CTRL_ATTR_FAMILY_ID")
    return family


def _bits(bitset: Any, name: str) -> frozenset[int]:
    """Take a compact bitset apart: words of 32 bits in the machine's order, which is little-endian on every Pi."""
    packed = bitset.get_attr(name) if bitset is not None else None
    if packed is None:
        return frozenset()
    number = int.from_bytes(bytes.fromhex(packed.replace(":", "")), "little")
    return frozenset(bit for bit in range(number.bit_length()) if number >> bit & 1)


def _bitset(offered: frozenset[int]) -> dict[str, Any]:
    """Offer these modes and no other; features (pause frames) stay as they are."""
    size = (max(offered | FEATURES | {0}) // 32 + 1) * 32
    value = sum(1 << bit for bit in offered)
    mask = ((1 << size) - 1) & ~sum(1 << bit for bit in FEATURES)
    return {
        "attrs": [
            ("ETHTOOL_A_BITSET_SIZE", size),
            ("ETHTOOL_A_BITSET_VALUE", value.to_bytes(size // 8, "little")),
            ("ETHTOOL_A_BITSET_MASK", mask.to_bytes(size // 8, "little")),
        ]
    }
