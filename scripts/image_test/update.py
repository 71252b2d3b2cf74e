"""Updates in QEMU: installed, proven, fallen back from, tampered with, and cut off in the midst."""

from __future__ import annotations

import contextlib
import json
import random
import select
import time
from typing import TYPE_CHECKING, Any

from imaging.bundle import NAME

from image_test.board import ImageError
from image_test.bundles import make_broken, make_good, put_on_card, tamper
from image_test.looks import wait_until_up

if TYPE_CHECKING:
    from pathlib import Path

    from image_test.board import Board
    from image_test.device import Device
    from image_test.looks import Reporter

BOOT = 900.0
INSTALLATION = 1500.0
"""Seconds, on a busy machine."""
PROBATION = 600.0
"""Seconds until the gateway has found itself healthy, likewise."""
RATE = 300
"""A setting that is not the factory's."""


class UpdateTest:
    """A device, and updates for it that lie on its card."""

    def __init__(
        self, report: Reporter, board: Board, device: Device, *, by_hand: bool, adaptive: bool, seed: int
    ) -> None:
        """Test this device.

        :param adaptive: with updates as a release has them, which takes QEMU several times as long.
        :param by_hand: the gateway does not judge itself: a slot that answers is marked good by this test.
        """
        self._report = report
        self._board = board
        self._device = device
        self._by_hand = by_hand
        self._adaptive = adaptive
        self._recorded = ""
        self._moments = random.Random(seed)  # noqa: S311 (repeatable)

    def run(self, images: Path, work: Path, *, cuts: int, seed: int) -> None:
        """Run all."""
        check = self._report.check
        began = time.monotonic()
        good = make_good(images, work / "good", "9.0", adaptive=self._adaptive)
        bundles = [
            good,
            make_broken(images, work / "broken", "9.1", adaptive=self._adaptive),
            tamper(good, work / "tampered", seed),
        ]
        put_on_card(self._board.card, bundles, work)
        sizes = ", ".join(f"{path.parent.name} {path.stat().st_size / 1e6:.0f} MB" for path in bundles)
        self._report.tell(f"updates made in {time.monotonic() - began:.0f} s: {sizes}")

        self._board.power_on()
        self._come_up("A")
        self._device.choose_password()
        check("a setting is saved", lambda: self._device.write(line__baud_rate=RATE))
        check("a meter is put into the list and read", self._record)
        check("only the gateway and root may ask for an installation", self._only_the_gateway_asks)
        check("what is in an update is told", self._inspect)

        check("an update is installed into B", lambda: self._install("good"))
        check("which is now on trial, with three tries", lambda: self._has(order=["B", "A"], left={"A": 9, "B": 3}))
        self._reboot()
        self._come_up("B")
        check("one try is used up", lambda: self._has(left={"A": 9, "B": 2}))
        check("settings, meter and reading are kept", self._all_is_kept)
        check("it proves itself", self._prove)

        check("a bit flipped in an update is noticed", lambda: self._refused("tampered"))
        check("before anything is changed", lambda: self._has(order=["B", "A"], left={"A": 9, "B": 9}))

        for number in range(1, cuts + 1):
            self._cut(number, cuts, seed)

        check("one that does not come up is installed into A", lambda: self._install("broken"))
        seen = self._board.resets
        self._reboot()
        # Down into it, and three times out of it again.
        check("it is tried three times", lambda: self._wait_for_resets(seen + 4, 4 * BOOT))
        self._come_up("B")
        check("then the one before runs again", lambda: self._has(order=["A", "B"], left={"A": 0, "B": 9}))
        check("with settings, meter and reading", self._all_is_kept)

    def _shell(self, command: str, seconds: float = 120) -> str:
        return self._board.terminal.run(command, seconds)

    def _come_up(self, slot: str) -> None:
        """Wait for the tunnel and a shell.

        :raises ImageError: when the device does not come up: nothing else makes sense.
        """
        began = time.monotonic()
        self._board.terminal.wait_for(b"Starting kernel", BOOT, still=self._board.is_on)

        def wait() -> str:
            wait_until_up(self._board, BOOT)
            self._device.wait_for("tunnel", self._device.wakes_a_meter, BOOT)
            self._device.wait_for("web", self._device.answers_on_the_web, BOOT)
            self._device.wait_for("console", self._device.greets_on_the_console, BOOT)
            running = self._state()["running"]
            if slot and running != slot:
                raise ImageError(f"slot {running} runs")
            return f"{running}, {time.monotonic() - began:.0f} s after the boot loader"

        if not self._report.check(f"it boots slot {slot or 'A or B'}", wait):
            raise ImageError("it does not come up: nothing else is tried")

    def _state(self) -> dict[str, Any]:
        """Give what the device says about its slots."""
        deadline = time.monotonic() + 120
        while True:
            text = self._shell("cat /run/cme3000-slots.json")
            with contextlib.suppress(ValueError):
                return dict(json.loads(text))
            if time.monotonic() > deadline:
                raise ImageError(text)

    def _has(self, **wanted: object) -> str:
        state = self._state()
        if any(state[name] != value for name, value in wanted.items()):
            raise ImageError(f"{state}, not {wanted}")
        return json.dumps(state)

    def _reboot(self) -> None:
        seen = self._board.resets
        self._shell("sync; systemctl reboot --no-block")
        self._wait_for_resets(seen + 1, BOOT)

    def _wait_for_resets(self, count: int, seconds: float) -> None:
        """Wait until it was reset so often, and listen to the console: what nobody hears holds the device up."""
        deadline = time.monotonic() + seconds
        while self._board.resets < count:
            if time.monotonic() > deadline or not self._board.is_on():
                raise ImageError(f"{self._board.resets} resets, not {count}")
            self._board.terminal.listen()
            select.select([], [], [], 0.1)

    def _install(self, name: str) -> str:
        began = time.monotonic()
        said = self._shell(f"rauc install /data/test/{name}/{NAME}; echo rc=$?", INSTALLATION)
        if "rc=0" not in said:
            raise ImageError(said[-1500:])
        return f"{time.monotonic() - began:.0f} s"

    def _refused(self, name: str) -> str:
        said = self._shell(f"rauc install /data/test/{name}/{NAME}; echo rc=$?", INSTALLATION)
        if "rc=0" in said:
            raise ImageError("it was installed")
        return said.replace("\n", " ")[-300:]

    def _inspect(self) -> str:
        said = self._shell(f"rauc info --output-format=json-2 /data/test/good/{NAME}")
        info = json.loads(said[said.index("{") :])
        update = info.get("update", info)
        if (update["version"], update["compatible"]) != ("9.0", "cme3000-rpi"):
            raise ImageError(said)
        return f"version {update['version']}, meta {info.get('meta')}"

    def _only_the_gateway_asks(self) -> str:
        ask = "busctl call de.pengutronix.rauc / de.pengutronix.rauc.Installer GetPrimary"
        said = {}
        for user in ("cme3000", "nobody"):
            said[user] = self._shell(f"setpriv --reuid={user} --regid=nogroup --clear-groups {ask}")
        if '"rootfs.0"' not in said["cme3000"] or "denied" not in said["nobody"].lower():
            raise ImageError(str(said))
        return said["nobody"]

    def _record(self) -> str:
        self._recorded = self._device.record_a_meter()
        return self._recorded

    def _all_is_kept(self) -> str:
        rate = str(self._device.setting("line.baud_rate"))
        if rate != str(RATE):
            raise ImageError(rate)
        recorded = self._device.recorded()
        if recorded != self._recorded:
            raise ImageError(f"{recorded!r}, not {self._recorded!r}")
        return f"{rate}, {recorded[:40]}..."

    def _prove(self) -> str:
        """See the running slot marked good."""
        running = self._state()["running"]
        if self._by_hand:
            self._shell("rauc status mark-good")
        deadline = time.monotonic() + PROBATION
        while (left := self._state()["left"][running]) != 9:
            if time.monotonic() > deadline:
                raise ImageError(f"{left} tries left")
            select.select([], [], [], 2)
        return "by hand" if self._by_hand else "by itself"

    def _cut(self, number: int, cuts: int, seed: int) -> None:
        """Take the power away while an update is being installed into A; B has proven itself."""
        wait = self._moments.uniform(0, 600 if self._adaptive else 120)
        self._report.tell(f"power cut {number} of {cuts} (seed {seed}): {wait:.1f} s into an installation")
        self._shell(f"(rauc install /data/test/good/{NAME} >/run/installation 2>&1 &)")
        select.select([], [], [], wait)
        said = self._shell("tail -n 1 /run/installation; cat /run/cme3000-slots.json").replace("\n", " ")
        self._report.tell(f"it was at: {said}")
        is_done = "succeeded" in said
        self._board.cut_power()
        self._board.power_on()
        # Power can go between the last write and the word of it.
        self._come_up("A" if is_done else "")
        running = self._state()["running"]
        self._report.check(f"after power cut {number} settings, meter and reading are kept", self._all_is_kept)
        if running == "A":
            # It was through: back to where the next one can begin.
            self._shell("rauc status mark-good; rauc status mark-active rootfs.1")
            self._reboot()
            self._come_up("B")
