"""The service: its port, its settings while it runs, and what supervision asks of it."""

from __future__ import annotations

import socket
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from appliance.console import Console
from appliance.console import session as session_module
from appliance.errors import InvalidSettings, ListenError
from tests.console.rig import Rig, StandIn, running
from tests.tunnel.rig import wait_until

if TYPE_CHECKING:
    from pathlib import Path


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_a_new_port_leaves_sessions_alone(rig: Rig) -> None:
    client = rig.enabled()
    old, new = rig.port, free_port()
    client.run("configure")
    client.run("console")
    assert client.run(f"console port {new}") == ""
    assert client.run("show")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", old), 5)
    assert rig.port == new
    rig.enabled()


def test_a_port_that_another_has_is_an_error_and_the_old_one_stays(rig: Rig) -> None:
    client = rig.enabled()
    client.run("configure")
    client.run("console")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = client.run(f"console port {taken.getsockname()[1]}")
    assert answer.startswith("% Console port (console.port)")
    assert "Address already in use" in answer
    rig.enabled()


def test_switched_off_from_within_the_session_ends_after_its_answer(rig: Rig) -> None:
    other = rig.enabled(terminal=True)
    client = rig.enabled()
    client.run("configure")
    client.run("console")
    port = rig.port
    client.send("no console\nidle timeout 20\n")
    seen = client.rest()
    assert "% the console is switched off" in seen
    assert "% the console is switched off" in other.rest()
    assert rig.settings.running[next(s for s in rig.settings.running if s.name == "console.idle_timeout")] == 900
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)
    assert rig.console.snapshot().port is None
    rig.settings.set({"console.enabled": "on"}, save=False)
    wait_until(lambda: rig.console.snapshot().port, "the port")
    rig.enabled()


def test_the_idle_limit(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    client = rig.enabled()
    client.run("configure")
    client.run("console")
    client.run("idle timeout 10")
    session, now, moved = rig.console._sessions[0], rig.console._clock, [0.0]
    for part in (session, session.wire):
        monkeypatch.setattr(part, "_clock", lambda: now() + moved[0])
    moved[0] += 9.8
    client.send("show ")  # a key begins the time anew
    wait_until(lambda: session._editor.text == "show ", "the half line")
    moved[0] += 9.8
    client.send("version\n")
    client.until("Permanent config")
    client.until("# ")
    moved[0] += 9.8
    client.send(b"\xff\xf1")  # negotiation does not
    assert "% idle for too long" in client.rest(3.0)


def test_no_idle_limit_with_zero(rig: Rig) -> None:
    client = rig.enabled()
    client.run("configure")
    client.run("console")
    assert client.run("no idle timeout") == ""
    assert "Serial" in client.run("show version")


def test_it_listens_again_when_the_port_becomes_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from appliance.console import console as module

    monkeypatch.setattr(module, "REBIND", 0.1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        rig = Rig(tmp_path)
        rig.settings.override({"console.port": str(taken.getsockname()[1])})
        rig.console = Console(rig.device, host="127.0.0.1")
        with pytest.raises(ListenError):
            rig.console.listen()
        assert "Address already in use" in (rig.console.snapshot().fault or "")
        rig.console.start()
    try:
        wait_until(lambda: rig.console.snapshot().port, "the port")
        assert rig.console.snapshot().fault is None
        rig.enabled()
    finally:
        rig.stop()


def _is_above(console: Console, beats: int) -> bool:
    return console.beats > beats


def test_it_comes_round_when_woken_whatever_sessions_do(rig: Rig) -> None:
    rig.enabled()
    wait_until(lambda: rig.console.is_resting, "rest")
    for _ in range(3):
        before = rig.console.beats
        rig.console.wake()
        wait_until(partial(_is_above, rig.console, before), "a beat", 1.0)


def test_stopping_ends_all_sessions_at_once(tmp_path: Path) -> None:
    rig = Rig(tmp_path).start()
    clients = [rig.enabled(), rig.enabled(terminal=True), rig.client()]
    began = time.monotonic()
    rig.console.stop()
    assert time.monotonic() - began < 1.0
    for client in clients:
        client.rest()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("console")]
    rig.settings.set({"console.port": str(free_port())}, save=False)  # nobody follows that any more
    rig.stop()


def test_never_started_it_gives_its_port_back(tmp_path: Path) -> None:
    console = Console(StandIn(tmp_path), host="127.0.0.1")
    console._device.settings.override({"console.port": str(free_port())})
    console.listen()
    port = console.snapshot().port
    console.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port or 0), 5)


def test_given_up_it_frees_its_port_for_the_next_one(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        rig.settings.override({"console.port": str(free_port())})
        client = rig.enabled()
        client.run("clear counters")
        baselines = rig.console.baselines
        rig.console.abandon()
        client.rest()
        rig.console = Console(rig.device, host="127.0.0.1", baselines=baselines, asks_new_password=False)
        rig.console.listen()
        rig.console.start()
        assert "Completed accepts 0" in " ".join(rig.enabled().run("show statistics tunnel").split())


def test_a_command_that_breaks_does_not_break_the_session(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(rig.device, "identify", broken)
    client = rig.enabled()
    assert client.run("identify") == "% an error inside the device; its log has more"
    assert "Serial number" in client.run("show version")


def test_changes_of_the_web_are_seen_at_the_prompt(rig: Rig) -> None:
    client = rig.enabled()
    rig.settings.set({"network.hostname": "pump-house", "link.speed": "10"}, save=False)
    client.run("")
    assert client.prompt == "pump-house*# "
    assert client.run("write") == "Saved."
    assert client.prompt == "pump-house# "


def test_two_sessions_change_settings_at_once(rig: Rig) -> None:
    first, second = rig.enabled(), rig.enabled()
    for client in (first, second):
        client.run("configure")
        client.run("begin")
        client.run("link")
    first.run("speed 10")
    second.run("duplex half")
    assert (first.run("commit"), second.run("commit")) == ("", "")
    assert {s.name for s in rig.settings.running.changes_from(rig.settings.saved)} >= {"link.speed", "link.duplex"}


def test_a_baseline_that_is_above_the_count_is_left_out() -> None:
    from appliance.console.baseline import Baselines

    baselines = Baselines()
    baselines.clear("x", {"a": 5, "b": None})
    assert baselines.since("x", {"a": 7, "b": None, "c": 3}) == {"a": 2, "b": None, "c": 3}
    assert baselines.since("x", {"a": 4}) == {"a": 4}


def test_invalid_settings_of_others_are_all_told(rig: Rig) -> None:
    with pytest.raises(InvalidSettings):
        rig.settings.set({"console.port": "80"}, save=False)
    client = rig.enabled()
    client.run("configure")
    client.run("begin")
    client.run("console")
    client.run("console port 80")
    answer = client.run("commit")
    assert answer.startswith("% Console port (console.port)")
    assert session_module.LOGIN_TIME == 60.0
