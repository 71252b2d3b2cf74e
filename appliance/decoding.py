"""The command `cme3000 decode`: telegrams from the command line, from files or from a pipe, told as table or JSON."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.errors import CodingError, quoted
from appliance.mbus.stream import Piece, octets_of_file, octets_of_text, split
from appliance.mbus.telegram import Telegram, decode, explain
from appliance.mbus.telegram_object import as_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from appliance.mbus.data_record import DataRecord

_PIPE = "-"


def run_decode(sources: Sequence[str], *, as_json: bool, with_bytes: bool = False) -> int:
    """Decode and print what `sources` hold; give the exit status, 1 if anything could not be read.

    :param sources: hexadecimal digits, names of files, or `-` for the standard input. Digits in several words that
        follow each other are one text.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # JSON is UTF-8 wherever it goes; a terminal of another kind shall still get the table.
        sys.stdout.reconfigure(encoding="utf-8" if as_json else None, errors="backslashreplace")
    try:
        return int(_run(sources, as_json=as_json, with_bytes=with_bytes))
    except BrokenPipeError:
        # Who read the output has left. What is still in the buffer has nowhere to go, which Python would complain of.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(sources: Sequence[str], *, as_json: bool, with_bytes: bool) -> bool:
    failed = False
    for name, octets, complaint in _octets(sources):
        if complaint:
            failed = _complain(name, complaint)
            continue
        pieces = list(split(octets))
        if not any(piece.frame for piece in pieces):
            failed = _complain(name, "no frame") if not any(piece.refusal for piece in pieces) else True
        for piece in pieces:
            failed |= _show(name, piece, as_json=as_json, with_bytes=with_bytes)
    return failed


def _octets(sources: Sequence[str]) -> Iterator[tuple[str, bytes, str]]:
    """Give name, bytes and complaint of each source."""
    digits: list[str] = []
    for source in sources:
        path = None if source == _PIPE else _file(source)
        if source != _PIPE and path is None:
            digits.append(source)
            continue
        yield from _text(digits)
        digits = []
        try:
            content = sys.stdin.buffer.read() if path is None else path.read_bytes()
            yield source, octets_of_file(content), ""
        except (OSError, CodingError) as error:
            yield source, b"", getattr(error, "strerror", None) or str(error)
    yield from _text(digits)


def _file(source: str) -> Path | None:
    try:
        path = Path(source)
        return path if source and path.exists() else None
    except (OSError, ValueError):  # longer than a name can be, or with a zero byte
        return None


def _text(words: list[str]) -> Iterator[tuple[str, bytes, str]]:
    if not words:
        return
    text = " ".join(words)
    try:
        yield "", octets_of_text(text), ""
    except CodingError as error:
        yield "", b"", f"{quoted(text)} is neither a file nor hexadecimal digits: {error}"


def _complain(name: str, complaint: str) -> bool:
    sys.stderr.write(f"cme3000: {name + ': ' if name else ''}{complaint}\n")
    return True


def _show(name: str, piece: Piece, *, as_json: bool, with_bytes: bool) -> bool:
    """Print a telegram, or complain of what is none; tell whether something could not be read."""
    where = f"byte {piece.offset}: " if piece.offset else ""
    if piece.frame is None:
        if piece.refusal:
            return _complain(name, f"{where}no frame: {piece.refusal}")
        _complain(name, f"{where}{len(piece.octets)} bytes of no frame skipped")
        return False
    telegram = decode(piece.frame)
    lines = [json.dumps(as_object(telegram), ensure_ascii=False)] if as_json else list(_table(telegram))
    if with_bytes and not as_json:
        lines += [
            f"  {offset:4d}  {octets.hex(' '):<24}  {meaning}" for offset, octets, meaning in explain(piece.frame)
        ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    for error in telegram.errors:
        _complain(name, f"{where}{error}")
    return bool(telegram.errors)


def _table(telegram: Telegram) -> Iterator[str]:
    header = telegram.header
    yield telegram.name
    if header:
        yield "  " + ", ".join(
            words
            for words in (
                f"id {header.identification}" if header.identification else "",
                f"manufacturer {header.manufacturer}" if header.manufacturer else "",
                f"version {header.version}" if header.version is not None else "",
                header.medium_name or "",
                f"access number {header.access}",
                f"status {header.status:02X}" + "".join(f", {words}" for words in telegram.status),
            )
            if words
        )
    rows = [_row(record) for record in telegram.records]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(5)]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip()
    for note in telegram.notes:
        yield f"  {note}"
    if telegram.manufacturer_data:
        yield f"  manufacturer specific data: {telegram.manufacturer_data.hex(' ')}"
    if telegram.unread:
        yield f"  as it stands: {telegram.unread.hex(' ')}"
    if telegram.more_follow:
        yield "  more records follow in the next telegram"


def _row(record: DataRecord) -> tuple[str, str, str, str, str, str]:
    value = "-" if record.text is None else "".join(c if c.isprintable() else "·" for c in record.text)
    place = [f"{name} {number}" for name, number in _places(record) if number]
    remark = record.error or record.refusal or record.note
    return (value, record.unit, record.quantity, record.function_words, ", ".join(place), remark)


def _places(record: DataRecord) -> tuple[tuple[str, int], ...]:
    return (("storage", record.storage), ("tariff", record.tariff), ("subunit", record.subunit))
