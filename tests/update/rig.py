"""A RAUC of the test's own: keys, bundles, two slots in files, a boot loader in a file, and a bus."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import socket
import subprocess
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import NameOID
from jeepney.io.blocking import open_dbus_connection

from appliance.product import Product
from appliance.settings import Settings
from appliance.update.snapshot import Stage, UpdateSnapshot
from appliance.update.updater import Updater
from appliance.update.worker import UpdateWorker
from tests.conftest import need
from tests.tunnel.rig import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMPATIBLE = "cme3000-rpi"
RUNNING = "1.1.0"
DEADLINE = 20.0
DAY = dt.timedelta(days=1)


def needs_rauc() -> None:
    """Skip where something is missing that makes bundles or verifies them."""
    for tool in ("rauc", "mksquashfs", "dbus-daemon"):
        need(shutil.which(tool), f"{tool} is not installed")
    need(os.geteuid() == 0, "RAUC works as root alone")


class Authority:
    """A certificate authority, and the signers that it has."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = dt.datetime.now(dt.UTC)
        certificate = self._certificate(self._name, self._key, now - 3650 * DAY, now + 3650 * DAY, is_authority=True)
        self.path = folder / "ca.pem"
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def signer(self, name: str, *, begins: dt.timedelta = -DAY, ends: dt.timedelta = DAY) -> Signer:
        """Make a signer whose certificate is valid from now plus `begins` to now plus `ends`."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._certificate(subject, key, now + begins, now + ends)
        signer = Signer(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        signer.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        signer.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return signer

    def _certificate(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        begins: dt.datetime,
        ends: dt.datetime,
        *,
        is_authority: bool = False,
    ) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )


@dataclass(frozen=True)
class Signer:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


class Works:
    """Where firmware is made: signers, and bundles by the dozen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder / "own", "CMe3000 Update CA")
        self.stranger = Authority(folder / "strange", "Somebody Else")
        self.signer = self.authority.signer("Release 2026")
        self._made = 0

    def bundle(
        self,
        version: str = "1.2.0",
        *,
        signer: Signer | None = None,
        form: str = "verity",
        compatible: str = COMPATIBLE,
        notes: str = "Meters are read faster.",
        size: int = 32_768,
        at: str = "",
    ) -> Path:
        """Make one; `at` is the time that the clock of the works shows then, as faketime takes it."""
        self._made += 1
        content = self.folder / f"content-{self._made}"
        content.mkdir()
        (content / "rootfs.img").write_bytes(os.urandom(size))
        (content / "manifest.raucm").write_text(
            textwrap.dedent(
                f"""\
                [update]
                compatible={compatible}
                version={version}
                description={notes}
                build=2026-11-20
                [bundle]
                format={form}
                [image.rootfs]
                filename=rootfs.img
                """
            )
        )
        path = self.folder / f"{self._made}.romz"
        signer = signer or self.signer
        command = ["rauc", "bundle", f"--cert={signer.certificate}", f"--key={signer.key}", str(content), str(path)]
        before = ["faketime", "-f", at] if at else []
        done = subprocess.run([*before, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        shutil.rmtree(content)
        return path


@dataclass
class Host:
    """A device as far as RAUC knows it: two slots in files, A running and proven."""

    folder: Path
    works: Works
    formats: str = "-plain"
    uses_signing_time: bool = True
    clock: str = ""
    """What the clock of the device shows, as faketime takes it; empty for the right time."""
    address: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.conf = self.folder / "system.conf"
        self.boot = self.folder / "boot"
        self.boot.mkdir()
        for name, text in (("primary", "A"), ("A", "good"), ("B", "bad")):
            (self.boot / name).write_text(text)
        for slot in "AB":
            self.slot(slot).write_bytes(slot.encode() * 262_144)
        backend = self.folder / "backend"
        backend.write_text(
            textwrap.dedent(
                f"""\
                #!/bin/sh
                cd {self.boot}
                case $1 in
                    get-primary) cat primary ;;
                    set-primary) printf %s "$2" >primary; printf bad >"$2" ;;
                    get-state) cat "$2" ;;
                    set-state) printf %s "$3" >"$2" ;;
                    get-current) printf A ;;
                esac
                """
            )
        )
        backend.chmod(0o755)
        self.conf.write_text(
            textwrap.dedent(
                f"""\
                [system]
                compatible={COMPATIBLE}
                bootloader=custom
                statusfile={self.folder}/status
                mountprefix={self.folder}/mnt
                bundle-formats={self.formats}
                [keyring]
                path={self.works.authority.path}
                use-bundle-signing-time={str(self.uses_signing_time).lower()}
                [handlers]
                bootloader-custom-backend={backend}
                [slot.rootfs.0]
                device={self.slot("A")}
                type=raw
                bootname=A
                [slot.rootfs.1]
                device={self.slot("B")}
                type=raw
                bootname=B
                """
            )
        )

    def slot(self, name: str) -> Path:
        return self.folder / f"{name}.img"

    @property
    def program(self) -> tuple[str, ...]:
        clock = ("faketime", "-f", self.clock) if self.clock else ()
        return (*clock, "rauc", f"--conf={self.conf}")

    @property
    def contents(self) -> list[bytes]:
        """All that an update could change."""
        return [path.read_bytes() for path in (self.slot("A"), self.slot("B"), *sorted(self.boot.iterdir()))]

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run a bus with RAUC on it."""
        with bus(self.folder) as self.address:
            environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address}
            command = [*self.program, "--override-boot-slot=A", "service"]
            with (
                (self.folder / "rauc.log").open("w") as log,
                ended(subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)),
            ):
                await_name(self.address, "de.pengutronix.rauc")
                yield


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a program when the test does."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


@contextlib.contextmanager
def bus(folder: Path) -> Iterator[str]:
    """Run a bus that nobody else is on; give its address."""
    # The path of a socket has no more than 108 bytes, and that of the test's folder may be longer.
    with contextlib.ExitStack() as held:
        link = Path(f"/tmp/bus-{os.getpid()}-{os.urandom(4).hex()}")  # noqa: S108 (a random name of our own)
        link.symlink_to(folder)
        held.callback(link.unlink)
        address = f"unix:path={link}/bus"
        (folder / "bus.conf").write_text(
            f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
            "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
            <busconfig><listen>{address}</listen><policy context="default">
            <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/>
            </policy></busconfig>"""
        )
        daemon = shutil.which("dbus-daemon") or "dbus-daemon"
        command = [daemon, f"--config-file={folder / 'bus.conf'}", "--nofork", "--nopidfile", "--nosyslog"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        held.enter_context(ended(process))
        wait_until(lambda: _accepts(folder / "bus"), "the bus")
        yield address


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        # By its folder's descriptor, for the path may be too long for a socket.
        folder = os.open(path.parent, os.O_PATH)
        try:
            probe.connect(f"/proc/self/fd/{folder}/{path.name}")
        except OSError:
            return False
        finally:
            os.close(folder)
        return True


def await_name(address: str, name: str) -> None:
    """Wait until somebody offers `name` on the bus."""
    from jeepney import DBusAddress, new_method_call

    daemon = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
    with open_dbus_connection(address) as connection:

        def has_owner() -> bool:
            reply = connection.send_and_get_reply(new_method_call(daemon, "NameHasOwner", "s", (name,)), timeout=5)
            return bool(reply.body[0])

        wait_until(has_owner, name, DEADLINE)


class Bench:
    """An updater with its worker, and what it asked the device for."""

    def __init__(
        self,
        folder: Path,
        address: str,
        *,
        version: str = RUNNING,
        program: tuple[str, ...] = ("rauc",),
        minimum_version: str = "",
    ) -> None:
        self.state = folder / "state"
        self.settings = Settings(self.state)
        self.ailments: tuple[str, ...] = ()
        self.reboots: list[str] = []
        self.skew = 0.0
        self.updater = Updater(
            self.settings,
            state=self.state,
            product=Product(version=version, serial_number="00000000a1b2c3d4", minimum_version=minimum_version),
            bus=address,
            program=program,
            nbd=folder / "nbd",
            ailments=lambda: self.ailments,
            reboot=self.reboots.append,
            clock=self._clock,
            wall=lambda: 1_800_000_000.0,
        )
        self.worker = UpdateWorker(self.updater)

    def _clock(self) -> float:
        import time

        return time.monotonic() + self.skew

    @property
    def now(self) -> UpdateSnapshot:
        return self.updater.snapshot()

    @property
    def files(self) -> list[str]:
        """What lies beside settings and notes, and notes that are just being written."""
        folder = self.state / "update"
        return (
            sorted(path.name for path in folder.iterdir() if path.suffix not in {".json", ".tmp"})
            if folder.exists()
            else []
        )

    def advance(self, seconds: float) -> None:
        """Let time pass for the updater."""
        self.skew += seconds
        self.worker.wake()

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        wait_until(condition, what, DEADLINE)

    def await_stage(self, *stages: Stage) -> UpdateSnapshot:
        self.wait_for(lambda: self.now.stage in stages, f"{stages} after {self.now}")
        return self.now

    def upload(self, path: Path, name: str = "cme3000.romz") -> UpdateSnapshot:
        """Upload a file, and wait until it is judged."""
        with path.open("rb") as file:
            self.updater.receive(name, file, path.stat().st_size)
        return self.await_stage(Stage.READY, Stage.FAILED)

    @contextlib.contextmanager
    def working(self) -> Iterator[Bench]:
        """Run the worker."""
        self.worker.start()
        try:
            self.wait_for(lambda: self.now.is_available, f"RAUC: {self.now.why_not}")
            yield self
        finally:
            self.worker.stop(10)
