"""The parts that the tunnel does without: to load them takes as long as to load everything that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.meters.meters import Meters
from appliance.publishing.publisher import Publisher
from appliance.recorder import History
from appliance.update.updater import Updater

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.product import Product
    from appliance.sampling import Sources
    from appliance.settings import Settings


class Latecomers:
    """What there is one of for the whole life of the program, and nobody asks for before the tunnel serves."""

    def __init__(
        self,
        settings: Settings,
        state: Path,
        product: Product,
        *,
        sources: Sources,
        update_bus: str,
        ailments: Callable[[], tuple[str, ...]],
        reboot: Callable[[str], None],
    ) -> None:
        """Build them, and open what they keep in the folder `state`.

        :param sources: what is recorded.
        :param update_bus: D-Bus address of RAUC's bus; empty where there is none.
        :param ailments: what keeps new firmware from being kept; nothing while all is well.
        :param reboot: begins anew, with new firmware; told why.
        """
        self._settings, self._state, self._product = settings, state, product
        self.history = History(**sources)
        self.meters = Meters(settings, state)
        self.publisher = self._new_publisher()
        self.updater = Updater(settings, state=state, product=product, bus=update_bus, ailments=ailments, reboot=reboot)

    def unstarted_publisher(self) -> Publisher:
        """Give the publisher, or one that takes its place if it was started already."""
        if self.publisher.thread.ident is not None:
            self.publisher = self._new_publisher()
        return self.publisher

    def _new_publisher(self) -> Publisher:
        return Publisher(self._settings, self.meters, self._state, self._product)
