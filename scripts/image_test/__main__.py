"""The boot test; `scripts/test-image --help`."""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from imaging.command import BuildError

from image_test.board import Board, ImageError, free_port
from image_test.device import FACTORY_PASSWORD, Device
from image_test.loader import try_loader
from image_test.looks import first_accept, first_line, look_inside, reached, wait_until_up
from image_test.update import UpdateTest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
BOOT = 900.0
"""Seconds that a boot may take: emulated on a busy machine it is slow."""
RESET = 300.0
"""Seconds that going down may take, likewise."""


class Report:
    """Says what was found, as it is found."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed: list[str] = []
        self._began = time.monotonic()

    def check(self, what: str, test: Callable[[], object]) -> bool:
        """Run a test; it fails by raising something or giving False. What it gives is told."""
        began = time.monotonic()
        try:
            result = test()
        except ImageError as failure:
            result, said = False, f": {failure}"
        except Exception as failure:  # noqa: BLE001 (one answer that is not understood must not end all tests)
            result, said = False, f": {failure!r}"
        else:
            said = f": {result}" if isinstance(result, str) else ""
        is_good = result is not False
        if is_good:
            self.passed += 1
        else:
            self.failed.append(what)
        took = time.monotonic() - began
        sys.stdout.write(
            f"{'ok    ' if is_good else 'FAILED'} {time.monotonic() - self._began:6.0f} s {took:5.1f} s  {what}{said}\n"
        )
        sys.stdout.flush()
        return is_good

    def give_up(self, failure: Exception) -> None:
        """Say why nothing more is tried."""
        self.failed.append(f"the rest: {failure}")

    def conclude(self) -> int:
        """Say how it went; give the program's exit status."""
        sys.stdout.write("".join(f"FAILED: {what}\n" for what in self.failed))
        sys.stdout.write(f"{self.passed} passed, {len(self.failed)} failed\n")
        return 1 if self.failed else 0

    def tell(self, what: str) -> None:
        """Say something that is neither good nor bad."""
        sys.stdout.write(f"                       {what}\n")
        sys.stdout.flush()


def main() -> int:
    """Test what the command line asks for."""
    parser = argparse.ArgumentParser(prog="scripts/test-image", description="Boot the image in QEMU and test it.")
    parser.add_argument(
        "--images",
        type=Path,
        default=REPOSITORY / ".build/image",
        help="folder of scripts/build-image (default: .build/image)",
    )
    parser.add_argument(
        "--power-cuts",
        type=int,
        default=1,
        metavar="N",
        help="how often to cut the power at a random moment (default: %(default)s)",
    )
    parser.add_argument("--long", action="store_true", help="the same as --power-cuts 10")
    parser.add_argument("--seed", type=int, default=None, help="of those moments, to repeat a run")
    parser.add_argument(
        "--compare", action="store_true", help="boot a plain Debian too (scripts/build-image --plain), and compare"
    )
    parser.add_argument(
        "--update", action="store_true", help="test updates in place of the rest: boot loader, installation, fallback"
    )
    parser.add_argument(
        "--mark-by-hand", action="store_true", help="with --update: do not wait for the gateway to find itself healthy"
    )
    parser.add_argument(
        "--adaptive", action="store_true", help="with --update: updates as a release has them; takes an hour more"
    )
    parser.add_argument("--keep", type=Path, help="a folder for the console's log and the card")
    options = parser.parse_args()
    # An orderly end: QEMU would be left behind, and busy for ever.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    report = Report()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 16)
    with contextlib.ExitStack() as running:
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
        folder = options.keep or Path(running.enter_context(tempfile.TemporaryDirectory(prefix="cme3000-card-")))
        bus = running.enter_context(_meters())
        board = running.enter_context(
            Board(options.images / "cme3000-qemu.img", options.images, bus=bus, folder=folder)
        )
        try:
            if options.update:
                try_loader(report, options.images)
                test = UpdateTest(
                    report, board, Device(board), by_hand=options.mark_by_hand, adaptive=options.adaptive, seed=seed
                )
                test.run(options.images, folder, cuts=10 if options.long else options.power_cuts, seed=seed)
                return report.conclude()
            board.grow_card(4096)
            ours = _test(report, board, cuts=10 if options.long else options.power_cuts, seed=seed)
            if options.compare:
                board.cut_power()  # alone on the machine, as ours was
                _compare(report, options.images, bus, folder, ours)
        except (ImageError, BuildError, OSError) as failure:
            report.give_up(failure)
    return report.conclude()


@contextlib.contextmanager
def _meters() -> Iterator[tuple[str, int]]:
    """Run simulated meters on a TCP port; give the port."""
    port = free_port()
    program = str(Path(sys.executable).with_name("cme3000"))
    command = [program, "simulate", "--bus-only", "--bus-port", str(port), "--log-level", "warning"]
    with subprocess.Popen(  # noqa: S603 (our own program)
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as meters:
        try:
            yield "127.0.0.1", port
        finally:
            meters.terminate()


def _test(report: Report, board: Board, *, cuts: int, seed: int) -> float:
    """Give the seconds of the kernel's time to the tunnel at the first boot."""
    device = Device(board)
    began = time.monotonic()
    board.power_on()
    board.terminal.wait_for(b"Starting kernel", BOOT, still=board.is_on)
    kernel = time.monotonic()
    report.tell(f"boot loader: {kernel - began:.0f} s of this machine's time")
    if not report.check("the tunnel wakes a meter", lambda: _reached(board, device, kernel)):
        with contextlib.suppress(ImageError):
            board.terminal.wait_for_shell(120)
            report.tell(
                board.terminal.run(
                    "systemctl --failed --no-legend; journalctl -b --no-pager -n 40; systemctl list-jobs", 120
                )
            )
        raise ImageError("no tunnel: nothing else is tried")
    report.check("the tunnel reads a meter", device.reads_a_meter)
    report.check("the line is at 2400 8E1", lambda: _equal(board.serial_format(), "2400 8E1"))
    report.check("the web pages answer", lambda: _answers(device, kernel))
    report.check(
        "the console asks for a login", lambda: _timed(device, "console", device.greets_on_the_console, kernel)
    )
    report.check("DHCP gave the address", lambda: _address(device))
    report.check("PWR and LINK are lit, ERR is not", lambda: _leds(board))
    look_inside(report, board, first=True)
    identity = board.terminal.run("cat /etc/machine-id")
    ready = first_accept(board)

    report.check("a password of one's own is taken", device.choose_password)
    report.check("a setting is saved", lambda: device.write(line__baud_rate=300))
    report.check("the line is at 300 8E1", lambda: _equal(board.serial_format(), "300 8E1"))
    seen = board.resets
    # timesyncd does so every minute. Nobody here tells the time, and the board has no clock.
    then = int(board.terminal.run("touch /var/lib/systemd/timesync/clock; date +%s"))
    board.terminal.run("sync; systemctl reboot --no-block")
    board.wait_for_reset(seen, RESET)
    board.terminal.wait_for(b"Starting kernel", BOOT, still=board.is_on)
    _back(report, board, device, "a reboot", identity)
    report.check("time has gone on when the gateway starts", lambda: _goes_on(then, first_line(board)))
    moments = random.Random(seed)  # noqa: S311 (repeatable)
    for number in range(1, cuts + 1):
        wait = moments.uniform(0, 40)
        writes = number % 2 == 0
        value = 300 if number % 3 else 2400
        meanwhile = ", while settings are being written" if writes else ""
        report.tell(f"power cut {number} of {cuts} (seed {seed}): {wait:.1f} s from now{meanwhile}")
        _disturb(device, wait, value if writes else None)
        board.cut_power()
        board.power_on()
        board.terminal.wait_for(b"Starting kernel", BOOT, still=board.is_on)
        _back(report, board, device, f"power cut {number}", identity, any_rate=writes)

    seen = board.resets
    report.check("the button, held 6 s, restarts it", lambda: _hold(board, seen))
    board.terminal.wait_for(b"Starting kernel", BOOT, still=board.is_on)
    device.password = FACTORY_PASSWORD
    began = time.monotonic()
    report.check("then the tunnel is there", lambda: _reached(board, device, began))
    report.check("and the web pages", lambda: _answers(device, began))
    report.check("with the factory's settings", lambda: _equal(str(device.setting("line.baud_rate")), "2400"))
    return ready


def _compare(report: Report, images: Path, bus: tuple[str, int], folder: Path, ours: float) -> None:
    """Boot a plain Debian with the same kernel on the same kind of board, and compare."""
    own = folder / "plain"
    own.mkdir()
    with Board(images / "cme3000-plain.img", images, bus=bus, folder=own) as board:
        board.power_on()
        board.terminal.wait_for(b"Starting kernel", BOOT, still=board.is_on)
        # As `wait_until_up` does it for ours, so that each is measured with the same beside it.
        board.terminal.wait_for_shell(BOOT)
        board.terminal.run("systemctl is-system-running --wait", BOOT)
        plain = reached(board, "multi-user.target")
    said = f"{ours:.1f} s to the tunnel, {plain:.1f} s to a plain Debian's multi-user: {ours / plain:.2f}"
    report.check("it is there before a plain Debian is", lambda: said if ours <= plain else _fail(said))


def _fail(said: str) -> str:
    raise ImageError(said)


def _reached(board: Board, device: Device, since: float) -> str:
    """Wait until the tunnel can be used from outside; what is loaded after it may take longer."""
    wait_until_up(board, BOOT)
    return _timed(device, "tunnel", device.wakes_a_meter, since)


def _answers(device: Device, since: float) -> str:
    return _timed(device, "web", device.answers_on_the_web, since)


def _timed(device: Device, what: str, attempt: Callable[[], bool], since: float) -> str:
    device.wait_for(what, attempt, BOOT)
    return f"{time.monotonic() - since:.0f} s after the kernel's start"


def _goes_on(then: int, now: int) -> str:
    if now < then:
        raise ImageError(f"{then - now} s back")
    return f"{now - then} s later"


def _equal(have: str, wanted: str) -> str:
    if have != wanted:
        raise ImageError(f"{have}, not {wanted}")
    return have


def _address(device: Device) -> str:
    text = json.dumps(device.read("network"))
    if "10.0.2.15" not in text:
        raise ImageError(text[:300])
    return "10.0.2.15"


def _leds(board: Board) -> str:
    deadline = time.monotonic() + 30
    while True:
        leds = board.leds()
        if leds["power"] and leds["link"] and not leds["error"]:
            return ", ".join(f"{name} {'on' if lit else 'off'}" for name, lit in leds.items())
        if time.monotonic() > deadline:
            raise ImageError(str(leds))
        select.select([], [], [], 0.2)


def _hold(board: Board, seen: int) -> str:
    with board.button():
        select.select([], [], [], 9)  # 5 s, and time for a slow emulation to count them
    board.wait_for_reset(seen, RESET)
    return "restarted"


def _back(report: Report, board: Board, device: Device, what: str, identity: str, *, any_rate: bool = False) -> None:
    began = time.monotonic()
    report.check(f"after {what} the tunnel wakes a meter", lambda: _reached(board, device, began))
    report.check(f"after {what} the web pages answer", lambda: _answers(device, began))
    rates = ("300", "2400") if any_rate else ("300",)
    report.check(f"after {what} the settings are kept", lambda: str(device.setting("line.baud_rate")) in rates)
    if any_rate:
        device.write(line__baud_rate=300)
    report.check(
        f"after {what} the machine's id is the same",
        lambda: _equal(board.terminal.run("cat /etc/machine-id"), identity),
    )
    look_inside(report, board, first=False)


def _disturb(device: Device, seconds: float, rate: int | None) -> None:
    """Let time pass, with settings being saved all the while if there is a rate to set."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if rate is None:
            select.select([], [], [], max(0, end - time.monotonic()))
        else:
            with contextlib.suppress(ImageError):
                device.write(line__baud_rate=rate)


if __name__ == "__main__":
    sys.exit(main())
