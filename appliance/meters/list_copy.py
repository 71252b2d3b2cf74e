"""A copy of the list in a small file of its own, for the day on which the large one with the readings is damaged."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from appliance.atomic import replace
from appliance.meters.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

log = logging.getLogger(__name__)

NAME = "meters.json"


class ListCopy:
    """Names and addresses that people typed in are worth more than the readings, which come again."""

    def __init__(self, folder: Path) -> None:
        """Keep the copy in `folder`."""
        self.path = folder / NAME

    def write(self, meters: Iterable[Meter], last_number: int) -> None:
        """Write the list and the last number that was given; what fails is logged, for the list itself is stored."""
        item = {"last": last_number, "meters": [asdict(meter) for meter in meters]}
        try:
            replace(self.path, json.dumps(item).encode())
        except OSError as error:
            log.warning("the copy of the list cannot be written: %s", error)

    def read(self) -> tuple[list[Meter], int]:
        """Give the list and the last number; nothing and 0 where there is no copy that can be used."""
        try:
            item = json.loads(self.path.read_bytes())
            return [Meter(**meter) for meter in item["meters"]], int(item["last"])
        except FileNotFoundError:
            return [], 0
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.warning("the copy of the list cannot be used: %s", error)
            return [], 0

    def remove(self) -> None:
        """Remove it.

        :raises OSError: when that fails.
        """
        self.path.unlink(missing_ok=True)
