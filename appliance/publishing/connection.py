"""One connection to the broker, from its name to the end."""

from __future__ import annotations

import select
import time
from socket import getaddrinfo as resolve
from typing import TYPE_CHECKING

from appliance.errors import ApplianceError, BrokerError
from appliance.publishing.dialling import CONNECTING, Dialling
from appliance.publishing.resolver import Resolution

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.publishing.broker import Broker
    from appliance.publishing.client import BrokerClient

RESOLVING = 10.0
"""Seconds that a name may take."""
GREETING = 10.0
"""Seconds that a broker may take to answer after the connection is there."""
TICK = 15.0
"""Seconds between two looks at whether the broker must be asked if it is still there."""

PROTOCOL_ERROR = 2
"""What paho returns for bytes that are no MQTT, or no packet for a client. Not imported: that would load paho."""

_ENDED = "the broker closes the connection"


class Connection:
    """Goes through the steps of one connection, a `turn` at a time; nothing in it waits.

    `client` is there from the broker's welcome on.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        is_old: bool,
        wake: Callable[[], None],
        on_received: Callable[[int], None],
        on_settled: Callable[[int, int, str], None],
        clock: Callable[[], float] = time.monotonic,
        patience: float | None = None,
    ) -> None:
        """Begin with the broker's name; `wake` is called, in another thread, when that is known.

        :param is_old: speak MQTT 3.1.1 and not 5.
        :param patience: seconds for each step, for tests; None takes those of the steps.
        """
        self._broker = broker
        self._is_old = is_old
        self._on_received, self._on_settled = on_received, on_settled
        self._clock = clock
        self._patience = patience
        self.resolution: Resolution | None = Resolution(broker.host, broker.port, on_end=wake, resolve=resolve)
        self._dialling: Dialling | None = None
        self._client: BrokerClient | None = None
        self._is_greeted = False
        self._ends_at = clock() + (patience or RESOLVING)

    @property
    def client(self) -> BrokerClient | None:
        """The client, when the broker has welcomed it."""
        return self._client if self._is_greeted else None

    @property
    def speaks_no_5(self) -> bool:
        """Whether the broker said that it knows no MQTT 5."""
        return self._client is not None and self._client.speaks_no_5

    def waits_for(self) -> tuple[int, int] | None:
        """Descriptor and poll events; None for nothing but `wake` and the time."""
        if self._dialling is not None:
            return self._dialling.waits_for
        sock = self._client.socket() if self._client is not None else None
        if sock is None or self._client is None:
            return None
        return sock.fileno(), select.POLLIN | (select.POLLOUT if self._client.want_write() else 0)

    def due_in(self) -> float:
        """Give the seconds after which a turn is due even if nothing happens."""
        if self._client is not None:
            sock = self._client.socket()
            if sock is not None and hasattr(sock, "pending") and sock.pending():
                return 0.0
            if self._is_greeted:
                return TICK
        ends_at = self._dialling.ends_at if self._dialling is not None else self._ends_at
        return max(0.0, ends_at - self._clock())

    def turn(self) -> None:
        """Do what can be done now.

        :raises BrokerError: when the connection cannot be made, or has ended, saying why; `close` it then.
        """
        if self.resolution is not None:
            self._resolve(self.resolution)
        if self._dialling is not None:
            self._dial(self._dialling)
        if self._client is not None:
            self._talk(self._client)

    def close(self, *, politely: bool = False) -> None:
        """End it; `politely` with a good-bye as far as that can be sent at once."""
        self.resolution = None
        if self._dialling is not None:
            self._dialling.close()
            self._dialling = None
        client, self._client = self._client, None
        if client is None:
            return
        try:
            if politely and self._is_greeted:
                client.leave(self._broker.topics.availability)
        except (OSError, ValueError):
            pass  # it ends either way
        finally:
            client.cut()

    def _resolve(self, resolution: Resolution) -> None:
        addresses = resolution.addresses()
        if addresses is None:
            if self._clock() >= self._ends_at:
                raise BrokerError("the name of the broker cannot be looked up: no answer")
            return
        self.resolution = None
        self._dialling = Dialling(
            self._broker,
            addresses,
            clock=self._clock,
            patience=self._patience or CONNECTING,
        )

    def _dial(self, dialling: Dialling) -> None:
        sock = dialling.turn()
        if sock is None:
            return
        self._dialling = None
        # Not loaded by a device that does not publish: paho takes a megabyte and a half.
        from appliance.publishing.client import BrokerClient

        self._client = BrokerClient(
            sock, self._broker, is_old=self._is_old, on_received=self._on_received, on_settled=self._on_settled
        )
        self._ends_at = self._clock() + (self._patience or GREETING)
        self._client.open()

    def _talk(self, client: BrokerClient) -> None:
        try:
            sock = client.socket()
            is_mqtt = sock is None or client.loop_read() != PROTOCOL_ERROR
            if client.socket() is not None and client.want_write():
                client.loop_write()
            if client.socket() is not None:
                client.loop_misc()
        except ApplianceError:
            raise  # the disk's, from what is called back
        except Exception as error:
            # paho is not made for brokers that send rubbish: what it trips over is not always its own error.
            raise BrokerError(f"the broker sends what is no MQTT ({type(error).__name__})") from error
        if client.refusal:
            raise BrokerError(client.refusal)
        if not is_mqtt:
            raise BrokerError("the broker sends what is no MQTT")
        if client.socket() is None:
            raise BrokerError(_ENDED if self._is_greeted else f"{_ENDED} without a word")
        if not client.is_open and self._clock() >= self._ends_at:
            raise BrokerError("the broker does not answer (MQTT)")
        self._is_greeted = self._is_greeted or client.is_open
