"""What a telegram means, in a line of plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.mbus.frame import Acknowledge, LongFrame
from appliance.mbus.link import address_words, control_words
from appliance.mbus.telegram import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.mbus.data_record import DataRecord
    from appliance.mbus.heading import Header
    from appliance.mbus.telegram import Telegram
    from appliance.monitor.line_telegram import LineTelegram

MOST_RECORDS = 4
LONGEST_VALUE = 40
"""Characters of a record's text that the line repeats."""


def meaning(telegram: LineTelegram) -> str:
    """Say what the telegram is: its name, whom it calls, who answers and the first values; or why it is no frame."""
    if telegram.frame is None:
        return f"no frame: {telegram.refusal}" if telegram.refusal else "no frame"
    return "; ".join(_words(decode(telegram.frame)))


def printable(text: str) -> str:
    """Replace what would end the line or turn its direction."""
    return "".join(character if character.isprintable() else "·" for character in text)


def _words(telegram: Telegram) -> Iterator[str]:
    frame = telegram.frame
    if isinstance(frame, Acknowledge):
        yield telegram.name
        return
    if isinstance(frame, LongFrame):
        yield f"{control_words(frame.control)}, {address_words(frame.address)}"
    else:
        yield f"{telegram.name}, {address_words(frame.address)}"
        return
    yield telegram.name
    if telegram.header is not None:
        yield _meter(telegram.header)
    for record in telegram.records[:MOST_RECORDS]:
        yield _record(record)
    if len(telegram.records) > MOST_RECORDS:
        yield f"{len(telegram.records) - MOST_RECORDS} more records"
    yield from (printable(words) for words in (*telegram.notes, *telegram.errors))
    if telegram.more_follow:
        yield "more records follow in the next telegram"


def _meter(header: Header) -> str:
    words = (header.manufacturer, header.identification, header.medium_name)
    return printable(" ".join(word for word in words if word))


def _record(record: DataRecord) -> str:
    value = printable(record.text or record.refusal or record.error or "no value")
    if len(value) > LONGEST_VALUE:
        value = f"{value[: LONGEST_VALUE - 1]}…"
    return " ".join(word for word in (record.quantity, value, record.unit) if word)
