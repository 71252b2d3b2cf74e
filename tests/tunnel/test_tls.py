"""The tunnel under TLS on a second port."""

from __future__ import annotations

import os
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from appliance.certificate import Certificate
from appliance.errors import ListenError
from appliance.settings import InvalidSettings
from tests.tunnel.rig import Client, Rig
from tests.tunnel.test_leaving import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "not there yet"


@pytest.fixture
def certificate(folder: Path) -> Certificate:
    return Certificate(folder, lambda: ["cme3000", "127.0.0.1"])


@pytest.fixture
def rig(tmp_path: Path, free_port: int, certificate: Certificate) -> Iterator[Rig]:
    rig = Rig(tmp_path, certificate=certificate, tunnel__tls_port=str(free_port))
    try:
        yield rig.start()
    finally:
        rig.stop()


class SecureClient(Client):
    """AMR software that trusts the device's certificate."""

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port)
        context = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
        self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")


def secure_client(rig: Rig, folder: Path) -> SecureClient:
    port = rig.tunnel.snapshot().tls_port
    assert port is not None
    client = SecureClient(port, folder)
    rig._clients.append(client)
    return client


def test_a_transaction_under_tls(rig: Rig, folder: Path) -> None:
    client = secure_client(rig, folder)
    serve(rig, client)
    (state,) = rig.tunnel.snapshot().clients
    assert state.is_secure
    assert client.socket.version() == "TLSv1.3"  # type: ignore[attr-defined] # an SSLSocket by now


def test_much_data_under_tls(rig: Rig, folder: Path) -> None:
    client = secure_client(rig, folder)
    data = os.urandom(60_000)
    client.socket.setblocking(True)
    for start in range(0, len(data), 6000):
        client.send(data[start : start + 6000])
        assert rig.far.read(6000) == data[start : start + 6000]
        rig.far.write(data[start : start + 6000])
        assert client.read(6000) == data[start : start + 6000]


def test_both_ports_obey_one_policy(rig: Rig, folder: Path) -> None:
    secure = secure_client(rig, folder)
    serve(rig, secure)
    assert rig.client().ending() == "reset"
    secure.close()
    serve(rig, rig.connected())
    with pytest.raises((OSError, AssertionError)):  # a reset, in the handshake or behind it
        secure_client(rig, folder).read(1)
    assert rig.tunnel.snapshot().counters.dropped_accepts == 2


def test_unfinished_handshakes_disturb_nobody(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.tunnel.admission.HANDSHAKE_TIME", 0.3)
    port = rig.tunnel.snapshot().tls_port
    assert port is not None
    silent = [Client(port) for _ in range(12)]
    try:
        serve(rig, rig.connected())
        silent[0].send(b"GET / HTTP/1.0\r\n\r\n")
        rig.wait_for(lambda: rig.tunnel.snapshot().counters.dropped_accepts == 12, "all of them to be dropped")
    finally:
        for client in silent:
            client.close()


def test_a_client_that_breaks_off_under_tls(rig: Rig, folder: Path) -> None:
    for _ in range(5):
        client = secure_client(rig, folder)
        client.send(b"half")
        assert rig.far.read(4) == b"half"
        client.reset()
        rig.wait_for(lambda: not rig.tunnel.snapshot().clients, "it to be gone")
    serve(rig, secure_client(rig, folder))


def test_without_a_certificate_the_plain_port_serves_and_the_reason_is_told(tmp_path: Path, free_port: int) -> None:
    (tmp_path / "in the way").write_text("no folder")
    certificate = Certificate(tmp_path / "in the way", lambda: ["cme3000"])
    rig = Rig(tmp_path, certificate=certificate, tunnel__tls_port=str(free_port))
    try:
        with pytest.raises(ListenError, match="cannot make a certificate"):
            rig.tunnel.listen()
        rig.keeper.start()
        rig.tunnel.start()
        rig.wait_for(lambda: rig.line.up, "the line")
        assert "cannot make a certificate" in rig.tunnel.snapshot().state
        serve(rig, rig.connected())
        with pytest.raises(InvalidSettings) as caught:
            rig.settings.set({"tunnel.tls_port": str(free_port - 1)}, save=False)
        assert "tunnel.tls_port" in str(caught.value)
        assert "certificate" in str(caught.value)
    finally:
        rig.stop()
