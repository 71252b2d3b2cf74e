"""Ports follow the settings, with the old one in service until the new one is had."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from appliance.errors import ListenError
from appliance.settings import InvalidSettings, SaveFailed, Settings
from tests.ports.rig import HOST, Rig, Service, answers, free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with running(tmp_path) as rig:
        rig.certificate.generate()
        yield rig


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as other:
        yield int(other.getsockname()[1])


def test_any_free_port_means_one_for_each_role(rig: Rig) -> None:
    assert rig.ports.plain_port != rig.ports.secure_port
    assert answers(rig.service.plain.port)
    assert answers(rig.service.secure.port)
    assert rig.service.plain.tls is None
    assert rig.service.secure.tls is not None
    assert rig.ports.fault is None


def test_a_new_port_answers_when_the_change_is_done_and_the_old_one_no_more(rig: Rig) -> None:
    old, new = rig.service.plain.port, free_port()
    rig.set(http__port=str(new))
    assert rig.ports.plain_port == new
    assert answers(new)
    assert not answers(old)


def test_a_taken_port_is_refused_by_name_and_the_old_one_stays(rig: Rig, taken: int) -> None:
    plain, secure, changes = *rig.service.listeners, rig.service.changes
    with pytest.raises(InvalidSettings) as caught:
        rig.set(http__port=str(taken), http__max_bytes="2048")
    (error,) = caught.value.errors
    assert (error.name, error.value) == ("http.port", str(taken))
    assert "in use" in str(error)
    assert (*rig.service.listeners, rig.service.changes) == (plain, secure, changes)
    assert answers(rig.service.plain.port)


def test_both_ports_at_fault_are_told_at_once(rig: Rig, taken: int) -> None:
    with socket.create_server((HOST, 0)) as other, pytest.raises(InvalidSettings) as caught:
        rig.set(http__port=str(taken), http__https_port=str(other.getsockname()[1]))
    assert {error.name for error in caught.value.errors} == {"http.port", "http.https_port"}


def test_a_refusal_gives_back_the_other_port(rig: Rig, taken: int) -> None:
    port = free_port()
    with pytest.raises(InvalidSettings) as caught:
        rig.set(http__port=str(port), http__https_port=str(taken))
    assert [error.name for error in caught.value.errors] == ["http.https_port"]
    assert not answers(port)


def test_plain_and_secure_port_change_their_places(rig: Rig) -> None:
    one, two = free_port(), free_port()
    rig.set(http__port=str(one), http__https_port=str(two))
    first, second = rig.service.listeners
    rig.set(http__port=str(two), http__https_port=str(one))
    assert rig.service.listeners == (second, first)
    assert (rig.ports.plain_port, rig.ports.secure_port) == (two, one)
    assert rig.service.plain.tls is None
    assert rig.service.secure.tls is not None
    assert answers(one)
    assert answers(two)


def test_switched_off_and_on(rig: Rig) -> None:
    ports = [rig.service.plain.port, rig.service.secure.port]
    rig.set(http__enabled="off")
    assert rig.service.listeners == (None, None)
    assert not any(answers(port) for port in ports)
    rig.set(http__enabled="on")
    assert answers(rig.service.plain.port)
    assert answers(rig.service.secure.port)


def test_what_does_not_concern_the_ports_changes_nothing(rig: Rig) -> None:
    changes = rig.service.changes
    rig.set(http__max_timeout="20", http__max_bytes="2048")
    assert rig.service.changes == changes


def test_what_the_disk_refuses_leaves_the_old_port_and_no_new_one(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = rig.service.plain, free_port()

    def refuse(_path: Path, _data: bytes) -> None:
        assert answers(new)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("appliance.atomic.replace", refuse)
    with pytest.raises(SaveFailed):
        rig.settings.set({"http.port": str(new)}, save=True)
    assert rig.service.plain is old
    assert not answers(new)


def test_a_port_that_is_taken_at_the_start_is_told_and_had_later(tmp_path: Path, taken: int) -> None:
    other = socket.socket()
    other.bind((HOST, 0))
    port = other.getsockname()[1]
    other.listen()
    rig = Rig(tmp_path, http__port=str(port))
    try:
        with pytest.raises(ListenError, match=f"port {port}: Address already in use"):
            rig.ports.listen()
        assert str(port) in str(rig.ports.fault)
        rig.set(http__max_bytes="2048", http__tls_1_2="off")  # what is not at fault can be changed
        with pytest.raises(InvalidSettings, match="in use"):
            rig.set(http__port=str(taken))
        other.close()
        rig.ports.listen()
        assert rig.ports.fault is None
        assert answers(port)
    finally:
        other.close()
        rig.service.close()


def test_nothing_is_followed_after_the_end(rig: Rig) -> None:
    rig.ports.close()
    changes = rig.service.changes
    rig.set(http__port=str(free_port()))
    rig.certificate.generate()
    rig.certificate.remove()
    assert rig.service.changes == changes


def test_an_end_in_the_middle_of_a_change_leaves_no_port_open(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        port = free_port()

        def end(_old: object, _new: object) -> None:
            rig.service.close()

        unsubscribe = rig.settings.subscribe(end)
        rig.set(http__port=str(port))
        assert not answers(port)
        unsubscribe()


def test_without_any_certificate_store_there_is_no_secure_port(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.override({"http.port": "0"})
    service = Service(settings, None)
    try:
        service.ports.listen()
        assert service.ports.secure_port is None
        assert service.ports.fault is None
    finally:
        service.close()
