"""What an interface in a namespace has, as another program (iproute2) sees it."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING, Any

from appliance.network.kernel.netlink import Netlink
from appliance.network.kernel.wanted import Wanted, WantedAddress

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.network.namespaces import Namespace

PORT, FAR = "m0", "p0"


def want(*addresses: str, gateway: str = "", mtu: int | None = None, **more: Any) -> Wanted:
    """What shall be; `more` is for each of the addresses."""
    made = tuple(WantedAddress(IPv4Interface(address), **more) for address in addresses)
    return Wanted(made, IPv4Address(gateway) if gateway else None, mtu)


class Witness:
    """Looks at the port of a namespace."""

    def __init__(self, namespace: Namespace, port: str = PORT) -> None:
        self._namespace = namespace
        self._port = port

    def link(self) -> Any:
        return json.loads(self._namespace.ip("-j", "addr", "show", "dev", self._port))[0]

    def entries(self, family: str = "inet") -> list[Any]:
        return [entry for entry in self.link()["addr_info"] if entry["family"] == family]

    def addresses(self) -> list[str]:
        return [f"{entry['local']}/{entry['prefixlen']}" for entry in self.entries()]

    def routes(self) -> list[Any]:
        found: list[Any] = json.loads(self._namespace.ip("-j", "-d", "route", "show", "default"))
        return found

    def setting(self, name: str, family: str = "ipv4") -> int:
        return int(self._namespace.run("cat", f"/proc/sys/net/{family}/conf/{self._port}/{name}"))


class Recorder(Netlink):
    """Notes what is asked, and does something before each question."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: list[int] = []
        self.before: Callable[[int], object] = lambda _kind: None

    def ask(self, message: Any, kind: int, flags: int = 0, *, attributes: bytes = b"") -> list[Any]:
        self.before(kind)
        self.kinds.append(kind)
        return super().ask(message, kind, flags, attributes=attributes)

    def changes(self) -> list[int]:
        return [kind for kind in self.kinds if kind % 4 != 2]
