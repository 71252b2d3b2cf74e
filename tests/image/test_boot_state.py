"""RAUC's boot-loader backend, on a card that is a file. U-Boot's side of it: scripts/test-image."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import random
import re
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from imaging.card import read_layout

from tests.image.machine import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = REPOSITORY / "image/root/usr/lib/cme3000/boot-state"
SECTOR = 512


def _load() -> Any:
    loader = importlib.machinery.SourceFileLoader("boot_state", str(PROGRAM))
    specification = importlib.util.spec_from_loader("boot_state", loader)
    assert specification
    module = importlib.util.module_from_spec(specification)
    sys.modules["boot_state"] = module  # dataclasses look there
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes
        del sys.modules["boot_state"]
    return module


boot_state = _load()


class Rig:
    """A card, and what RAUC would ask."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "card.img"
        self.path.touch()
        with self.path.open("r+b") as card:
            card.truncate(200 << 20)
        boot_state.Card(self.path).initialise()
        self.published = folder / "slots.json"

    def ask(self, *words: str, running: str = "A") -> str:
        return str(boot_state.answer(list(words), boot_state.Card(self.path), running, self.published))

    def sectors(self) -> list[bytes]:
        data = []
        with self.path.open("rb") as card:
            for offset in boot_state.OFFSETS:
                card.seek(offset)
                data.append(card.read(SECTOR))
        return data

    def overwrite(self, copy: int, data: bytes) -> None:
        with self.path.open("r+b") as card:
            card.seek(boot_state.OFFSETS[copy])
            card.write(data)

    def state(self) -> dict[str, Any]:
        self.ask("publish")
        return dict(json.loads(self.published.read_text("ascii")))


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_a_new_card_has_a_system_in_slot_a_alone_in_both_copies(rig: Rig) -> None:
    for copy in (0, 1):
        sound = rig.sectors()
        rig.overwrite(copy, bytes(SECTOR))
        assert rig.state() == {"running": "A", "order": ["A", "B"], "left": {"A": 9, "B": 0}}
        rig.overwrite(copy, sound[copy])


def test_an_update_as_rauc_does_it(rig: Rig) -> None:
    assert rig.ask("get-current") == "A"
    rig.ask("set-state", "B", "bad")
    assert rig.ask("get-primary") == "A"
    assert rig.ask("get-state", "B") == "bad"
    rig.ask("set-primary", "B")
    assert rig.ask("get-primary") == "B"
    assert rig.ask("get-state", "B") == "bad", "on trial is not good yet"
    assert json.loads(rig.published.read_text("ascii")) == {
        "running": "A",
        "order": ["B", "A"],
        "left": {"A": 9, "B": 3},
    }
    rig.ask("set-state", "B", "good", running="B")
    assert rig.ask("get-state", "B") == "good"
    assert rig.state()["left"] == {"A": 9, "B": 9}
    assert rig.published.stat().st_mode & 0o777 == 0o644


def test_a_slot_that_failed_is_no_longer_the_one_to_be_started(rig: Rig) -> None:
    rig.ask("set-primary", "B")
    rig.ask("set-state", "B", "bad")
    assert rig.ask("get-primary") == "A"


def test_going_back_to_a_proven_slot_is_no_trial(rig: Rig) -> None:
    rig.ask("set-primary", "B")
    rig.ask("set-state", "B", "good")
    rig.ask("set-primary", "A")
    assert rig.state() == {"running": "A", "order": ["A", "B"], "left": {"A": 9, "B": 9}}


def test_only_the_older_copy_is_written(rig: Rig) -> None:
    for number in range(6):
        before = rig.sectors()
        rig.ask("set-state", "B", "good" if number % 2 else "bad")
        after = rig.sectors()
        changed = [copy for copy in (0, 1) if before[copy] != after[copy]]
        assert changed == [number % 2]


def test_nothing_besides_is_written(rig: Rig) -> None:
    with rig.path.open("r+b") as card:
        for offset in boot_state.OFFSETS:
            card.seek(offset - SECTOR)
            card.write(b"\xee" * 3 * SECTOR)
    boot_state.Card(rig.path).initialise()
    rig.ask("set-primary", "B")
    with rig.path.open("rb") as card:
        for offset in boot_state.OFFSETS:
            card.seek(offset - SECTOR)
            around = card.read(3 * SECTOR)
            assert around[:SECTOR] == around[-SECTOR:] == b"\xee" * SECTOR


def test_a_power_cut_in_the_midst_of_a_write_leaves_the_state_before_or_after(rig: Rig) -> None:
    rig.ask("set-primary", "B")
    before, old = rig.state(), rig.sectors()
    rig.ask("set-state", "B", "good")
    after, new = rig.state(), rig.sectors()
    copy = 0 if old[0] != new[0] else 1
    seen = set()
    for written in range(SECTOR + 1):
        rig.overwrite(copy, new[copy][:written] + old[copy][written:])
        state = rig.state()
        assert state in (before, after), written
        seen.add(str(state))
    assert len(seen) == 2


def test_flipped_bits_never_give_a_state_that_nobody_wrote(rig: Rig) -> None:
    sound = rig.sectors()
    moments = random.Random(7)
    for _ in range(200):
        broken = bytearray(sound[1])
        for _ in range(moments.randint(1, 8)):
            broken[moments.randrange(SECTOR)] ^= 1 << moments.randrange(8)
        rig.overwrite(1, bytes(broken))
        assert rig.state()["left"] == {"A": 9, "B": 0}


def test_with_both_copies_torn_both_slots_are_on_trial_and_the_next_change_mends_it(rig: Rig) -> None:
    for copy in (0, 1):
        rig.overwrite(copy, b"\xff" * SECTOR)
    assert rig.state() == {"running": "A", "order": ["A", "B"], "left": {"A": 3, "B": 3}}
    rig.ask("set-state", "A", "good")
    assert rig.state()["left"] == {"A": 9, "B": 3}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "BOOT_NUMBER=9",
        "BOOT_NUMBER=x\0BOOT_ORDER=A B\0BOOT_A_LEFT=1\0BOOT_B_LEFT=1",
        "BOOT_NUMBER=9\0BOOT_ORDER=\0BOOT_A_LEFT=1\0BOOT_B_LEFT=1",
    ],
)
def test_a_sound_sector_that_says_nothing_is_as_good_as_a_torn_one(rig: Rig, text: str) -> None:
    data = text.encode("ascii").ljust(SECTOR - 4, b"\0")
    rig.overwrite(1, zlib.crc32(data).to_bytes(4, "little") + data)
    assert rig.state()["left"] == {"A": 9, "B": 0}


@pytest.mark.parametrize(
    "words", [(), ("get-state",), ("get-state", "C"), ("set-state", "A", "so-so"), ("set-primary", "rootfs.0"), ("x",)]
)
def test_what_rauc_does_not_ask_is_refused_and_changes_nothing(rig: Rig, words: tuple[str, ...]) -> None:
    before = rig.sectors()
    with pytest.raises(boot_state.StateError, match="usage"):
        rig.ask(*words)
    assert rig.sectors() == before


def test_a_card_that_does_not_keep_what_is_written_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot_state.os, "pwrite", lambda *_: SECTOR)
    with pytest.raises(boot_state.StateError, match="does not keep"):
        rig.ask("set-primary", "B")


def test_where_the_system_runs_from_neither_slot_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(boot_state, "BLOCK_DEVICES", tmp_path)
    with pytest.raises(boot_state.StateError, match="neither slot"):
        boot_state.find_root()


def test_the_places_are_those_of_the_layout_and_of_the_boot_script() -> None:
    layout = read_layout(REPOSITORY / "image/layout.toml")
    script = (REPOSITORY / "image/boot/boot.cmd").read_text("utf-8")
    first = layout.state.start << 20
    assert (first, first + (layout.state.size << 19)) == boot_state.OFFSETS
    sectors = [f"{offset // SECTOR:x}" for offset in boot_state.OFFSETS]
    assert re.findall(r"^for sector in (\w+) (\w+); do", script, re.MULTILINE) == [tuple(sectors)]
    assert set(re.findall(r"_sector (\w+)(?=[;\n])", script)) == set(sectors)
    assert set(re.findall(r"-c (?:-s )?(?:\$\{state_addr\} )?(\d+)", script)) == {f"{SECTOR:x}"}


def test_the_program_itself_writes_a_new_card(tmp_path: Path) -> None:
    card = tmp_path / "card.img"
    card.write_bytes(b"")
    with card.open("r+b") as file:
        file.truncate(200 << 20)
    subprocess.run([sys.executable, str(PROGRAM), "initialise", str(card)], check=True)
    assert boot_state.Card(card).read().left == {"A": 9, "B": 0}
    nowhere = subprocess.run(
        [sys.executable, str(PROGRAM), "initialise", str(tmp_path / "none")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert nowhere.returncode == 1
    assert "No such file" in nowhere.stderr
