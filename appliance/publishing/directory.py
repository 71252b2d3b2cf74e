"""Which topics the meters have, and what the broker keeps of each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.publishing.progress import Told

if TYPE_CHECKING:
    from appliance.meters.meter import Meter
    from appliance.publishing.announcement import Components
    from appliance.publishing.progress import Progress


class Directory:
    """What was told of each meter, in memory and on the disk. For the publisher's thread alone."""

    def __init__(self, progress: Progress) -> None:
        """Read it from `progress`, which is open.

        :raises SaveFailed: when that fails.
        """
        self._progress = progress
        self._told = progress.told()
        self._components: dict[int, int] = {}
        """Of each meter, a hash of its entities."""

    @property
    def meters(self) -> tuple[int, ...]:
        """Numbers of the meters of which the broker may keep something."""
        return tuple(self._told)

    def find(self, meter: int) -> Told:
        """Give what was told of a meter."""
        return self._told.get(meter, Told(meter))

    def place(self, meter: Meter) -> str:
        """Give the level that a meter has in topics: its identification, or else its number.

        Of two with the same identification the later one has its number behind it. A meter keeps its level.
        """
        told = self.find(meter.key)
        if told.place and told.identification == meter.identification:
            return told.place
        place = meter.identification or str(meter.key)
        if any(other.place == place for other in self._told.values() if other.meter != meter.key):
            place = f"{place}-{meter.key}"
        self.change(meter.key, identification=meter.identification, place=place)
        return place

    def change(self, meter: int, **changes: str) -> None:
        """Note a change of what was told of a meter; it is on the disk when this returns.

        :raises SaveFailed: when the disk fails.
        """
        told = replace(self.find(meter), **changes)  # type: ignore[arg-type] # every field but the number is text
        if told != self._told.get(meter):
            self._progress.tell(told)
            self._told[meter] = told

    def learn(self, meter: int, components: Components) -> bool:
        """Add entities to those of a meter, or change them; say whether that made a difference.

        An entity stays although a reading lacks it, and a number stays one although a reading has a text in its place.

        :raises SaveFailed: when the disk fails.
        """
        mark = hash(repr(components))
        if self._components.get(meter) == mark:
            return False
        self.change(meter)
        known = self._progress.components(meter)
        merged = {
            **known,
            **{
                slug: component
                for slug, component in components.items()
                if "unit_of_measurement" in component or "unit_of_measurement" not in known.get(slug, {})
            },
        }
        if merged != known:
            self._progress.keep_components(meter, merged)
        self._components[meter] = mark
        return merged != known

    def components(self, meter: int) -> Components:
        """Give the entities of a meter.

        :raises SaveFailed: when the file cannot be read.
        """
        return self._progress.components(meter)

    def forget(self, meter: int) -> None:
        """Forget a meter of which the broker keeps nothing.

        :raises SaveFailed: when the disk fails.
        """
        if self._told.pop(meter, None) is not None:
            self._progress.untell(meter)
        self._components.pop(meter, None)

    def doubt(self) -> None:
        """Note that the broker may have lost every announcement.

        :raises SaveFailed: when the disk fails.
        """
        self._progress.doubt()
        self._told = {meter: replace(told, digest="") for meter, told in self._told.items()}
