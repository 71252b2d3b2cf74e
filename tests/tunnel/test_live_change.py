"""Settings change while the tunnel runs."""

from __future__ import annotations

import socket
import termios
import time
from pathlib import Path

import pytest

from appliance.errors import ListenError
from appliance.settings import InvalidSettings
from appliance.settings.tunnel import KEEP_ALIVE
from tests.tunnel.rig import Rig
from tests.tunnel.test_leaving import serve


@pytest.fixture
def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_a_new_port_is_bound_at_once_and_the_open_connection_stays(rig: Rig, free_port: int) -> None:
    client, old = rig.connected(), rig.port
    rig.settings.set({"tunnel.port": str(free_port)}, save=False)
    assert rig.port == free_port
    serve(rig, client)
    rig.wait_for(lambda: not accepts(old), "the old port to be closed")
    client.close()
    serve(rig, rig.connected())


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_a_port_that_is_taken_is_an_error_and_the_old_one_stays(rig: Rig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(InvalidSettings) as caught:
            rig.settings.set({"tunnel.port": str(taken), "tunnel.keep_alive": "0"}, save=True)
    (error,) = caught.value.errors
    assert error.name == "tunnel.port"
    assert str(taken) in str(error)
    assert "in use" in str(error)
    serve(rig, rig.connected())
    assert rig.settings.is_saved
    assert rig.settings.running[KEEP_ALIVE] == 45_000


def test_switched_off_and_on(rig: Rig) -> None:
    client, port = rig.connected(), rig.port
    rig.settings.set({"tunnel.accept_mode": "disabled"}, save=False)
    assert client.ending() == "fin"
    rig.wait_for(lambda: rig.tunnel.snapshot().state == "Disabled", "the state")
    assert not accepts(port)
    rig.settings.set({"tunnel.accept_mode": "always"}, save=False)
    serve(rig, rig.connected())


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_hundred_moves_leave_nothing_open(rig: Rig, free_port: int) -> None:
    descriptors = open_descriptors()
    home = rig.port
    for _ in range(50):
        rig.settings.set({"tunnel.port": str(free_port)}, save=False)
        rig.settings.set({"tunnel.port": str(home)}, save=False)
    rig.wait_for(lambda: open_descriptors() <= descriptors, "the old listeners to be closed")
    serve(rig, rig.connected())


def baud_of(rig: Rig) -> int:
    """Give the speed that the far end of the line sees."""
    speed = termios.tcgetattr(rig.far.master)[5]
    return {termios.B300: 300, termios.B2400: 2400}[speed]


def test_a_new_speed_applies_at_once_on_a_quiet_line(rig: Rig) -> None:
    assert baud_of(rig) == 2400
    rig.settings.set({"line.baud_rate": "300"}, save=False)
    rig.wait_for(lambda: baud_of(rig) == 300, "the new speed")
    assert rig.line.snapshot().baud == 300
    serve(rig, rig.connected())


def test_a_new_speed_waits_for_the_frame_on_the_wire(rig: Rig) -> None:
    # To the fast speed: at 300 bit/s a pause within an answer may be as long as a busy machine makes it.
    rig.settings.set({"line.baud_rate": "300"}, save=False)
    rig.wait_for(lambda: baud_of(rig) == 300, "the slow speed")
    client = rig.connected()
    client.send(b"request")
    rig.far.read(7)
    rig.settings.set({"line.baud_rate": "2400"}, save=False)
    for _ in range(10):
        rig.far.write(b"x")
        assert client.read(1) == b"x"
        assert baud_of(rig) == 300, "changed in the middle of an answer"
        time.sleep(0.01)
    client.send(b"next")
    rig.wait_for(lambda: baud_of(rig) == 2400, "the new speed")
    assert rig.far.read(4) == b"next"


def test_a_new_policy_holds_for_the_next_client(rig: Rig) -> None:
    first = rig.connected()
    assert rig.client().ending() == "reset"
    rig.settings.set({"tunnel.policy": "takeover"}, save=False)
    second = rig.connected()
    assert first.ending() == "reset"
    serve(rig, second)


def test_a_taken_port_at_the_start_is_told_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.tunnel.tunnel.REBIND", 0.05)
    other = socket.create_server(("127.0.0.1", 0))
    taken = other.getsockname()[1]
    rig = Rig(tmp_path, certificate=None, tunnel__port=str(taken))
    try:
        with pytest.raises(ListenError, match=f"port {taken}: Address already in use"):
            rig.tunnel.listen()
        rig.keeper.start()
        rig.tunnel.start()
        assert "cannot listen" in rig.tunnel.snapshot().state
        # What does not concern the port can be changed all the same.
        rig.settings.set({"tunnel.keep_alive": "0"}, save=False)
        other.close()
        rig.wait_for(lambda: rig.tunnel.snapshot().state == "Waiting", "the port to be had")
        serve(rig, rig.connected())
    finally:
        other.close()
        rig.stop()
