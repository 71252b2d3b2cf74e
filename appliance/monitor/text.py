"""A recording as text: a line a telegram, which `cme3000 decode` reads.

    68 4D 4D 68 08 01 72 ... 16  # 2026-01-31T12:00:00.123Z two-wire > 192.0.2.7:51512, +0.023 s: RSP_UD ...

Everything behind `#` is a remark. What is no frame is all remark, for its octets would spoil the frames around them.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from appliance.monitor.meaning import meaning, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from appliance.monitor.line_telegram import LineTelegram

METERS = "meters"
NOBODY = "nobody"


def text_lines(telegrams: Iterable[LineTelegram], heading: str) -> Iterator[str]:
    """Write the telegrams, a line each with its line feed, under a remark that begins with `heading`."""
    yield f"# {printable(heading)}: telegrams of the M-Bus line, times in UTC\n"
    for telegram in telegrams:
        octets = telegram.octets.hex(" ").upper()
        before = octets if telegram.frame is not None else f"# {octets}"
        yield f"{before}  # {moment(telegram.at)} {printable(_way(telegram))}: {printable(_remarks(telegram))}\n"


def moment(at: float) -> str:
    """Write seconds since 1970 as RFC 3339 does, with milliseconds."""
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _way(telegram: LineTelegram) -> str:
    party = telegram.party or NOBODY
    if telegram.to_meters:
        return f"{party} > {METERS}"
    way = f"{telegram.branch} > {party}"
    return way if telegram.delay is None else f"{way}, +{telegram.delay:.3f} s"


def _remarks(telegram: LineTelegram) -> str:
    return "; ".join((meaning(telegram), *telegram.notes))
