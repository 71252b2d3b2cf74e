"""The commands `cme3000 search` and `cme3000 read`: find and read meters on any line or gateway."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from appliance.decoding import run_decode
from appliance.errors import CodingError, FrameError, LineError, ReadoutError
from appliance.mbus.manufacturer import decode_manufacturer
from appliance.mbus.medium import medium_name
from appliance.mbus.secondary import ANY_MANUFACTURER, ANY_MEDIUM
from appliance.readout.discovery.search import Search, SearchSnapshot
from appliance.readout.master import Master
from appliance.readout.reading import parse_address, read_meter
from appliance.readout.transport import Interrupted, PortTransport

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from appliance.readout.discovery.found import FoundMeter

INTERRUPTED = 130
"""Exit status of what Ctrl-C ended, as shells have it."""
_BAR = 30


def run_search(
    line: str,
    bauds: Sequence[int],
    stopping: threading.Event,
    *,
    primary: bool,
    secondary: bool,
    as_json: bool,
    margin: float | None = None,
) -> int:
    """Search for meters and print them; give the exit status: 0 if any was found, 1 if none, 130 after Ctrl-C.

    Progress goes to the standard error when that is a terminal. What `stopping` ends prints what it has found.
    """
    try:
        transport = PortTransport(line, bauds[0], margin=margin, stopping=stopping)
    except LineError as error:
        return _complain(str(error))
    search = Search.plan(bauds, primary=primary, secondary=secondary)
    status = None
    shows = sys.stderr.isatty()
    try:
        search.run(Master(transport), lambda state: _report(state, stopping, shows=shows))
    except Interrupted:
        status = INTERRUPTED
    except LineError as error:
        status = _complain(str(error))
    finally:
        transport.close()
        if shows:
            sys.stderr.write("\r\x1b[K")
    state = search.snapshot()
    _print_found(state, search.elapsed, as_json=as_json)
    if status is None and not state.is_finished:
        status = INTERRUPTED
    if status is not None:
        return status
    return 0 if state.found else 1


def _report(state: SearchSnapshot, stopping: threading.Event, *, shows: bool) -> bool:
    if shows:
        filled = round(state.progress * _BAR)
        remaining = "" if state.remaining is None else f", {state.remaining:.0f} s to go"
        sys.stderr.write(
            f"\r\x1b[K[{'#' * filled}{'.' * (_BAR - filled)}] {state.progress:4.0%}{remaining}, "
            f"{len(state.found)} found, {state.stage}"
        )
        sys.stderr.flush()
    return not stopping.is_set()


def _print_found(state: SearchSnapshot, seconds: float, *, as_json: bool) -> None:
    if as_json:
        report = {
            "is_finished": state.is_finished,
            "seconds": round(seconds, 1),
            "meters": [meter.as_object() for meter in state.found],
            "diagnoses": list(state.diagnoses),
        }
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
        return
    rows = [("primary", "secondary", "maker", "medium", "version", "bit/s", "answers at")]
    rows += [_row(meter) for meter in state.found]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    if state.found:
        for row in rows:
            line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
            sys.stdout.write(line.rstrip() + "\n")
    for words in state.diagnoses:
        sys.stdout.write(f"! {words}\n")
    count = f"{len(state.found)} meter{'' if len(state.found) == 1 else 's'}"
    end = "" if state.is_finished else f", ended at {state.progress:.0%}"
    sys.stdout.write(f"{count} in {seconds:.0f} s{end}\n")


def _row(meter: FoundMeter) -> tuple[str, str, str, str, str, str, str]:
    address = meter.secondary
    ways = [name for is_so, name in ((meter.by_primary, "primary"), (meter.by_secondary, "secondary")) if is_so]
    if address is None:
        return (str(meter.primary), "-", "-", "-", "-", str(meter.baud), ", ".join(ways))
    return (
        str(meter.primary),
        address.text,
        "-" if address.manufacturer == ANY_MANUFACTURER else decode_manufacturer(address.manufacturer),
        "-" if address.medium == ANY_MEDIUM else medium_name(address.medium),
        "-" if address.manufacturer == ANY_MANUFACTURER else str(address.version),
        str(meter.baud),
        ", ".join(ways),
    )


def run_read(
    address: str,
    line: str,
    baud: int,
    stopping: threading.Event,
    *,
    as_json: bool,
    margin: float | None = None,
) -> int:
    """Read one meter and print its telegrams as `decode` does; give the exit status.

    :param address: a primary address, or a secondary one of 8 or 16 digits.
    """
    try:
        target = parse_address(address)
        transport = PortTransport(line, baud, margin=margin, stopping=stopping)
    except (CodingError, LineError) as error:
        return _complain(str(error))
    try:
        reading = read_meter(Master(transport), target)
    except Interrupted:
        return INTERRUPTED
    except (LineError, ReadoutError, FrameError) as error:
        return _complain(str(error))
    finally:
        transport.close()
    status = run_decode([bytes(frame).hex() for frame in reading.frames], as_json=as_json)
    for note in reading.notes:
        sys.stderr.write(f"cme3000: {note}\n")
    return status


def _complain(words: str) -> int:
    sys.stderr.write(f"cme3000: {words}\n")
    return 1
