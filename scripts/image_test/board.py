"""QEMU's raspi3b with the image in it: power, serial ports, pins, network."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

GPIO = 0x3F200000
"""BCM2837 ARM Peripherals, chapter 6: GPSET0 at 0x1C, GPCLR0 at 0x28, GPLEV0 at 0x34."""

UART = 0x3F201000
"""The PL011: IBRD at 0x24, FBRD at 0x28, LCRH at 0x2C (ARM DDI 0183)."""

BUTTON, SHORT_CIRCUIT = 24, 25
LEDS = {"power": 17, "error": 27, "link": 22, "activity": 23}
PORTS = {"http": 80, "tunnel": 10001, "console": 23, "ssh": 22}
MIB = 1 << 20


class ImageError(Exception):
    """The image does not do what it should."""


def free_port() -> int:
    """Give a TCP port of this machine that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Board:
    """A Raspberry Pi 3B with a card, in QEMU. What is written to the card stays from one power-on to the next."""

    def __init__(
        self, card: Path, files: Path, *, bus: tuple[str, int], folder: Path, direct: Sequence[str] = ()
    ) -> None:
        """Prepare it.

        :param card: the image; it is not changed.
        :param files: the folder with the boot loader and the device tree.
        :param bus: where the M-Bus is: host and port of meters on TCP.
        :param direct: QEMU's arguments in place of the boot loader's.
        """
        self.ports = {name: free_port() for name in PORTS}
        self.card = folder / "card.img"
        self.resets = 0
        self._files = files
        self._bus = bus
        self._folder = folder
        self._direct = direct
        self._process: subprocess.Popen[bytes] | None = None
        self._running: contextlib.ExitStack | None = None
        self._listener: threading.Thread | None = None
        self._answers: dict[int, dict[str, object]] = {}
        self._next = 0
        self._pressed = False
        self._changed = threading.Condition()
        self._qtest_lock = threading.Lock()
        subprocess.run(["cp", "--sparse=always", card, self.card], check=True)  # noqa: S603, S607

    def grow_card(self, size: int) -> None:
        """Make the card larger, as a real one is.

        :param size: MiB, a power of two.
        """
        os.truncate(self.card, size * MIB)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut_power()

    def power_on(self) -> None:
        """Start it."""
        # Unix sockets have short names.
        sockets = Path(tempfile.mkdtemp(prefix="cme3000-"))
        running = self._running = contextlib.ExitStack()
        running.callback(shutil.rmtree, sockets)
        forwards = ",".join(f"hostfwd=tcp:127.0.0.1:{self.ports[name]}-:{port}" for name, port in PORTS.items())
        boot = self._direct or ["-kernel", str(self._files / "u-boot.bin")]
        command = [
            "qemu-system-aarch64",
            "-M",
            "raspi3b",
            "-accel",
            "tcg,thread=multi",
            "-display",
            "none",
            "-no-user-config",
        ]
        command += [*boot, "-dtb", str(self._files / "bcm2837-rpi-3-b.dtb")]
        command += ["-drive", f"if=sd,format=raw,file={self.card},cache=writeback"]
        command += [
            "-chardev",
            f"socket,id=bus,host={self._bus[0]},port={self._bus[1]},reconnect=1",
            "-serial",
            "chardev:bus",
        ]
        command += ["-chardev", f"socket,id=con,path={sockets}/con,server=on,wait=off", "-serial", "chardev:con"]
        command += ["-netdev", f"user,id=net,{forwards}", "-device", "usb-net,netdev=net"]
        command += [
            "-qmp",
            f"unix:{sockets}/qmp,server=on,wait=off",
            "-qtest",
            f"unix:{sockets}/qtest,server=on,wait=off",
            "-qtest-log",
            "/dev/null",
        ]
        log = running.enter_context((self._folder / "qemu.log").open("ab"))
        self._process = running.enter_context(
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 (QEMU)
        )
        running.callback(self._process.kill)
        self._qtest = running.enter_context(self._connect(sockets / "qtest"))
        self._release_inputs()
        self._qmp = running.enter_context(self._connect(sockets / "qmp"))
        self.terminal = running.enter_context(Terminal(self._connect(sockets / "con"), self._folder / "console.log"))
        listener = threading.Thread(target=self._listen, name="qmp", daemon=True)
        listener.start()
        self._monitor("qmp_capabilities")
        self._listener = listener

    def cut_power(self) -> None:
        """Take the power away, whatever it is doing."""
        if self._running is None:
            return
        process, running, listener = self._process, self._running, self._listener
        self._running = self._process = self._listener = None
        if process is not None:
            process.kill()
            process.wait(10)
        if listener is not None:
            listener.join(10)
        running.close()

    def is_on(self) -> bool:
        """Say whether QEMU still runs."""
        return self._process is not None and self._process.poll() is None

    def leds(self) -> dict[str, bool]:
        """Give what the pins of the LEDs are at."""
        levels = self._read_word(GPIO + 0x34)
        return {name: bool(levels >> pin & 1) for name, pin in LEDS.items()}

    def serial_format(self) -> str:
        """Give the serial port's format as its registers have it, for example 2400 8E1."""
        control = self._read_word(UART + 0x2C)
        whole, part = self._read_word(UART + 0x24), self._read_word(UART + 0x28)
        parity = "N" if not control & 2 else "E" if control & 4 else "O"
        divisor = whole + part / 64
        # QEMU's clock for it is 3 MHz, as Linux is told by the device tree's fixed clock of 48 MHz over 16.
        rate = round(48_000_000 / 16 / divisor / 100) * 100 if divisor else 0
        return f"{rate} {5 + (control >> 5 & 3)}{parity}{2 if control & 8 else 1}"

    @contextlib.contextmanager
    def button(self) -> Iterator[None]:
        """Hold the button."""
        self._pressed = True
        self._write_word(GPIO + 0x28, 1 << BUTTON)
        try:
            yield
        finally:
            self._pressed = False
            self._write_word(GPIO + 0x1C, 1 << BUTTON)

    def wait_for_reset(self, seen: int, seconds: float) -> None:
        """Wait until it was reset more often than `seen` times.

        :raises ImageError: when it was not.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self.resets > seen, seconds):
                raise ImageError(f"no restart within {seconds:.0f} s")

    def _release_inputs(self) -> None:
        # QEMU knows no pull-up resistors: without this the button is pressed and the bus short.
        self._write_word(GPIO + 0x1C, (0 if self._pressed else 1 << BUTTON) | 1 << SHORT_CIRCUIT)

    def _connect(self, path: Path) -> socket.socket:
        deadline = time.monotonic() + 20
        while True:
            link = socket.socket(socket.AF_UNIX)
            try:
                link.connect(str(path))
            except OSError:
                link.close()
                if time.monotonic() > deadline or not self.is_on():
                    log = (self._folder / "qemu.log").read_text("utf-8", "replace")
                    raise ImageError(f"QEMU does not start: {log[-500:]}") from None
                threading.Event().wait(0.05)
            else:
                return link

    def _write_word(self, address: int, value: int) -> None:
        with self._qtest_lock:
            self._qtest.sendall(f"writel 0x{address:x} 0x{value:x}\n".encode())
            self._qtest.recv(4096)

    def _read_word(self, address: int) -> int:
        with self._qtest_lock:
            self._qtest.sendall(f"readl 0x{address:x}\n".encode())
            return int(self._qtest.recv(4096).split()[1], 16)

    def _monitor(self, command: str, **arguments: object) -> dict[str, object]:
        with self._changed:
            self._next += 1
            number = self._next
        message = {"execute": command, "id": number} | ({"arguments": arguments} if arguments else {})
        self._qmp.sendall(json.dumps(message).encode() + b"\n")
        with self._changed:
            if not self._changed.wait_for(lambda: number in self._answers, 20):
                raise ImageError(f"QEMU does not answer {command}")
            return self._answers.pop(number)

    def _listen(self) -> None:
        with contextlib.suppress(OSError), self._qmp.makefile("rb") as lines:
            for line in lines:
                message = json.loads(line)
                if message.get("event") == "RESET":
                    with contextlib.suppress(OSError):
                        self._release_inputs()
                with self._changed:
                    if message.get("event") == "RESET":
                        self.resets += 1
                    elif "id" in message:
                        self._answers[message["id"]] = message
                    self._changed.notify_all()


class Terminal:
    """The console's serial port: all that is said is kept, and commands are run where a shell listens."""

    def __init__(self, link: socket.socket, log: Path) -> None:
        """Read from `link`, and keep it in `log` too."""
        self._link = link
        self._log = log.open("ab")
        self._said = bytearray()
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._link.close()
        self._log.close()

    def wait_for(self, wanted: bytes, seconds: float, *, still: Callable[[], bool] = lambda: True) -> bytes:
        """Read until it was said; give what was said before it.

        :raises ImageError: when it is not.
        """
        deadline = time.monotonic() + seconds
        while wanted not in self._said:
            left = deadline - time.monotonic()
            if left <= 0 or not still():
                raise ImageError(
                    f"not seen on the console within {seconds:.0f} s: {wanted!r}; last: {bytes(self._said[-300:])!r}"
                )
            if select.select([self._link], [], [], min(left, 1))[0]:
                data = self._link.recv(65536)
                self._said += data
                self._log.write(data)
                self._log.flush()
        before, _, rest = bytes(self._said).partition(wanted)
        self._said = bytearray(rest)
        return before

    def listen(self) -> None:
        """Take what is said meanwhile, so that nobody has to wait to say it."""
        while select.select([self._link], [], [], 0)[0]:
            data = self._link.recv(65536)
            if not data:
                return
            self._said += data
            self._log.write(data)
            self._log.flush()

    def run(self, command: str, seconds: float = 60) -> str:
        """Run a command in the shell; give what it wrote.

        :raises ImageError: when it does not end in time.
        """
        self._count += 1
        mark = f"done-{self._count}-{os.getpid()}"
        self._link.sendall(f"{{ {command}; }} 2>&1 | cat; echo; echo '{mark[:4]}''{mark[4:]}'\n".encode())
        return self.wait_for(mark.encode() + b"\r\n", seconds).decode("utf-8", "replace").replace("\r", "").strip()

    def wait_for_shell(self, seconds: float) -> None:
        """Wait until commands can be given.

        :raises ImageError: when there is no shell.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._count += 1
                mark = f"here-{self._count}"
                # A plain shell: the one that is there edits lines, and writes them again and again.
                self._link.sendall(f"exec sh\nPS1=; stty -echo; echo 'he''re-{self._count}'\n".encode())
                self.wait_for(mark.encode() + b"\r\n", min(5, max(0.1, deadline - time.monotonic())))
            except ImageError:
                if time.monotonic() > deadline:
                    raise
            else:
                return
