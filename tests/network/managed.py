"""A network manager on one end of a virtual cable, and what may be on the other."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from appliance.network.confirmation import Confirmation
from appliance.network.link_watch import LinkWatch
from appliance.network.manager import NetworkManager
from appliance.settings import Settings
from tests.network.namespaces import Namespace, cable, namespace, need_namespaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from subprocess import Popen

    from appliance.network.snapshot import NetworkSnapshot

DEADLINE = 25.0


class Managed:
    """A device with a network, in a namespace of its own; the far end of its cable is in another."""

    def __init__(self, folder: Path, here: Namespace, there: Namespace, **settings: str) -> None:
        self.folder = folder
        self.here, self.there = here, there
        self.settings = Settings(folder / "state")
        texts = {"network.address_check": "quick", **{name.replace("__", "."): text for name, text in settings.items()}}
        self.settings.override(texts)
        self.reverts: list[str] = []
        self.is_used = False
        self.link: LinkWatch | None = None
        self.manager: NetworkManager | None = None

    @property
    def resolv_conf(self) -> str:
        path = self.folder / "resolv.conf"
        return path.read_text() if path.exists() else ""

    @property
    def timesyncd_conf(self) -> str:
        path = self.folder / "timesyncd.conf"
        return path.read_text() if path.exists() else ""

    def start(self, *, has_confirmation: bool = False) -> None:
        confirmation = None
        if has_confirmation:
            confirmation = Confirmation(
                self.settings,
                self.folder / "state",
                was_used=lambda: self.is_used,
                on_revert=self.reverts.append,
            )
        with self.here.entered():
            link = self.link = LinkWatch("near")
            manager = self.manager = NetworkManager(
                self.settings,
                link=link.snapshot,
                state=self.folder / "state",
                resolv_conf=self.folder / "resolv.conf",
                confirmation=confirmation,
            )
            link.on_change = manager.wake
            link.start()
            manager.start()

    def stop(self) -> None:
        for service in (self.manager, self.link):
            if service is not None:
                service.stop()
        self.manager = self.link = None

    @property
    def now(self) -> NetworkSnapshot:
        assert self.manager is not None
        return self.manager.snapshot()

    def wait_for(self, condition: Callable[[NetworkSnapshot], object], what: str, deadline: float = DEADLINE) -> None:
        end = time.monotonic() + deadline
        while not condition(self.now):
            assert time.monotonic() < end, f"waited for {what}; it is {self.now}"
            assert self.manager is not None
            assert self.manager.is_alive
            time.sleep(0.01)

    def addresses(self) -> list[str]:
        """What the kernel has, by the word of iproute2."""
        lines = self.here.ip("-4", "-o", "address", "show", "dev", "near").splitlines()
        return [line.split()[3] for line in lines]

    def gateway(self) -> str:
        words = self.here.ip("-4", "route", "show", "default").split()
        return words[words.index("via") + 1] if "via" in words else ""


@contextlib.contextmanager
def managed(folder: Path, **settings: str) -> Iterator[Managed]:
    """Lay the cable and prepare a device; the test starts it."""
    need_namespaces()
    with namespace() as here, namespace() as there:
        cable(here, "near", there, "far")
        for end in (here, there):
            end.ip("link", "set", "lo", "up")
        device = Managed(folder, here, there, **settings)
        try:
            yield device
        finally:
            device.stop()


def dnsmasq(there: Namespace, folder: Path, *words: str, stderr: int | None = None) -> Popen[bytes]:
    """Start a DHCP server at the far end."""
    there.ip("address", "replace", "192.0.2.1/24", "dev", "far")
    return there.start(
        "dnsmasq",
        "--no-daemon",
        "--conf-file=/dev/null",
        "--port=0",
        "--interface=far",
        "--bind-interfaces",
        "--dhcp-authoritative",
        f"--dhcp-leasefile={folder}/leases-{len(list(folder.iterdir()))}",
        "--no-ping",
        "--user=root",
        *words,
        stderr=stderr,
    )
