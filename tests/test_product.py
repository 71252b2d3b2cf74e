"""What a device is: its board as the boot loader or the kernel names it, and when it was built."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING

import pytest

from appliance import __version__
from appliance.product import Product, find_product

if TYPE_CHECKING:
    from pathlib import Path

CPUINFO = """processor\t: 0
model name\t: ARMv7 Processor rev 4 (v7l)

Hardware\t: BCM2835
Revision\t: a02082
Serial\t\t: 00000000cafe0001
Model\t\t: Raspberry Pi 3 Model B Rev 1.2
"""


def find(tmp_path: Path) -> Product:
    return find_product(
        device_tree=tmp_path / "tree",
        cpuinfo=tmp_path / "cpuinfo",
        build_file=tmp_path / "build.toml",
        package=tmp_path / "package",
    )


def test_nothing_is_known(tmp_path: Path) -> None:
    assert find(tmp_path) == Product(
        "CMe3000 TCP/IP M-Bus Master", __version__, build_date=None, serial_number="", board=""
    )


def test_the_device_tree_goes_before_the_kernel_s_list(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(CPUINFO)
    assert find(tmp_path).serial_number == "00000000cafe0001"
    assert find(tmp_path).board == "Raspberry Pi 3 Model B Rev 1.2"
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/serial-number").write_bytes(b"10000000deadbeef\0")
    (tmp_path / "tree/model").write_bytes(b"Raspberry Pi Zero 2 W Rev 1.0\0")
    assert find(tmp_path).serial_number == "10000000deadbeef"
    assert find(tmp_path).board == "Raspberry Pi Zero 2 W Rev 1.0"


def test_rubbish_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/serial-number").write_bytes(b"\xff\xfe" + b"x" * 10_000)
    (tmp_path / "tree/model").mkdir()
    (tmp_path / "cpuinfo").write_bytes(b"Model: " + b"y" * 10_000 + b"\n\xff::\n")
    assert len(find(tmp_path).serial_number) == 80
    assert find(tmp_path).board == "y" * 80


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("date = 2026-01-31\n", dt.date(2026, 1, 31)),
        ("date = 2026-01-31T10:00:00Z\ncommit = 'abc'\n", dt.date(2026, 1, 31)),
        ("date = 'soon'\n", dt.date(2025, 6, 1)),
        ("", dt.date(2025, 6, 1)),
        ("not toml", dt.date(2025, 6, 1)),
        (None, dt.date(2025, 6, 1)),
    ],
)
def test_the_build_date_is_the_image_s_or_that_of_the_newest_file(
    tmp_path: Path, text: str | None, expected: dt.date
) -> None:
    (tmp_path / "package/below").mkdir(parents=True)
    for name, day in (("a.py", 1), ("below/b.py", 1), ("c.pyc", 20)):
        path = tmp_path / "package" / name
        path.touch()
        when = dt.datetime(2025, 6 if name != "a.py" else 5, day, tzinfo=dt.UTC).timestamp()
        os.utime(path, (when, when))
    if text is not None:
        (tmp_path / "build.toml").write_text(text)
    assert find(tmp_path).build_date == expected


def test_on_this_machine_it_finds_at_least_the_date() -> None:
    found = find_product()
    assert found.build_date is not None
    assert found.build_date.year >= 2026
