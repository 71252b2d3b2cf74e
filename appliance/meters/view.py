"""What pages, console and publisher see of the meters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from appliance.meters.meter import Meter
    from appliance.meters.readings import Series, StoredReading, StoredValue
    from appliance.meters.snapshot import MetersSnapshot


class MetersView(Protocol):
    """The meters of the device; any method may be called by any thread, and none waits for the bus.

    Fields of a meter that people change go by name as text: name, baud, primary, secondary, fabrication,
    reads_by_primary, high_first, interval, on_battery.
    """

    def snapshot(self) -> MetersSnapshot:
        """State now, as a value that never changes."""

    def find(self, key: int) -> Meter:
        """Give a meter of the list.

        :raises UnknownMeter: when there is none of that number.
        """

    # The list.

    def add(self, texts: Mapping[str, str]) -> Meter:
        """Put a meter into the list, from what somebody typed.

        :raises InvalidMeter: with every field that is wrong; nothing has changed.
        :raises SaveFailed: when the disk did.
        """

    def add_found(self, addresses: Sequence[str] | None = None) -> tuple[Meter, ...]:
        """Put what the search found into the list, all of it or those with these addresses (`Meter.address_text`).

        One that is there already, by its secondary address or else speed and primary address, is brought up to date.

        :raises InvalidMeter: when there is not room for all; none was added.
        :raises SaveFailed: when the disk did.
        """

    def change(self, key: int, texts: Mapping[str, str]) -> Meter:
        """Change fields of a meter; those not named stay.

        :raises UnknownMeter: when there is none of that number.
        :raises InvalidMeter: with every field that is wrong; nothing has changed.
        :raises SaveFailed: when the disk did.
        """

    def remove(self, key: int) -> None:
        """Take a meter from the list, with its readings.

        :raises UnknownMeter: when there is none of that number.
        :raises SaveFailed: when the disk did.
        """

    def forget_all(self) -> None:
        """Remove every meter and every reading, as factory defaults do.

        :raises SaveFailed: when the disk did.
        """

    # Readings.

    def latest(self, key: int) -> StoredReading | None:
        """Give the newest reading of a meter."""

    def readings(
        self,
        key: int | None = None,
        *,
        after: int = 0,
        since: float = 0.0,
        until: float | None = None,
        limit: int = 100,
    ) -> tuple[StoredReading, ...]:
        """Give readings, of one meter or of all, in the order in which they were stored.

        :param after: only those with a greater number.
        :param since: seconds since 1970 of the first, `until` of the first that is too late.
        """

    def series(self, key: int) -> tuple[Series, ...]:
        """Give the records that a meter has told so far."""

    def history(
        self, series: int, *, since: float = 0.0, until: float | None = None, most: int = 340
    ) -> tuple[StoredValue, ...]:
        """Give values of one series, the oldest first; where there are more than `most`, evenly thinned out.

        :raises UnknownMeter: when there is no such series.
        """

    def values(self, key: int, *, since: float = 0.0, until: float | None = None) -> Iterator[StoredValue]:
        """Go through all values of a meter, the oldest first, without holding them all in memory.

        :raises SaveFailed: when the disk failed in the middle.
        """

    # Work on the bus, done by the reader's thread.

    def read_now(self, keys: Sequence[int]) -> None:
        """Ask for a readout of these meters as soon as the bus is free; one that waits already is not asked twice.

        :raises UnknownMeter: when one is not in the list; none was asked.
        """

    def search(self, bauds: Sequence[int], *, primary: bool, secondary: bool) -> None:
        """Begin a search; one that is there already is dropped.

        :raises InvalidMeter: when `bauds` has other than 300 and 2400 or nothing, or neither way is wanted.
        """

    def pause_search(self) -> None:
        """Let the search rest after its present step; nothing happens without one."""

    def resume_search(self) -> None:
        """Go on with a search that rests, was cancelled, failed, or was cut off by a power cut."""

    def cancel_search(self) -> None:
        """End the search; what it found stays to be added."""

    def set_primary(self, key: int, primary: int) -> None:
        """Have a meter given another primary address; how it ended is told by `MeterState.error` and the list.

        :raises UnknownMeter: when there is none of that number.
        :raises InvalidMeter: when the address is not within 0 to 250, or another meter of the list has it.
        """

    # Those who want to hear.

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have `listener` called (any thread; it must be quick) after a reading was stored or the list changed.

        :returns: what ends that.
        """
