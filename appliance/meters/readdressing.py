"""Giving a meter another primary address, and making sure that it was the right meter (EN 13757-3, set primary)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.errors import ReadoutError
from appliance.mbus.frame import Address
from appliance.mbus.secondary import SecondaryAddress, Selection
from appliance.readout.identity import Identity, identify

if TYPE_CHECKING:
    from appliance.meters.meter import Meter
    from appliance.readout.master import Master

_ATTEMPTS = 3


def selection_of(meter: Meter) -> Selection | None:
    """Give what selects a meter of the list; None for one without a secondary address."""
    if not meter.secondary:
        return None
    return Selection(SecondaryAddress.from_text(meter.secondary), meter.fabrication)


def readdress(master: Master, meter: Meter, primary: int) -> None:
    """Have `meter` answer at `primary` from now on.

    It is reached by its secondary address where that is known, else by its old primary one; it must tell the same
    identity there and then at the new one, where nobody else may have answered before.

    :raises ReadoutError: when that cannot be done, or it is not certain that it was; the text says which.
    :raises LineError: when the line is gone.
    """
    selection = selection_of(meter)
    try:
        before = _at_hand(master, meter, selection)
        if before.primary == primary:
            return
        if primary != Address.UNCONFIGURED and master.reset(primary, attempts=2).octets:
            raise ReadoutError(f"somebody answers at the primary address {primary} already")
        place = Address.NETWORK_LAYER if selection else before.primary
        if selection:
            _select(master, selection)
        if not master.set_primary(place, primary).octets:
            raise ReadoutError(f"the meter did not acknowledge the primary address {primary}")
    finally:
        if selection:
            master.reset(Address.NETWORK_LAYER)
    master.reset(primary)
    frame = master.request(primary).data
    if frame is None:
        raise ReadoutError(f"the meter acknowledged, but nobody answers at the primary address {primary}")
    after = identify(frame)
    if after.secondary != before.secondary:
        told = after.secondary.text if after.secondary else "no identification"
        raise ReadoutError(f"the meter acknowledged, but at the primary address {primary} answers {told}")


def _at_hand(master: Master, meter: Meter, selection: Selection | None) -> Identity:
    """Read who answers at the address that is known now."""
    if selection is not None:
        _select(master, selection)
        frame = master.request(Address.NETWORK_LAYER).data
    elif meter.primary is not None:
        master.reset(meter.primary)
        frame = master.request(meter.primary).data
    else:
        frame = None
    if frame is None:
        raise ReadoutError(f"meter {meter.address_text}: no answer, so its primary address stays")
    return identify(frame)


def _select(master: Master, selection: Selection) -> None:
    for attempt in range(_ATTEMPTS):
        answer = master.select(selection, listens_on=True, patience=0.35 if attempt else 0.0)
        if answer.octets:
            if answer.voices > 1 and master.select(selection, listens_on=True).voices > 1:
                raise ReadoutError(f"several meters answer to the selection {selection.mask.text}")
            return
    raise ReadoutError(f"no meter answers to the selection {selection.mask.text}")
