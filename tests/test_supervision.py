"""Services of a whole device, killed and hung one after the other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from appliance.panel.snapshot import Led
from appliance.supervision.supervisor import LIMIT
from tests.appliance_rig import Appliance, running

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.service import Service

SERVICES = ("panel", "link", "line", "tunnel", "web", "console", "recorder", "meters", "mqtt", "update")


class Killed(Exception):  # noqa: N818 (what the test does, not what went wrong)
    """Ends a service from the inside."""


def kill(service: Service) -> None:
    """Have a service die the next time that it comes round."""

    def beat() -> None:
        raise Killed("by the test")

    service.beat = beat  # type: ignore[method-assign]  # the place in every service where a test gets hold of its thread
    service.wake()


def hang(service: Service, until: threading.Event) -> None:
    """Have a service wait for `until` the next time that it comes round."""

    def beat() -> None:
        until.wait(60)

    service.beat = beat  # type: ignore[method-assign]  # as above
    service.wake()


def is_well(appliance: Appliance, name: str, before: Service) -> bool:
    service = appliance.service(name)
    return service is not before and service.is_alive and service.beats > 0


def test_every_service_is_tried(tmp_path: Path) -> None:
    with running(tmp_path) as appliance:
        assert {ward.name for ward in appliance.device.supervisor.snapshot()} == set(SERVICES)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("way", ["killed", "hung"])
def test_a_service_is_restarted_alone(tmp_path: Path, name: str, way: str) -> None:
    released = threading.Event()
    with running(tmp_path) as appliance:
        client = appliance.client()
        appliance.exchange(client)
        others = {other: appliance.service(other) for other in SERVICES if other != name}
        victim = appliance.service(name)
        try:
            if way == "killed":
                kill(victim)
            else:
                hang(victim, released)
            if name != "tunnel":  # while it is down
                appliance.exchange(client)
            limit = 10.0 + 2 * victim.patience
            appliance.wait_for(lambda: is_well(appliance, name, victim), f"another {name}", limit)
        finally:
            released.set()
        victim.thread.join(10)
        assert not victim.is_alive
        assert {other: appliance.service(other) for other in others} == others
        assert {ward.name: ward.restarts for ward in appliance.device.supervisor.snapshot()} == {
            **dict.fromkeys(SERVICES, 0),
            name: 1,
        }
        assert appliance.asks_for_login()
        if name == "tunnel":
            assert client.ending() in ("fin", "reset")
            client.close()
            appliance.exchange(appliance.client())
            assert appliance.device.tunnel.counters.completed_accepts == 2
        else:
            appliance.exchange(client)
            assert appliance.device.tunnel.counters.completed_accepts == 1
        appliance.wait_for(lambda: appliance.board.is_lit(Led.POWER), "the panel")
        assert appliance.verdict is None


def test_a_new_keeper_opens_a_port_that_was_plugged_again(tmp_path: Path) -> None:
    with running(tmp_path) as appliance:
        victim = appliance.service("line")
        kill(victim)
        appliance.wait_for(lambda: is_well(appliance, "line", victim), "another keeper")
        appliance.far.unplug()
        appliance.wait_for(lambda: not appliance.device.line.up, "the loss")
        appliance.far.plug()
        appliance.wait_for(lambda: appliance.device.line.up, "the line")
        appliance.exchange(appliance.client())


def test_a_new_panel_and_a_new_link_still_know_each_other(tmp_path: Path) -> None:
    with running(tmp_path) as appliance:
        for name in ("panel", "link", "panel"):
            victim = appliance.service(name)
            kill(victim)
            appliance.wait_for(lambda name=name, victim=victim: is_well(appliance, name, victim), name)  # type: ignore[misc]  # defaults bind the loop's values
        panel = appliance.device.panel
        assert panel is not None
        beats = panel.beats
        appliance.device.link.on_change()
        appliance.wait_for(lambda: panel.beats > beats, "the panel to be woken by its link")
        appliance.wait_for(lambda: appliance.board.is_lit(Led.LINK), "the LED of the loopback's link")


def test_a_new_tunnel_hears_of_new_settings_and_the_old_one_no_longer(tmp_path: Path) -> None:
    with running(tmp_path, tunnel__policy="refuse") as appliance:
        victim = appliance.service("tunnel")
        kill(victim)
        appliance.wait_for(lambda: is_well(appliance, "tunnel", victim), "another tunnel")
        appliance.settings.set({"tunnel.policy": "takeover"}, save=False)
        first = appliance.client()
        second = appliance.client()
        assert first.ending() == "reset"
        appliance.exchange(second)


def test_a_service_that_cannot_be_kept_alive_ends_the_program_and_starves_the_watchdog(tmp_path: Path) -> None:
    with running(tmp_path) as appliance:
        for _ in range(LIMIT):
            victim = appliance.service("link")
            kill(victim)
            appliance.wait_for(lambda victim=victim: is_well(appliance, "link", victim), "another link")  # type: ignore[misc]  # defaults bind the loop's values
        appliance.wait_for(lambda: "service link" in " ".join(appliance.device.faults), "the fault")
        kill(appliance.service("link"))
        appliance.await_end()
        verdict = appliance.verdict
        assert verdict is not None
        assert "service link died: Killed: by the test, 4 times" in verdict.why
        feeds = appliance.feeds
        assert feeds >= LIMIT
        assert appliance.device.tunnel.is_alive  # stopped in order, afterwards
        assert appliance.feeds == feeds


def test_the_status_line_says_how_it_goes(tmp_path: Path) -> None:
    with running(tmp_path) as appliance:
        assert "Waiting on port" in appliance.device.status()
        assert "2400 bit/s" in appliance.device.status()
        appliance.far.unplug()
        appliance.wait_for(lambda: "line" in appliance.device.status() and not appliance.device.line.up, "the loss")
        assert "No serial line" in appliance.device.status()
