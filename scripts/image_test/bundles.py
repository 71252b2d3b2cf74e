"""Updates for the test: a good one, one whose gateway does not come up, one that was tampered with."""

from __future__ import annotations

import argparse
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from imaging.bundle import NAME, make_bundle
from imaging.card import read_layout
from imaging.command import run

if TYPE_CHECKING:
    from collections.abc import Sequence

REPOSITORY = Path(__file__).resolve().parents[2]
KEYS = REPOSITORY / ".build/keys"

BROKEN_PROGRAM = "#!/bin/sh\necho this gateway does not come up\nexit 1\n"

IMPATIENT_TIMER = """[Unit]
Description=Reboot after the CMe3000 gateway failed again and again
[Timer]
OnBootSec=20s
AccuracySec=1s
Unit=cme3000-reboot.service
"""
"""As the image's own, but that waits until five minutes after the start."""


def make_good(images: Path, folder: Path, version: str, *, adaptive: bool) -> Path:
    """Make an update of the image under test.

    :param folder: where it goes; it is made.
    :param adaptive: as a release is, which takes QEMU several times as long to install.
    """
    return _make(images, folder, images / "slot.ext4", version, adaptive=adaptive)


def make_broken(images: Path, folder: Path, version: str, *, adaptive: bool) -> Path:
    """Make one whose gateway ends as soon as it is started."""
    folder.mkdir(parents=True)
    slot = folder / "slot.ext4"
    run(["cp", "--sparse=always", images / "slot.ext4", slot])
    timer = "/usr/lib/systemd/system/cme3000-failed.timer"
    _replace(slot, "/opt/cme3000/bin/cme3000", BROKEN_PROGRAM, 0o100755)
    _replace(slot, timer, IMPATIENT_TIMER, 0o100644)
    made = _make(images, folder, slot, version, adaptive=adaptive)
    slot.unlink()
    return made


def tamper(good: Path, folder: Path, seed: int) -> Path:
    """Make a copy with one bit flipped, somewhere in the middle of its payload."""
    folder.mkdir(parents=True)
    bad = folder / NAME
    shutil.copy(good, bad)
    place = random.Random(seed).randrange(good.stat().st_size // 4, good.stat().st_size // 2)  # noqa: S311
    with bad.open("r+b") as file:
        file.seek(place)
        octet = file.read(1)[0]
        file.seek(place)
        file.write(bytes([octet ^ 0x10]))
    return bad


def put_on_card(card: Path, bundles: Sequence[Path], work: Path) -> None:
    """Lay updates into the data partition of a card that has not been started: /data/test/<folder's name>/<name>."""
    layout = read_layout(REPOSITORY / "image/layout.toml")
    data = work / "data.ext4"
    place = ["bs=1M", "status=none"]
    run(["dd", f"if={card}", f"of={data}", f"skip={layout.data.start}", f"count={layout.data.size}", *place])
    commands = ["mkdir /test"]
    for bundle in bundles:
        commands += [f"mkdir /test/{bundle.parent.name}", f"write {bundle} /test/{bundle.parent.name}/{NAME}"]
    _debugfs(data, commands)
    run(["dd", f"if={data}", f"of={card}", f"seek={layout.data.start}", "conv=notrunc,sparse", *place])
    data.unlink()


def _make(images: Path, folder: Path, slot: Path, version: str, *, adaptive: bool) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    notes = folder / "notes.txt"
    notes.write_text("For the boot test.\n", "ascii")
    run([REPOSITORY / "scripts/make-keys"])
    options = argparse.Namespace(
        image=images,
        output=folder,
        key=str(KEYS / "signer.key"),
        certificate=str(KEYS / "signer.pem"),
        intermediate=[],
        keyring=KEYS / "root.pem",
        notes=notes,
        slot=slot,
        version=version,
        minimum_version=None,
        whole=not adaptive,
        level=3,
    )
    return make_bundle(options)


def _replace(image: Path, path: str, text: str, mode: int) -> None:
    staged = image.with_suffix(".staged")
    staged.write_text(text, "ascii")
    _debugfs(image, [f"rm {path}", f"write {staged} {path}", f"sif {path} mode 0{mode:o}"])
    staged.unlink()


def _debugfs(image: Path, commands: Sequence[str]) -> None:
    run(["debugfs", "-w", "-f", "/dev/stdin", image], text="".join(f"{command}\n" for command in commands))
