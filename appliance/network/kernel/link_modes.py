"""Which modes an Ethernet port has, and which of them it shall offer to the other end (linux/ethtool.h). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.errors import InvalidValue
from appliance.settings.link import Duplex, Speed

AUTONEG = 6
"""The bit among the modes that says: the port can negotiate, or does."""

FEATURES = frozenset({AUTONEG, 7, 8, 9, 10, 11, 13, 14, 16, 49, 50, 51, 74})
"""Bits that are no modes: sockets, pause frames, error correction."""

SPEEDS = {
    0: 10, 1: 10, 92: 10, 99: 10, 100: 10, 101: 10,
    2: 100, 3: 100, 67: 100, 90: 100, 91: 100,
    4: 1000, 5: 1000, 17: 1000, 41: 1000, 68: 1000,
    15: 2500, 47: 2500, 48: 5000, 12: 10000,
}  # fmt: skip
"""Mbit/s of the modes that a gateway's port may have; a faster one counts as a mode too, with a speed unknown."""

HALF_DUPLEX = frozenset({0, 2, 4, 90, 100, 101})

FORCED_WARNING = (
    "Speed and duplex are both fixed, so nothing is negotiated: the switch must be set to the same values, or the link "
    "will be slow and full of errors."
)


@dataclass(frozen=True, slots=True)
class LinkModes:
    """What the driver of the port says."""

    supported: frozenset[int] = frozenset()
    """Bits of modes and features that the port has; empty when the driver does not say."""
    advertised: frozenset[int] = frozenset()
    """Bits that it offers to the other end."""
    partner: frozenset[int] = frozenset()
    """Bits that the other end offers; empty when it does not or the driver does not say."""
    negotiates: bool | None = None
    """Whether it agrees with the other end on the mode; `None` when the driver does not say."""
    speed: int | None = None
    """Mbit/s of the link, or those that are forced; `None` when unknown, as it is without a link."""
    duplex: Duplex | None = None
    """HALF or FULL of the link, or what is forced; `None` when unknown."""
    has_link: bool | None = None

    @property
    def offers(self) -> frozenset[int]:
        """The modes that the port can do."""
        return self.supported - FEATURES

    @property
    def configured(self) -> tuple[Speed, Duplex] | None:
        """The setting that the driver has: `None` when it is none that the appliance could have made."""
        if self.negotiates is None:
            return None
        if not self.negotiates:
            if self.duplex is None or str(self.speed) not in (Speed.TEN, Speed.HUNDRED):
                return None
            return Speed(str(self.speed)), self.duplex
        offered = self.advertised - FEATURES
        for speed in Speed:
            for duplex in Duplex:
                if (speed is Speed.AUTO or duplex is Duplex.AUTO) and offered == matching(self.offers, speed, duplex):
                    return speed, duplex
        return None


def matching(modes: frozenset[int], speed: Speed, duplex: Duplex) -> frozenset[int]:
    """Give those of `modes` that a setting allows; auto allows all."""
    return frozenset(
        bit
        for bit in modes
        if (speed is Speed.AUTO or SPEEDS.get(bit) == int(speed))
        and (duplex is Duplex.AUTO or (bit in HALF_DUPLEX) == (duplex is Duplex.HALF))
    )


def is_forced(speed: Speed, duplex: Duplex) -> bool:
    """Whether nothing is left to negotiate."""
    return speed is not Speed.AUTO and duplex is not Duplex.AUTO


def warning(speed: Speed, duplex: Duplex) -> str:
    """Say what has to be minded about a setting; empty when nothing."""
    return FORCED_WARNING if is_forced(speed, duplex) else ""


def describe(speed: Speed, duplex: Duplex) -> str:
    """Write a setting for a message: ``100 Mbit/s, half duplex``."""
    words = [] if speed is Speed.AUTO else [f"{speed} Mbit/s"]
    words += [] if duplex is Duplex.AUTO else [f"{duplex} duplex"]
    return ", ".join(words) or "negotiation of everything"


def modes_to_offer(found: LinkModes, speed: Speed, duplex: Duplex) -> frozenset[int]:
    """Choose the modes to negotiate, or the one to be forced.

    :raises InvalidValue: when the port has none that fits, or cannot negotiate within what is fixed.
    """
    if not found.supported and not is_forced(speed, duplex) and (speed, duplex) != (Speed.AUTO, Duplex.AUTO):
        raise InvalidValue("its driver does not say which modes it has")
    chosen = matching(found.offers, speed, duplex)
    if found.offers and not chosen:
        raise InvalidValue(f"the port has only {_list(found.offers)}")
    if found.supported and AUTONEG not in found.supported and (speed is Speed.AUTO) != (duplex is Duplex.AUTO):
        raise InvalidValue("the port cannot negotiate")
    return chosen


def _list(modes: frozenset[int]) -> str:
    known = sorted({(SPEEDS[bit], "half" if bit in HALF_DUPLEX else "full") for bit in modes if bit in SPEEDS})
    return ", ".join(f"{speed} {duplex}" for speed, duplex in known) or "modes that are not known here"
