"""Where readings go, as the settings have it."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.publishing.topics import Topics, level_of
from appliance.settings import mqtt, network
from appliance.settings.types.certificates import pem

if TYPE_CHECKING:
    from appliance.product import Product
    from appliance.settings import Values

PLAIN_PORT = 1883
TLS_PORT = 8883


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker, how to reach it, and what to tell it."""

    is_enabled: bool
    host: str
    port: int
    is_secure: bool
    verifies: bool
    authorities: str
    """In PEM; empty for those of the system."""
    user: str
    password: str
    client_id: str
    topics: Topics
    retains: bool
    discovery: str
    """Topic on which Home Assistant waits; empty where nothing is announced."""

    @classmethod
    def of(cls, values: Values, product: Product) -> Broker:
        """Take the settings together; the device's serial number, or else its name, tells it from others."""
        device = product.serial_number or values[network.HOSTNAME] or socket.gethostname()
        return cls(
            is_enabled=values[mqtt.ENABLED],
            host=values[mqtt.HOST],
            port=values[mqtt.PORT] or (TLS_PORT if values[mqtt.TLS] else PLAIN_PORT),
            is_secure=values[mqtt.TLS],
            verifies=values[mqtt.VERIFY],
            authorities=pem(values[mqtt.CA]),
            user=values[mqtt.USER],
            password=values[mqtt.PASSWORD],
            client_id=values[mqtt.CLIENT_ID] or f"cme3000-{level_of(device)}"[:64],
            topics=Topics(values[mqtt.PREFIX], device),
            retains=values[mqtt.RETAIN],
            discovery=values[mqtt.DISCOVERY_PREFIX] if values[mqtt.HOME_ASSISTANT] else "",
        )

    @property
    def is_wanted(self) -> bool:
        """Whether there is a broker to connect to."""
        return self.is_enabled and bool(self.host)

    @property
    def place(self) -> str:
        """Host and port; empty where no broker is set."""
        if not self.host:
            return ""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def session(self) -> str:
        """What a session at the broker belongs to: another broker or name knows nothing of what was sent."""
        return f"{self.place} {self.client_id}"

    def __repr__(self) -> str:
        return f"<Broker {self.place}>"  # never the password
