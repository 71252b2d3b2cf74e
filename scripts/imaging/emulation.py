"""Runs the programs of another architecture, in a root file system that is being made."""

from __future__ import annotations

import contextlib
import fcntl
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from imaging.command import BuildError, run, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BINFMT = Path("/proc/sys/fs/binfmt_misc")
RULE = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")
NAME = "qemu-aarch64"


@contextlib.contextmanager
def emulation() -> Iterator[None]:
    """Let the kernel run aarch64 programs by QEMU; on exit all is as it was.

    Debian's package leaves this to systemd, which a container does not have. The kernel has one list of such rules for
    all: a second build waits, lest the first one take its rule away from it.
    """
    if platform.machine() == "aarch64":
        yield
        return
    if not RULE.exists():
        raise BuildError("qemu-user-static is not installed")
    with contextlib.ExitStack() as undo:
        rule = undo.enter_context(RULE.open("r", encoding="ascii"))
        try:
            fcntl.flock(rule, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another build on this machine")
            fcntl.flock(rule, fcntl.LOCK_EX)
        if not (BINFMT / "register").exists():
            run(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT])
            undo.callback(run, ["umount", BINFMT])
        if not (BINFMT / NAME).exists():
            (BINFMT / "register").write_text(rule.read().strip(), "ascii")
            undo.callback((BINFMT / NAME).write_text, "-1", "ascii")
        yield


def alone(command: Sequence[str | Path], *, text: str | None = None) -> str:
    """Run a program whose mounts and processes end with it."""
    return run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private", *command], text=text)


def inside(root: Path, *command: str) -> str:
    """Run a program of the root file system, in it."""
    return alone(["chroot", root, "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin", "LC_ALL=C.UTF-8", *command])
