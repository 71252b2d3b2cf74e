"""The port under TLS comes and goes with the certificate, and shows the newest."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.errors import ListenError
from appliance.settings import InvalidSettings, Transition
from appliance.settings import tunnel as tunnel_settings
from appliance.tunnel.configuration import wants as tunnel_wants
from tests.ports.rig import DEADLINE, HOST, Rig, Service, answers, any_client, free_port, running, secured, shown_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.settings import Values


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with running(tmp_path) as rig:
        yield rig


def fingerprint(der: bytes) -> str:
    return hashlib.sha256(der).digest().hex(":").upper()


def test_the_web_waits_for_a_certificate_and_makes_none(rig: Rig, tmp_path: Path) -> None:
    assert rig.ports.secure_port is None
    assert rig.ports.fault is None
    rig.set(http__https_port=str(free_port()))
    assert rig.ports.secure_port is None
    assert not (tmp_path / "state" / "certificate.pem").exists()


def test_a_certificate_that_comes_opens_the_port_and_one_that_goes_closes_it(rig: Rig) -> None:
    plain = rig.service.plain
    facts = rig.certificate.generate()
    port = rig.service.secure.port
    assert fingerprint(shown_by(rig.service.secure)) == facts.sha256
    rig.certificate.remove()
    assert rig.ports.secure_port is None
    assert not answers(port)
    assert rig.service.plain is plain


def test_a_new_certificate_is_shown_on_the_same_socket_and_disturbs_no_connection(rig: Rig) -> None:
    rig.certificate.generate()
    listener = rig.service.secure
    with secured(listener) as (client, server):
        facts = rig.certificate.generate(["other.example"])
        assert rig.service.secure is listener
        assert fingerprint(shown_by(listener)) == facts.sha256
        client.sendall(b"still here")
        assert server.recv(10) == b"still here"
        server.sendall(b"so am I")
        assert client.recv(7) == b"so am I"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_from_before_is_no_way_around_the_new_certificate(rig: Rig, version: ssl.TLSVersion) -> None:
    rig.certificate.generate()
    context = any_client()
    context.maximum_version = context.minimum_version = version
    with secured(rig.service.secure, context) as (client, server):
        server.sendall(b"x")
        client.recv(1)
        session = client.session
        assert session is None or not session.has_ticket
    facts = rig.certificate.generate()
    with secured(rig.service.secure, context, session) as (client, _):
        assert not client.session_reused
        shown = client.getpeercert(binary_form=True)
        assert shown is not None
        assert fingerprint(shown) == facts.sha256


def speaks(rig: Rig, version: ssl.TLSVersion) -> bool:
    context = any_client()
    context.minimum_version = context.maximum_version = version
    try:
        with secured(rig.service.secure, context):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(("two", "three"), [("on", "on"), ("on", "off"), ("off", "on")])
def test_protocol_versions_are_as_set_and_change_live(rig: Rig, two: str, three: str) -> None:
    rig.certificate.generate()
    listener = rig.service.secure
    rig.set(http__tls_1_2=two, http__tls_1_3=three)
    assert speaks(rig, ssl.TLSVersion.TLSv1_2) == (two == "on")
    assert speaks(rig, ssl.TLSVersion.TLSv1_3) == (three == "on")
    assert rig.service.secure is listener


def test_without_any_protocol_version_there_is_no_secure_port(rig: Rig) -> None:
    rig.certificate.generate()
    port = rig.service.secure.port
    rig.set(http__tls_1_2="off", http__tls_1_3="off")
    assert rig.ports.secure_port is None
    assert not answers(port)
    rig.certificate.generate()
    assert rig.ports.secure_port is None
    rig.set(http__tls_1_3="on")
    assert rig.ports.secure_port is not None


def test_a_port_that_is_taken_when_the_certificate_comes_is_a_fault_until_it_is_free(tmp_path: Path) -> None:
    other = socket.create_server((HOST, 0))
    port = other.getsockname()[1]
    with other, running(tmp_path, http__https_port=str(port)) as rig:
        rig.certificate.generate()
        assert rig.ports.secure_port is None
        assert f"{port}: Address already in use" in str(rig.ports.fault)
        with pytest.raises(ListenError):
            rig.ports.listen()
        other.close()
        rig.ports.listen()
        assert rig.ports.secure_port == port
        assert rig.ports.fault is None


def test_a_broken_certificate_is_a_fault_and_never_keeps_the_pages_off(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "certificate.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nnonsense")
    rig = Rig(tmp_path, http__enabled="off")
    try:
        rig.ports.listen()
        rig.set(http__enabled="on")
        assert answers(rig.service.plain.port)
        assert rig.ports.secure_port is None
        assert "cannot be used" in str(rig.ports.fault)
        rig.certificate.generate()
        assert answers(rig.service.secure.port)
        assert rig.ports.fault is None
    finally:
        rig.service.close()


def test_a_certificate_that_cannot_be_read_again_leaves_the_former_in_service(rig: Rig, tmp_path: Path) -> None:
    facts = rig.certificate.generate()
    file = tmp_path / "state" / "certificate.pem"
    whole = file.read_bytes()
    file.write_bytes(whole[:300])
    rig.ports._follow_certificate()
    assert "cannot be used" in str(rig.ports.fault)
    assert fingerprint(shown_by(rig.service.secure)) == facts.sha256
    with pytest.raises(ListenError):
        rig.ports.listen()  # it does not forget that there is a newer one
    file.write_bytes(whole)
    rig.ports.listen()
    assert rig.ports.fault is None


@pytest.mark.parametrize("refuses", [False, True])
def test_a_certificate_that_comes_in_the_middle_of_a_change_is_not_missed(rig: Rig, *, refuses: bool) -> None:
    rig.certificate.generate()
    facts = rig.certificate.facts()

    def interfere(_old: Values, _new: Values) -> Transition | None:
        nonlocal facts
        thread = threading.Thread(target=rig.certificate.generate)
        thread.start()
        thread.join(DEADLINE)
        assert not thread.is_alive(), "it waits for the change, which may wait for it"
        facts = rig.certificate.facts()
        if refuses:
            raise InvalidSettings(())
        return None

    unsubscribe = rig.settings.subscribe(interfere)
    port = free_port()
    with suppress(InvalidSettings):
        rig.set(http__https_port=str(port), http__tls_1_2="off")
    unsubscribe()
    assert facts is not None
    assert (rig.ports.secure_port == port) is not refuses
    assert fingerprint(shown_by(rig.service.secure)) == facts.sha256
    assert speaks(rig, ssl.TLSVersion.TLSv1_2) is refuses


@pytest.mark.parametrize("refuses", [False, True])
def test_a_certificate_that_goes_in_the_middle_of_a_change_closes_the_port(rig: Rig, *, refuses: bool) -> None:
    rig.certificate.generate()
    old, new = rig.service.secure.port, free_port()

    def interfere(_old: Values, _new: Values) -> Transition | None:
        rig.certificate.remove()
        if refuses:
            raise InvalidSettings(())
        return None

    unsubscribe = rig.settings.subscribe(interfere)
    with suppress(InvalidSettings):
        rig.set(http__https_port=str(new))
    unsubscribe()
    assert rig.ports.secure_port is None
    assert not answers(old)
    assert not answers(new)


def test_the_tunnel_makes_a_certificate_and_the_web_has_it_at_once(rig: Rig) -> None:
    rig.settings.override({"tunnel.port": "0"})
    tunnel = Service(rig.settings, rig.certificate, tunnel_wants)
    try:
        tunnel.ports.listen()
        assert rig.ports.secure_port is None
        port = free_port()
        rig.settings.set({tunnel_settings.TLS_PORT.name: str(port)}, save=False)
        assert tunnel.ports.secure_port == port
        assert shown_by(tunnel.secure) == shown_by(rig.service.secure)
        # One that is removed is made anew for the tunnel, which asked for it.
        former = shown_by(tunnel.secure)
        rig.certificate.remove()
        assert shown_by(tunnel.secure) == shown_by(rig.service.secure) != former
    finally:
        tunnel.close()


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_hundred_moves_and_new_certificates_at_the_same_time_leave_nothing_open(rig: Rig) -> None:
    rig.certificate.generate()
    descriptors, threads = open_descriptors(), threading.active_count()
    ports = [free_port() for _ in range(4)]

    def renew() -> None:
        for turn in range(100):
            if turn % 10 == 9:
                rig.certificate.remove()
            rig.certificate.generate()

    def move() -> None:
        for turn in range(100):
            rig.set(http__port=str(ports[turn % 2]), http__https_port=str(ports[2 + turn % 2]))

    together = [threading.Thread(target=work) for work in (renew, move)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join(60)
        assert not thread.is_alive()
    facts = rig.certificate.facts()
    assert facts is not None
    assert fingerprint(shown_by(rig.service.secure)) == facts.sha256
    assert (rig.ports.plain_port, rig.ports.secure_port) == (ports[1], ports[3])
    assert not answers(ports[0])
    assert not answers(ports[2])
    assert (open_descriptors(), threading.active_count()) == (descriptors, threads)
