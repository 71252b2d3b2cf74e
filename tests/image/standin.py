"""Stands in for the appliance under its unit. It has the appliance's supervision, and says what it sees."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.supervision.journal import RestartJournal
from appliance.supervision.notifier import Notifier
from appliance.supervision.reboot import rebooter_for
from appliance.supervision.restart import Kind
from appliance.supervision.thread_dump import thread_dumps

if TYPE_CHECKING:
    from collections.abc import Callable

SIOCSIFFLAGS = 0x8914
LIBC = ctypes.CDLL(None, use_errno=True)


def main(mode: str) -> None:
    """Be ready and alive, and do what `mode` says."""
    if mode == "fail":
        sys.exit(3)
    notifier = Notifier.from_environment()
    journal = RestartJournal(Path(os.environ["STATE_DIRECTORY"]))
    journal.begin()
    say(f"last: {journal.last.kind if journal.last else None}: {journal.last.why if journal.last else None}")
    if mode == "probe":
        probe()
    notifier.ready("ready to be seen")
    if mode == "hang" and journal.last and journal.last.kind is Kind.FIRST_START:
        with thread_dumps():
            threading.Event().wait()
    if mode == "reboot":
        journal.end(Kind.REBOOT, "asked for")
        rebooter_for(os.environ).reboot("asked for")
    wait = threading.Event()
    while not wait.wait(0.1):
        notifier.alive()


def probe() -> None:
    """Try what the appliance needs, and what nobody may do in its place."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.split(":")[0] in {"CapEff", "CapPrm", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Uid"}:
            say(line.replace("\t", " "))
    state, runtime = Path(os.environ["STATE_DIRECTORY"]), Path(os.environ["RUNTIME_DIRECTORY"])
    attempt("write state", lambda: (state / "x").write_text("x"))
    attempt("write runtime", lambda: (runtime / "x").write_text("x"))
    attempt("make a FIFO for lgpio", lambda: os.mkfifo(Path(os.environ["LG_WD"]) / "fifo"))
    attempt("read the boot id", lambda: Path("/proc/sys/kernel/random/boot_id").read_text("ascii"))
    attempt("read cpuinfo", lambda: Path("/proc/cpuinfo").read_text("ascii"))
    attempt("make a callback in C", call_back)
    attempt("listen on port 80", lambda: socket.create_server(("", 80)).close())
    attempt("open a packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0800).close())
    attempt("open a netlink socket", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close())
    attempt("bring an interface up", bring_up)
    attempt("write /etc", lambda: Path("/etc/x").write_text("x"))
    attempt("write /usr", lambda: Path("/usr/x").write_text("x"))
    attempt("write /run", lambda: Path("/run/x").write_text("x"))
    attempt("write a kernel setting", lambda: Path("/proc/sys/kernel/printk").write_text("4"))
    attempt("open /dev/kmsg", lambda: Path("/dev/kmsg").read_bytes())
    attempt("open a disk", lambda: os.open("/dev/vda", os.O_RDONLY))
    attempt("open a Bluetooth socket", lambda: socket.socket(31, socket.SOCK_RAW, 0))
    attempt("set the host's name", lambda: socket.sethostname("x"))
    attempt("change an owner", lambda: os.chown(state / "x", os.getuid(), os.getgid()))
    attempt("become root", lambda: os.setuid(0))
    attempt("raise its priority", lambda: os.nice(-5))
    attempt("make a namespace", lambda: call("unshare", 0x10000000))
    attempt("mount", lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None))
    attempt("reboot", lambda: call("reboot", 0x01234567))


def bring_up() -> None:
    """Set IFF_UP of the loopback (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        fcntl.ioctl(asker, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", 1))


def call_back() -> None:
    """Have C code call Python, for which libffi makes code that can be run."""
    seen: list[int] = []
    ctypes.CFUNCTYPE(None, ctypes.c_int)(seen.append)(7)
    if seen != [7]:
        raise OSError(0, "not called")


def call(name: str, *arguments: object) -> None:
    """Call a function of the C library that has no other name in Python."""
    if LIBC[name](*arguments) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)


def attempt(what: str, action: Callable[[], object]) -> None:
    """Say whether it could be done."""
    try:
        action()
    except OSError as error:
        say(f"cannot {what}: {error.strerror}")
    else:
        say(f"can {what}")


def say(line: str) -> None:
    """Write for the test."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
