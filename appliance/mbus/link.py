"""The C and A fields in words (EN 13757-2; IEC 60870-5-2, 5.1)."""

from __future__ import annotations

from appliance.mbus.frame import ACD, DFC, FCB, FCV, FROM_MASTER, Address

_MASTER = {
    0x0: "SND_NKE (link reset)",
    0x3: "SND_UD (data to the meter)",
    0xA: "REQ_UD1 (request for alarms)",
    0xB: "REQ_UD2 (request for data)",
}
_SLAVE = {0x0: "ACK", 0x1: "NACK", 0x8: "RSP_UD (data of the meter)", 0x9: "status of the link"}

_ADDRESSES = {
    Address.UNCONFIGURED: "a meter without an address",
    Address.REPEATER_MANAGEMENT: "repeater",
    Address.RESERVED: "reserved",
    Address.NETWORK_LAYER: "the selected meter",
    Address.POINT_TO_POINT: "every meter, with an answer",
    Address.BROADCAST: "every meter, without an answer",
}


def control_words(control: int) -> str:
    """Say what a C field asks or answers."""
    if control & FROM_MASTER:
        words = _MASTER.get(control & 0x0F, f"function {control & 0x0F:X} of the master")
        return f"{words}, frame count bit {int(bool(control & FCB))}" if control & FCV else words
    words = _SLAVE.get(control & 0x0F, f"function {control & 0x0F:X} of the meter")
    flags = [name for bit, name in ((ACD, "alarms wait"), (DFC, "takes no more data")) if control & bit]
    return ", ".join([words, *flags])


def address_words(address: int) -> str:
    """Say whom an A field calls, or who answers."""
    return _ADDRESSES.get(Address(address), "") if address in _ADDRESSES else f"primary address {address}"
