"""M-Bus Serial > Monitor: the last telegrams on the line, what they mean, and who sent them."""

from __future__ import annotations

from itertools import islice, takewhile
from typing import TYPE_CHECKING, NamedTuple

from flask import Response, render_template, request

from appliance.mbus.telegram import explain
from appliance.monitor.line_telegram import DEVICE, LineTelegram, Note
from appliance.monitor.meaning import meaning
from appliance.monitor.pcapng import MEDIA_TYPE, pcapng
from appliance.monitor.text import moment, text_lines
from appliance.web.access import reads
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.pages.serial.section import section
from appliance.web.pages.system.file_name import file_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SHOWN = 50
"""Telegrams on the page."""
MOST_AT_ONCE = 200
"""Telegrams that the page's script gets at a time; when more have come it shows the newest."""
MOST_LOOKED_AT = 20_000
"""Telegrams that are looked at to find those of a filter; more there are only if somebody has flooded the line."""
LONGEST_CLIENT = 64
LUMP = 100
"""Telegrams that are sent at a time in a file."""

NOTES = {
    Note.ECHO: N_("echo of the request"),
    Note.NO_ANSWER: N_("no answer"),
    Note.LATE: N_("after the answer window"),
    Note.UNASKED: N_("nobody had asked"),
    Note.DROPPED: N_("dropped before it reached the wire"),
}
BAD = frozenset({Note.NO_ANSWER, Note.LATE, Note.UNASKED, Note.DROPPED})


class Row(NamedTuple):
    """A telegram as the page shows it."""

    number: int
    day: str
    time: str
    to_meters: bool
    way: str
    delay: int | None
    """In milliseconds."""
    octets: str
    meaning: str
    is_frame: bool
    notes: tuple[str, ...]
    is_bad: bool
    parts: tuple[tuple[str, str], ...]


class Filter(NamedTuple):
    """What the visitor wants to see; what was typed stays as it is."""

    client: str
    address: str
    names: Mapping[str, str]
    """How the visitor's language calls a party that is no client."""

    @classmethod
    def asked(cls) -> Filter:
        """Take it from the query."""
        client, address = (request.args.get(name, "").strip() for name in ("client", "address"))
        return cls(client[:LONGEST_CLIENT], address[:8], {party: party_text(party) for party in (DEVICE, "")})

    def fits(self, telegram: LineTelegram) -> bool:
        """Say whether a telegram is wanted (any thread, in a request or not). An address that is none fits nothing."""
        names = (telegram.party, self.names.get(telegram.party, ""))
        if self.client and not any(name.startswith(self.client) for name in names):
            return False
        return not self.address or str(telegram.address) == (self.address.lstrip("0") or "0")

    def newest(self, count: int, after: int = 0) -> list[LineTelegram]:
        """Give the newest telegrams that are wanted and have a greater number, the oldest first."""
        latest = islice(context().device.monitor.latest(), MOST_LOOKED_AT)
        since = takewhile(lambda telegram: telegram.number > after, latest)
        return list(islice(filter(self.fits, since), count))[::-1]

    @property
    def query(self) -> dict[str, str]:
        """What a link needs to ask for the same."""
        return {name: text for name, text in (("client", self.client), ("address", self.address)) if text}


@section.get("/serial/monitor")
@reads
def monitor() -> str:
    """Show the last telegrams, the newest last."""
    wanted, settled = Filter.asked(), context().device.monitor.settled
    last = wanted.newest(SHOWN)
    return render_template(
        "serial/monitor.html",
        rows=rows_of(last),
        wanted=wanted,
        # What came meanwhile is told again rather than left out.
        newest=max((one.number for one in last), default=settled),
    )


@section.get("/serial/monitor/rows")
@reads
def monitor_rows() -> Response:
    """Give the rows of the telegrams behind number `after`, for the page's script."""
    wanted, after = Filter.asked(), max(request.args.get("after", 0, type=int), 0)
    settled = context().device.monitor.settled
    found = wanted.newest(MOST_AT_ONCE, after)
    page = Response(render_template("serial/monitor_rows.html", rows=rows_of(found)))
    # All may have been others than those wanted; what was looked at need not be looked at again.
    page.headers["Monitor-Newest"] = str(max([settled, *(one.number for one in found)]))
    return page


@section.get("/serial/monitor/text")
@reads
def monitor_text() -> Response:
    """Give all telegrams as text."""
    lines = text_lines(_all(), f"{_product()}, {context().network().current.hostname.value}")
    return _file((line.encode("utf-8", "replace") for line in lines), "text/plain; charset=utf-8", "txt")


@section.get("/serial/monitor/pcapng")
@reads
def monitor_pcapng() -> Response:
    """Give all telegrams as a capture file."""
    product = context().device.product
    blocks = pcapng(_all(), hardware=product.type, application=_product())
    return _file(blocks, MEDIA_TYPE, "pcapng")


def rows_of(telegrams: Iterable[LineTelegram]) -> list[Row]:
    """Write telegrams as rows."""
    return [row_of(telegram) for telegram in telegrams]


def row_of(telegram: LineTelegram) -> Row:
    """Write a telegram as a row."""
    when = moment(telegram.at)
    return Row(
        telegram.number,
        when[:10],
        when[11:-1],
        telegram.to_meters,
        way_text(telegram),
        round(telegram.delay * 1000) if telegram.delay is not None else None,
        telegram.octets.hex(" ").upper(),
        meaning(telegram),
        telegram.frame is not None,
        tuple(_(NOTES[note]) for note in telegram.notes),
        not BAD.isdisjoint(telegram.notes),
        parts_of(telegram),
    )


def parts_of(telegram: LineTelegram) -> tuple[tuple[str, str], ...]:
    """Write every byte with its meaning; nothing for what is no frame or has one byte."""
    if telegram.frame is None or len(telegram.octets) == 1:
        return ()
    return tuple((octets.hex(" ").upper(), meaning) for _offset, octets, meaning in explain(telegram.frame))


def way_text(telegram: LineTelegram) -> str:
    """Say from whom to whom it went."""
    party = party_text(telegram.party)
    if telegram.to_meters:
        return _("%(client)s to the meters") % {"client": party}
    return _("%(port)s to %(client)s") % {"port": _(telegram.branch), "client": party}


def party_text(party: str) -> str:
    """Name who sends."""
    if party == DEVICE:
        return _("the device itself")
    return party or _("nobody")


def _all() -> Iterator[LineTelegram]:
    return filter(Filter.asked().fits, context().device.monitor.after(0))


def _product() -> str:
    product = context().device.product
    return f"{product.type} {product.version}"


def _file(content: Iterator[bytes], media_type: str, suffix: str) -> Response:
    """Hand out what takes seconds to make on a small board: piece by piece."""
    answer = Response(_lumps(content), content_type=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name("line", suffix)}"'
    return answer


def _lumps(content: Iterator[bytes]) -> Iterator[bytes]:
    while lump := b"".join(islice(content, LUMP)):
        yield lump
