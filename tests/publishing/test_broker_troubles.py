"""Brokers that refuse, lie, are silent, absent, or come back."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from tests.certificate.authority import Authority
from tests.conftest import need
from tests.publishing.rig import (
    BASE,
    broker_in,
    connect_to,
    connect_to_port,
    free_port,
    housed,
    listening,
    publishing,
    until,
)
from tests.tunnel.rig import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WRONG = {"user": "gateway", "password": "wrong"}
RIGHT = {"user": "reader", "password": "right"}
PASSWD = shutil.which("mosquitto_passwd") or ""


def with_dots(settings: dict[str, str]) -> dict[str, str]:
    return {name.replace(".", "__"): text for name, text in settings.items()}


def passwords(folder: Path) -> str:
    """Make a file of logins: gateway and reader, both with the password `right`."""
    need(PASSWD, "the program mosquitto_passwd is not installed")
    path = folder / "passwords"
    path.touch(mode=0o600)
    for user in ("gateway", "reader"):
        subprocess.run([PASSWD, "-b", str(path), user, "right"], check=True, timeout=10)
    return f"password_file {path}"


def test_user_and_password(tmp_path: Path) -> None:
    with (
        broker_in(tmp_path, passwords(tmp_path), anonymous=False) as broker,
        housed(tmp_path, **connect_to(broker, **WRONG)) as house,
        publishing(house) as publisher,
    ):
        meter = house.add()
        until(publisher, lambda s: s.error == "the broker does not allow that to this user", "the refusal")
        assert not publisher.snapshot().is_connected
        number = house.store(meter, 1)
        house.settings.set({"mqtt.password": "right"}, save=True)
        with listening(broker, **RIGHT) as listener:
            until(publisher, lambda s: (s.is_connected, s.error, s.published) == (True, "", 1), "the login")
            assert listener.numbers() in ([], [number])  # it may have come before the listener


def test_a_topic_that_the_broker_does_not_allow_costs_no_reading(tmp_path: Path) -> None:
    """The receipt carries a reason, and a reading that was refused is not counted as published."""
    rules = tmp_path / "rules"
    availability = f"topic write {BASE}/availability\n"
    rules.write_text(availability)
    with (
        broker_in(tmp_path, f"acl_file {rules}") as broker,
        housed(tmp_path, **connect_to(broker)) as house,
        publishing(house) as publisher,
    ):
        until(publisher, lambda s: s.is_connected, "the connection")
        number = house.store(house.add(), 1)
        until(publisher, lambda s: s.error == "the broker does not allow that to this user", "the refusal")
        assert (publisher.snapshot().published, publisher.snapshot().waiting) == (0, 1)
        rules.write_text("topic readwrite #\n")
        broker.reload()
        with listening(broker) as listener:
            until(publisher, lambda s: s.published == 1, "the reading")
            listener.await_numbers([number])


def test_a_broker_that_is_down_at_first_and_restarted_later(tmp_path: Path) -> None:
    with broker_in(tmp_path) as broker, housed(tmp_path, **connect_to(broker)) as house, listening(broker) as listener:
        meter = house.add()
        listener.leave()
        broker.stop()
        with publishing(house) as publisher:
            until(publisher, lambda s: s.error == "nobody answers on the broker's port", "the error")
            numbers = [house.store(meter, value) for value in range(5)]
            until(publisher, lambda s: s.waiting == 5, "five that wait")
            broker.start()
            until(publisher, lambda s: (s.is_connected, s.published, s.waiting) == (True, 5, 0), "all of them")
            since = publisher.snapshot().since
            broker.stop()
            until(publisher, lambda s: not s.is_connected and s.error, "the loss")
            assert publisher.snapshot().since is not None
            assert since is not None
            numbers.append(house.store(meter, 7))
            broker.start()
            until(publisher, lambda s: (s.is_connected, s.published) == (True, 6), "the last one")
        listener.arrive(subscribes=False)
        wait_until(lambda: len(listener.numbers()) == 6, "six readings")
        assert sorted(listener.numbers()) == numbers


@contextlib.contextmanager
def impostor(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Listen, and treat everybody who comes as `talk` does."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.05)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                client, _ = server.accept()
                with client, contextlib.suppress(OSError):
                    client.settimeout(0.2)
                    talk(client)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        ended.set()
        thread.join(10)
        server.close()


CONNACK = bytes.fromhex("2003000000")
JUNK = {
    "silence": b"",
    "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "zeros": bytes(1000),
    "ones": b"\xff" * 1000,
    "a connack of another length": bytes.fromhex("2001"),
    "an unknown reason": bytes.fromhex("200300ee00"),
    "a length without end": bytes.fromhex("20ffffffffff"),
    "a packet of 200 MB": CONNACK + bytes.fromhex("30ffffff5f") + bytes(100_000),
    "a message that nobody asked for": CONNACK + bytes.fromhex("300600016100") + b"xx",
    "a message of quality 2 that nobody asked for": CONNACK + bytes.fromhex("3408000161000500") + b"xx",
    "a receipt for what was not sent": CONNACK + bytes.fromhex("50020001") * 100,
    "an end for what was not sent": CONNACK + bytes.fromhex("70020001") * 100,
    "a damaged property": CONNACK + bytes.fromhex("4004800100ff"),
    "a subscription": CONNACK + bytes.fromhex("9003000100"),
    "a bare disconnect": CONNACK + bytes.fromhex("e000"),
    "an odd disconnect": CONNACK + bytes.fromhex("e001ff"),
    "authentication": bytes.fromhex("f00218 00".replace(" ", "")),
}


NO_MQTT = "the broker sends what is no MQTT"
WORDS = {
    "zeros": NO_MQTT,
    "a length without end": "the broker sends more than it may",
    "a packet of 200 MB": "the broker sends more than it may",
    "a message that nobody asked for": NO_MQTT,
    "a message of quality 2 that nobody asked for": NO_MQTT,
    "authentication": NO_MQTT,
}


@pytest.mark.parametrize("name", JUNK)
def test_a_hostile_broker_ends_nothing(tmp_path: Path, name: str) -> None:
    asked = threading.Event()

    def talk(client: socket.socket) -> None:
        client.recv(4096)
        client.sendall(JUNK[name])
        asked.set()
        while client.recv(4096):
            pass

    with impostor(talk) as port, housed(tmp_path, **with_dots(connect_to_port(port))) as house:
        meter = house.add()
        with publishing(house, step_patience=0.1) as publisher:
            assert asked.wait(10)
            house.store(meter, 1)
            asked.clear()
            assert asked.wait(10) or name.startswith(("a receipt", "an end"))
            assert publisher.is_alive
            assert publisher.snapshot().published == 0
            if name in WORDS:
                until(publisher, lambda s: s.error == WORDS[name], "the words for it")
            assert publisher.snapshot().waiting == 1
        assert publisher.failure is None


def _listen(client: socket.socket) -> None:
    while client.recv(4096):
        pass


def test_a_broker_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    with (
        impostor(_listen) as port,
        housed(tmp_path, **with_dots(connect_to_port(port))) as house,
        publishing(house, step_patience=0.1) as publisher,
    ):
        until(publisher, lambda s: s.error == "the broker does not answer (MQTT)", "the error")
        house.settings.set({"mqtt.tls": "on"}, save=True)
        until(publisher, lambda s: s.error == "the broker does not answer (TLS)", "the error")


def test_a_name_server_that_does_not_answer_holds_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    asked: list[str] = []

    def slow(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        answered.wait(20)
        raise socket.gaierror("nobody there")

    monkeypatch.setattr("appliance.publishing.connection.resolve", slow)
    try:
        with (
            housed(tmp_path, **with_dots({**connect_to_port(1), "mqtt.host": "broker.example"})) as house,
            publishing(house, step_patience=0.05) as publisher,
        ):
            until(publisher, lambda s: s.error == "the name of the broker cannot be looked up: no answer", "the error")
            beats = publisher.beats
            publisher.wake()
            wait_until(lambda: publisher.beats > beats + 3, "rounds")
            assert asked == ["broker.example"]  # no second question while the first one is open
            answered.set()
            until(publisher, lambda s: s.error == "the name of the broker is not known", "the answer")
    finally:
        answered.set()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def tls_options(folder: Path, authority: Authority, names: str) -> tuple[str, ...]:
    certificate, key = authority.pair(extensions=f"subjectAltName={names}")
    (folder / "broker.pem").write_bytes(certificate + authority.issuer)
    (folder / "broker.key").write_bytes(key)
    return f"certfile {folder / 'broker.pem'}", f"keyfile {folder / 'broker.key'}"


@pytest.mark.parametrize(
    ("names", "settings", "error"),
    [
        ("IP:127.0.0.1", {}, ""),
        ("DNS:localhost", {"mqtt.host": "localhost"}, ""),
        ("DNS:other.example", {}, "the broker's certificate is refused: IP address mismatch"),
        ("IP:127.0.0.1", {"mqtt.ca": ""}, "the broker's certificate is refused: "),
        ("DNS:other.example", {"mqtt.ca": "", "mqtt.verify": "off"}, ""),
        ("IP:127.0.0.1", {"mqtt.tls": "off"}, "the broker closes the connection without a word"),
    ],
)
def test_tls(tmp_path: Path, authority: Authority, names: str, settings: dict[str, str], error: str) -> None:
    port = free_port()
    certificate, key = tls_options(tmp_path, authority, names)
    options = (f"listener {port} 127.0.0.1", certificate, key)
    given = {**connect_to_port(port), "mqtt.tls": "on", "mqtt.ca": authority.root.decode(), **settings}
    with broker_in(tmp_path, *options) as broker, housed(tmp_path, **with_dots(given)) as house:
        meter = house.add()
        with listening(broker) as listener, publishing(house) as publisher:
            if error:
                until(publisher, lambda s: s.error.startswith(error), "the error")
                assert not publisher.snapshot().is_connected
            else:
                until(publisher, lambda s: s.is_connected, "the connection")
                numbers = [house.store(meter, value) for value in range(20)]
                listener.await_numbers(numbers)


def test_an_old_broker_is_spoken_to_in_its_own_language(tmp_path: Path) -> None:
    """Mosquitto knows both; an impostor in front of it refuses MQTT 5 as brokers of before 2019 do."""
    seen: list[int] = []

    with broker_in(tmp_path) as broker, listening(broker) as listener:

        def talk(client: socket.socket) -> None:
            hello = client.recv(4096)
            seen.append(hello[8])
            if hello[8] == 5:
                client.sendall(bytes.fromhex("20020001"))
                return
            with socket.create_connection(("127.0.0.1", broker.port)) as real:
                real.sendall(hello)
                _relay(client, real)

        with impostor(talk) as port, housed(tmp_path, **with_dots(connect_to_port(port))) as house:
            meter = house.add()
            with publishing(house) as publisher:
                until(publisher, lambda s: s.is_connected, "the connection")
                numbers = [house.store(meter, value) for value in range(5)]
                listener.await_numbers(numbers)
            assert seen == [5, 4]


def _relay(client: socket.socket, real: socket.socket) -> None:
    client.settimeout(None)

    def back() -> None:
        with contextlib.suppress(OSError):
            while data := real.recv(4096):
                client.sendall(data)

    thread = threading.Thread(target=back)
    thread.start()
    with contextlib.suppress(OSError):
        while data := client.recv(4096):
            real.sendall(data)
    real.shutdown(socket.SHUT_RDWR)
    thread.join(10)
