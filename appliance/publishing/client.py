"""The MQTT client: paho's, with a message's state put where a power cut cannot reach it. Loads paho.

paho keeps what is on its way in memory alone, sends the release (PUBREL) as soon as it hears of the receipt (PUBREC),
and does not look at the reason that a receipt carries. `decisions/mqtt.md` says what follows from that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from paho.mqtt import _packet
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import (
    CallbackAPIVersion,
    MessageState,
    MQTTErrorCode,
    MQTTProtocolVersion,
)
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.errors import BrokerError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from paho.mqtt.client import ConnectFlags, DisconnectFlags
    from paho.mqtt.reasoncodes import ReasonCode

    from appliance.publishing.broker import Broker
    from appliance.publishing.progress import Flight

KEEP_ALIVE = 60
"""Seconds of silence after which the broker takes us for dead, at one and a half times it."""
SESSION = 30 * 24 * 3600
"""Seconds for which the broker remembers what it received from us after the connection is gone."""
LARGEST = 65536
"""Bytes of a packet that a broker may send. We subscribe to nothing, so that honest ones have some dozen."""

HIGHEST_FLIGHT = 0x7FFF
"""Packet identifiers up to here are for readings, those above for what may come twice: they never meet."""

REFUSED = 0x80
"""Reason codes from here on are failures (MQTT 5.0, clause 2.4)."""

_REASONS = {
    "Bad user name or password": "the broker refuses user name or password",
    "Not authorized": "the broker does not allow that to this user",
    "Client identifier not valid": "the broker does not like the client id",
    "Server unavailable": "the broker is not ready",
    "Server busy": "the broker is busy",
    "Banned": "the broker has banned this client",
    "Session taken over": "another client has taken the client id",
    "Server shutting down": "the broker shuts down",
    "Keep alive timeout": "the broker did not hear from this device in time",
    "Packet too large": "a message is too large for the broker",
    "Quota exceeded": "the broker's quota is used up",
    "Unsupported protocol version": "the broker does not know this version of MQTT",
}


_REFUSES = "the broker refuses a message"


def reason_words(reason: ReasonCode, otherwise: str) -> str:
    """Say a broker's reason in words; `otherwise` is the beginning of the sentence for one that is rare."""
    name = reason.getName()
    return _REASONS.get(name) or f"{otherwise}: {name.lower()}"


class BrokerClient(Client):
    """One connection, from CONNECT to its end; the next one is another object. For one thread."""

    def __init__(
        self,
        sock: socket.socket,
        broker: Broker,
        *,
        is_old: bool,
        on_received: Callable[[int], None],
        on_settled: Callable[[int, int, str], None],
    ) -> None:
        """Take over the connected socket.

        :param is_old: speak MQTT 3.1.1 and not 5.
        :param on_received: told the packet identifier of a reading that the broker has, before it is released; what
            this raises ends the connection with the release not sent.
        :param on_settled: told the identifier of a message that is done with, and the broker's reason code and words
            where it refused it; else 0 and nothing.
        """
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            protocol=MQTTProtocolVersion.MQTTv311 if is_old else MQTTProtocolVersion.MQTTv5,
            clean_session=False if is_old else None,
            reconnect_on_failure=False,
        )
        self._given: socket.socket | None = sock
        self._is_old = is_old
        self._on_received, self._on_settled = on_received, on_settled
        self.is_open = False
        self.has_session = False
        """Whether the broker remembers what it received from us before."""
        self.refusal = ""
        """Why the broker refused or ended the connection, in words."""
        self.speaks_no_5 = False
        """Whether the broker refused because it knows no MQTT 5."""
        self.highest_qos = 2
        self.can_retain = True
        self.largest: int | None = None
        """Bytes of a packet that the broker takes, where it says so."""
        self._last_other = HIGHEST_FLIGHT
        self.on_connect = self._on_open
        self.on_disconnect = self._on_end
        self.on_publish = self._on_done
        self.will_set(broker.topics.availability, b"offline", qos=1, retain=True)
        if broker.user:
            self.username_pw_set(broker.user, broker.password or None)
        properties = None
        if not is_old:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho's own
            properties.SessionExpiryInterval = SESSION
            properties.MaximumPacketSize = LARGEST
        # False in both versions: a session that the broker has is never to be forgotten.
        self.connect_async(broker.host, broker.port, KEEP_ALIVE, clean_start=False, properties=properties)

    def open(self) -> None:
        """Send CONNECT.

        :raises BrokerError: when the connection is gone already.
        """
        if self.reconnect() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerError("the broker closes the connection")

    def tell(self, topic: str, payload: bytes, *, retain: bool) -> int:
        """Publish what may come twice (QoS 1, or 0 where the broker offers no more); give its packet identifier."""
        info = self.publish(topic, payload, min(1, self.highest_qos), retain=retain and self.can_retain)
        return info.mid

    def send(self, flight: Flight, *, again: bool) -> None:
        """Publish a reading, or go on where a connection before this one left off when it is sent `again`."""
        message = MQTTMessage(flight.packet, flight.topic.encode("utf-8"))
        message.payload = flight.payload
        message.qos = self.highest_qos
        message.retain = flight.retain and self.can_retain
        message.dup = again
        with self._out_message_mutex:
            self._out_messages[flight.packet] = message
            self._inflight_messages += 1
            if again and flight.is_received:
                message.state = MessageState.MQTT_MS_WAIT_FOR_PUBCOMP
                self._send_pubrel(flight.packet)
                return
            message.state = (
                MessageState.MQTT_MS_WAIT_FOR_PUBREC if message.qos == 2 else MessageState.MQTT_MS_WAIT_FOR_PUBACK
            )
            self._send_publish(
                flight.packet,
                flight.topic.encode("utf-8"),
                flight.payload,
                message.qos,
                message.retain,
                message.dup,
                message.info,
            )

    def leave(self, topic: str) -> None:
        """Say good-bye: `offline` on `topic`, and the end of the connection, as far as it can be sent at once."""
        self.publish(topic, b"offline", 0, retain=self.can_retain)
        self.disconnect()

    def cut(self) -> None:
        """Close the socket, and forget what was on its way."""
        self.on_disconnect = None
        if self._given is not None:
            self._given.close()
            self._given = None
        self._reset_sockets()

    # What paho does otherwise.

    def _create_socket(self) -> Any:
        given, self._given = self._given, None
        if given is None:
            raise BrokerError("the connection is used up")
        return given

    def _mid_generate(self) -> int:
        self._last_other = self._last_other + 1 if self._last_other < 0xFFFF else HIGHEST_FLIGHT + 1
        return self._last_other

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._in_packet["remaining_length"] > LARGEST:
            self.refusal = "the broker sends more than it may"
            raise ConnectionError(self.refusal)
        return super()._sock_recv(min(bufsize, LARGEST))

    def _handle_publish(self) -> MQTTErrorCode:
        return MQTTErrorCode.MQTT_ERR_PROTOCOL  # nothing was subscribed to

    def _handle_pubrec(self) -> MQTTErrorCode:
        found = _packet.decode_pubrec(self._in_packet["command"], self._in_packet["packet"], self._protocol)
        message = self._out_messages.get(found.mid)
        if message is None or message.qos != 2 or message.state != MessageState.MQTT_MS_WAIT_FOR_PUBREC:
            return super()._handle_pubrec()
        if found.reason.value >= REFUSED:  # the message is not taken, and there is nothing to release
            del self._out_messages[found.mid]
            self._inflight_messages -= 1
            self._on_settled(found.mid, found.reason.value, reason_words(found.reason, _REFUSES))
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        self._on_received(found.mid)
        return super()._handle_pubrec()

    def _handle_pubackcomp(self, cmd: Any) -> MQTTErrorCode:
        """Take an acknowledgement only of the kind that the message waits for."""
        decode = _packet.decode_puback if cmd == "PUBACK" else _packet.decode_pubcomp
        found = decode(self._in_packet["command"], self._in_packet["packet"], self._protocol)
        message = self._out_messages.get(found.mid)
        wanted = MessageState.MQTT_MS_WAIT_FOR_PUBACK if cmd == "PUBACK" else MessageState.MQTT_MS_WAIT_FOR_PUBCOMP
        if message is not None and message.state != wanted:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        return super()._handle_pubackcomp(cmd)

    # What paho tells.

    def _on_open(
        self, _: Client, __: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self.speaks_no_5 = not self._is_old and reason.getName() == "Unsupported protocol version"
            self.refusal = reason_words(reason, "the broker refuses the connection")
            return
        self.is_open, self.has_session = True, flags.session_present
        self.highest_qos = min(2, getattr(properties, "MaximumQoS", 2))
        self.can_retain = bool(getattr(properties, "RetainAvailable", 1))
        self.largest = getattr(properties, "MaximumPacketSize", None)

    def _on_end(
        self, _: Client, __: object, flags: DisconnectFlags, reason: ReasonCode, ___: Properties | None
    ) -> None:
        self.is_open = False
        if not self.refusal and flags.is_disconnect_packet_from_server:
            self.refusal = reason_words(reason, "the broker ends the connection")

    def _on_done(self, _: Client, __: object, mid: int, reason: ReasonCode, ___: Properties) -> None:
        # That a release names nothing it knows is what a broker says that had it already (0x92).
        is_refused = reason.value >= REFUSED and reason.packetType != PacketTypes.PUBCOMP
        self._on_settled(mid, *((reason.value, reason_words(reason, _REFUSES)) if is_refused else (0, "")))
