"""A telegram as JSON has it, the same wherever the program tells one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.mbus.application import status_words
from appliance.mbus.frame import Acknowledge, LongFrame

if TYPE_CHECKING:
    from appliance.mbus.data_record import DataRecord
    from appliance.mbus.heading import Header
    from appliance.mbus.telegram import Telegram


def as_object(telegram: Telegram) -> dict[str, object]:
    """Give a telegram as JSON has it: numbers of records as exact decimal text, bytes as hexadecimal digits."""
    frame = telegram.frame
    link: dict[str, object] = {"frame": bytes(frame).hex(), "telegram": telegram.name}
    if not isinstance(frame, Acknowledge):
        link |= {"control": frame.control, "address": frame.address}
    if isinstance(frame, LongFrame):
        link["information"] = frame.information
    encryption = telegram.encryption
    manufacturer_data = telegram.manufacturer_data
    return link | {
        "header": header_object(telegram.header) if telegram.header else None,
        "records": [record_object(record) for record in telegram.records],
        "more_records_follow": telegram.more_follow,
        "manufacturer_data": None if manufacturer_data is None else manufacturer_data.hex(),
        "encryption": {"mode": encryption.mode, "name": encryption.name} if encryption else None,
        "unread": telegram.unread.hex(),
        "notes": list(telegram.notes),
        "errors": list(telegram.errors),
    }


def header_object(header: Header) -> dict[str, object]:
    """Give who answers, and in which state; a field that the kind of header does not have is None."""
    return {
        "id": header.identification,
        "manufacturer": header.manufacturer,
        "version": header.version,
        "medium": header.medium,
        "medium_name": header.medium_name,
        "access_number": header.access,
        "status": header.status,
        "status_words": list(status_words(header.status)),
        "configuration": header.configuration,
    }


def record_object(record: DataRecord) -> dict[str, object]:
    """Give one value with its circumstances; `value` is None where there is none."""
    return {
        "value": record.text,
        "unit": record.unit,
        "quantity": record.quantity,
        "function": record.function_words,
        "storage": record.storage,
        "tariff": record.tariff,
        "subunit": record.subunit,
        "raw": record.raw.hex(),
        "coding": record.coding,
        "note": record.note,
        "error": record.error or record.refusal,
    }
