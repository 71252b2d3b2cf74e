"""A real systemd with the shipped units, in namespaces of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.conftest import need

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).resolve().parents[2]
IMAGE = REPOSITORY / "image/root"
UNITS = IMAGE / "usr/lib/systemd/system"
HERE = Path(__file__).parent
DEADLINE = 20.0

TARGETS = ("sysinit", "basic", "shutdown", "umount", "final", "network", "local-fs", "paths", "timers", "sockets")
REBOOT = "[Unit]\nDefaultDependencies=no\nRequires=shutdown.target\nAfter=shutdown.target\nSuccessAction=reboot-force\n"


class Machine:
    """Boots the units of the image. The program is `standin.py MODE` in place of the appliance; times are shorter."""

    def __init__(self, folder: Path, mode: str, *, unit: str = "") -> None:
        """Prepare it in `folder`; `unit` is added to the section [Service]."""
        need(os.geteuid() == 0, "a systemd of its own needs root")
        for tool in ("unshare", "nsenter", "systemctl", "systemd-sysusers", "/lib/systemd/systemd"):
            need(shutil.which(tool), f"{tool} is not installed")
        self.folder = folder
        self.output = folder / "output"
        self._process: subprocess.Popen[bytes] | None = None
        self._cgroup = _own_cgroup() / f"cme3000-{os.getpid()}-{folder.name}"
        folder.chmod(0o755)
        self._make_users()
        for name in ("errors", "atomic", "supervision", "__init__"):
            source = REPOSITORY / "appliance" / name
            if source.is_dir():
                shutil.copytree(source, folder / "appliance" / name)
            else:
                (folder / "appliance").mkdir(exist_ok=True)
                shutil.copy(source.with_suffix(".py"), folder / "appliance")
        shutil.copy(HERE / "standin.py", folder)
        shutil.copytree(UNITS, folder / "units")
        for target in TARGETS:
            self.write(f"{target}.target", "[Unit]\nDefaultDependencies=no\n")
        self.write("multi-user.target", "[Unit]\nWants=cme3000.service cme3000-reboot.path\n")
        self.write("reboot.target", "[Unit]\nDefaultDependencies=no\nRequires=reboot.service\nAfter=reboot.service\n")
        self.write("reboot.service", f"{REBOOT}[Service]\nType=oneshot\nExecStart=/bin/true\n")
        # There is no card: /var is in memory here, and so is all that the service keeps.
        self.write("cme3000-data.service.d/test.conf", "[Service]\nExecStart=\nExecStart=/bin/true\n")
        self.write(
            "cme3000.service.d/test.conf",
            f"""[Service]
ExecStart=
ExecStart={Path(sys.executable).resolve()} /srv/folder/standin.py {mode}
Environment=PYTHONPATH=/srv/folder
# The interpreter may be in a home; of every home there is only that.
ProtectHome=no
WatchdogSec=1
RestartSec=100ms
StandardOutput=append:/srv/folder/output
StandardError=append:/srv/folder/output
{unit}
""",
        )
        for path in folder.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)

    def write(self, name: str, content: str) -> None:
        """Add a unit, or a piece of one."""
        path = self.folder / "units" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")

    def __enter__(self) -> Self:
        with (self.folder / "console").open("wb") as console:
            self._process = subprocess.Popen(
                [HERE / "machine.sh", self.folder, sys.base_prefix, self._cgroup],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        assert process is not None
        if process.poll() is None:
            process.kill()  # --kill-child takes the rest along
        process.wait(DEADLINE)
        if self._cgroup.is_dir():
            deadline = time.monotonic() + DEADLINE
            groups = [self._cgroup, *(path for path in self._cgroup.rglob("*") if path.is_dir())]
            while any((group / "cgroup.procs").read_bytes() for group in groups) and time.monotonic() < deadline:
                os.sched_yield()
            for group in reversed(groups):
                group.rmdir()

    def inside(self, *command: str) -> str:
        """Run a command inside."""
        init = (self._cgroup / "init.scope/cgroup.procs").read_text("ascii").split()[0]
        run = subprocess.run(
            ["nsenter", "-t", init, "-m", "-p", *command],  # noqa: S607 (wherever util-linux is)
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        return run.stdout.strip()

    def show(self, what: str, unit: str = "cme3000.service") -> str:
        """Give a property of a unit; empty while systemd does not answer."""
        try:
            return self.inside("systemctl", "show", "--value", "-p", what, unit)
        except (OSError, IndexError):
            return ""

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait until it is so."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            process = self._process
            assert process is not None
            if time.monotonic() > deadline or process.poll() is not None:
                said = "".join(path.read_text() for path in (self.folder / "console", self.output) if path.exists())
                raise AssertionError(f"not seen: {what} (the machine: {process.poll()}): {said}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)

    def wait_for_reboot(self) -> None:
        """Wait until the machine has rebooted, which in a pid namespace is its end by SIGHUP (reboot(2))."""
        assert self._process is not None
        status = self._process.wait(DEADLINE)
        assert status == -signal.SIGHUP, (self.folder / "console").read_text()

    def said(self) -> list[str]:
        """Give the lines that the program wrote."""
        return self.output.read_text("utf-8").splitlines() if self.output.exists() else []

    def _make_users(self) -> None:
        root = self.folder / "root"
        (root / "etc").mkdir(parents=True)
        for name in ("passwd", "group"):
            lines = Path("/etc", name).read_text("utf-8").splitlines(keepends=True)
            (root / "etc" / name).write_text("".join(line for line in lines if not line.startswith("cme3000:")))
        folder = root / "usr/lib/sysusers.d"
        folder.mkdir(parents=True)
        shutil.copy(IMAGE / "usr/lib/sysusers.d/cme3000.conf", folder)
        subprocess.run(
            ["systemd-sysusers", f"--root={root}", "cme3000.conf"],  # noqa: S607 (wherever systemd is)
            check=True,
            capture_output=True,
        )
        (self.folder / "etc").mkdir()
        for name in ("passwd", "group"):
            shutil.copy(root / "etc" / name, self.folder / "etc")


def _own_cgroup() -> Path:
    """Give this process's group in the second cgroup hierarchy."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    places = [fields[1] for fields in mounts if fields[2] == "cgroup2"]
    need(places, "there is no cgroup2 hierarchy")
    own = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    return Path(places[0] + own)
