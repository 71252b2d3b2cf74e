"""What this device is: its type, its firmware, and the board that it runs on."""

from __future__ import annotations

import datetime as dt
import logging
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance import __version__

log = logging.getLogger(__name__)

TYPE = "CMe3000 TCP/IP M-Bus Master"

DEVICE_TREE = Path("/proc/device-tree")
CPUINFO = Path("/proc/cpuinfo")
BUILD_FILE = Path("/etc/cme3000/build.toml")
"""Written when the image is built: ``date = 2026-01-31``, and ``minimum_version = "1.0.0"`` where there is a floor."""

LONGEST = 80
"""Characters of a name that a board may give itself."""


@dataclass(frozen=True, slots=True)
class Product:
    """What does not change while the program runs."""

    type: str = TYPE
    version: str = __version__
    build_date: dt.date | None = None
    serial_number: str = ""
    """Of the board; empty where it has none."""
    board: str = ""
    """The board's own name for its model; empty where it has none."""
    minimum_version: str = ""
    """The oldest firmware that may be installed from this one; empty where the image sets no floor."""


def find_product(
    *,
    device_tree: Path = DEVICE_TREE,
    cpuinfo: Path = CPUINFO,
    build_file: Path = BUILD_FILE,
    package: Path = Path(__file__).parent,
) -> Product:
    """Look at the board, and at the image or else the newest file of `package` for the build date. Never fails.

    The serial number and the model are those that the boot loader hands over in the device tree (Devicetree
    Specification 2.3.1 and 4.1), else those that the kernel of a Raspberry Pi lists.
    """
    listed = _listed(cpuinfo)
    build = _build(build_file)
    return Product(
        build_date=_date_of_image(build) or _date_of_files(package),
        serial_number=_property(device_tree / "serial-number") or listed.get("Serial", ""),
        board=_property(device_tree / "model") or listed.get("Model", ""),
        minimum_version=_floor(build),
    )


def _property(path: Path) -> str:
    return _text(path).split("\0")[0].strip()[:LONGEST]


def _listed(cpuinfo: Path) -> dict[str, str]:
    pairs = (line.partition(":") for line in _text(cpuinfo).splitlines())
    return {name.strip(): value.strip()[:LONGEST] for name, _, value in pairs}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _build(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        log.warning("%s cannot be used: %s", path, error)
    return {}


def _floor(build: dict[str, Any]) -> str:
    version = build.get("minimum_version", "")
    return version.strip()[:LONGEST] if isinstance(version, str) else ""


def _date_of_image(build: dict[str, Any]) -> dt.date | None:
    date = build.get("date")
    if isinstance(date, dt.datetime):  # is a date too
        return date.date()
    return date if isinstance(date, dt.date) else None


def _date_of_files(package: Path) -> dt.date | None:
    newest = 0.0
    for path in package.rglob("*.py"):
        try:
            newest = max(newest, path.stat().st_mtime)
        except OSError:
            continue
    return dt.datetime.fromtimestamp(newest, dt.UTC).date() if newest else None
