"""A real broker in a folder of the test's, somebody who listens to it, and a publisher with real meters."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.mbus.frame import LongFrame
from appliance.mbus.manufacturer import encode_manufacturer
from appliance.mbus.quantity import ENERGY, FLOW_TEMPERATURE, VOLUME
from appliance.mbus.record import Record, integer
from appliance.mbus.secondary import SecondaryAddress
from appliance.meters.meters import Meters
from appliance.product import Product
from appliance.publishing.backoff import Backoff
from appliance.publishing.publisher import Publisher
from appliance.readout.reading import Reading
from appliance.settings import Settings
from tests.conftest import need
from tests.tunnel.rig import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from appliance.meters.meter import Meter

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin") or ""
SERIAL = "00000000feedbeef"
PRODUCT = Product(serial_number=SERIAL)
BASE = f"cme3000/{SERIAL}"


def free_port() -> int:
    """Give a port that was free a moment ago: a broker that is stopped and started must come back on the same one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Mosquitto:
    """The broker. What it holds outlasts its stop."""

    def __init__(self, folder: Path, *options: str, anonymous: bool = True) -> None:
        need(MOSQUITTO, "the program mosquitto is not installed")
        self.folder = folder / "broker"
        self.folder.mkdir()
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        lines = (
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {str(anonymous).lower()}",
            "persistence true",
            f"persistence_location {self.folder}/",
            "max_queued_messages 0",
            "set_tcp_nodelay true",
            "user root",
            *options,
        )
        self.configuration = self.folder / "mosquitto.conf"
        self.configuration.write_text("".join(f"{line}\n" for line in lines))

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", str(self.configuration)], stdout=log, stderr=log)
        wait_until(self._answers, "the broker")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def reload(self) -> None:
        """Have it read its files again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


@contextlib.contextmanager
def broker_in(folder: Path, *options: str, anonymous: bool = True) -> Iterator[Mosquitto]:
    """Run a broker."""
    broker = Mosquitto(folder, *options, anonymous=anonymous)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Listener:
    """Somebody who has subscribed, with a session that the broker keeps while it is away."""

    def __init__(self, port: int, topic: str = "#", name: str = "listener") -> None:
        self.messages: list[MQTTMessage] = []
        self._port, self._topic, self._name = port, topic, name
        self._client: Client | None = None
        self._subscribed = threading.Event()

    def arrive(self, *, subscribes: bool = True, user: str = "", password: str = "") -> None:
        client = self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=self._name, protocol=MQTTProtocolVersion.MQTTv5
        )
        if user:
            client.username_pw_set(user, password)
        client.on_message = lambda _, __, message: self.messages.append(message)
        client.on_subscribe = lambda *_: self._subscribed.set()
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho's own
        properties.SessionExpiryInterval = 3600
        client.connect("127.0.0.1", self._port, clean_start=False, properties=properties)
        client.loop_start()
        if subscribes:
            client.subscribe(self._topic, qos=2)
            assert self._subscribed.wait(10)

    def leave(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def say(self, topic: str) -> None:
        assert self._client is not None
        self._client.publish(topic, b"x", qos=2)

    def payloads(self, topic: str) -> list[bytes]:
        return [bytes(message.payload) for message in tuple(self.messages) if message.topic == topic]

    def readings(self) -> list[dict[str, Any]]:
        """Give the readings in the order in which they came, without what was cleared."""
        return [
            json.loads(message.payload)
            for message in tuple(self.messages)
            if message.topic.endswith("/reading") and message.payload
        ]

    def numbers(self) -> list[int]:
        return [reading["reading"] for reading in self.readings()]

    def await_numbers(self, numbers: list[int], deadline: float = 20) -> None:
        wait_until(lambda: len(self.numbers()) >= len(numbers), f"{len(numbers)} readings", deadline)
        assert self.numbers() == numbers


@contextlib.contextmanager
def listening(broker: Mosquitto, topic: str = "#", name: str = "listener", **login: str) -> Iterator[Listener]:
    listener = Listener(broker.port, topic, name)
    listener.arrive(**login)  # type: ignore[arg-type] # user and password alone
    try:
        yield listener
    finally:
        listener.leave()


def telegram(identification: int, *values: int, medium: int = 4) -> LongFrame:
    """What a heat meter says: energy in kWh, and more if there are more values."""
    kinds = (ENERGY.vif(3), VOLUME.vif(-3), FLOW_TEMPERATURE.vif(-1))
    records = b"".join(bytes(Record(integer(value, 4), vif)) for value, vif in zip(values or (1,), kinds, strict=False))
    address = SecondaryAddress(f"{identification:08}", encode_manufacturer("KAM"), 1, medium)
    return LongFrame(0x08, 1, 0x72, bytes(address) + bytes(4) + records)


class House:
    """Meters in a folder, and settings."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder / "state"
        self.settings = Settings(self.folder)
        self.settings.set({"network.hostname": "gateway", **(settings or {})}, save=True)
        self.meters = Meters(self.settings, self.folder)

    def add(self, identification: int = 12345678, name: str = "Cellar", *, medium: int = 4) -> Meter:
        address = SecondaryAddress(f"{identification:08}", encode_manufacturer("KAM"), 1, medium)
        return self.meters.add({"name": name, "baud": "2400", "secondary": address.text, "interval": "900"})

    def store(self, meter: Meter, *values: int) -> int:
        frame = telegram(int(meter.identification), *values)
        number = self.meters.store_reading(meter.key, Reading((frame,), (), 0.1), came=time.monotonic())
        assert number is not None
        return number

    def close(self) -> None:
        self.meters.close()


@contextlib.contextmanager
def housed(folder: Path, **settings: str) -> Iterator[House]:
    """Have meters; `__` in the name of a setting stands for the dot."""
    house = House(folder, {name.replace("__", "."): text for name, text in settings.items()})
    try:
        yield house
    finally:
        house.close()


@contextlib.contextmanager
def publishing(house: House, **how: Any) -> Iterator[Publisher]:
    """Run a publisher."""
    how.setdefault("backoff", Backoff(first=0.05, longest=0.2, seed=1))
    publisher = Publisher(house.settings, house.meters, house.folder, PRODUCT, **how)
    publisher.start()
    try:
        yield publisher
    finally:
        publisher.stop()


def connect_to_port(port: int) -> dict[str, str]:
    """Give the settings that lead to a broker on this machine."""
    return {"mqtt.enabled": "on", "mqtt.host": "127.0.0.1", "mqtt.port": str(port)}


def connect_to(broker: Mosquitto, **more: str) -> dict[str, str]:
    """Give the same for `housed`, with more of the section."""
    return {
        **{name.replace(".", "__"): text for name, text in connect_to_port(broker.port).items()},
        **{f"mqtt__{name}": text for name, text in more.items()},
    }


def until(publisher: Publisher, condition: Callable[[Any], object], what: str, deadline: float = 10) -> None:
    """Wait for a state of the publisher."""
    wait_until(lambda: condition(publisher.snapshot()), f"{what}; it is {publisher.snapshot()}", deadline)
