"""The shipped units under a real systemd."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.image.machine import Machine

if TYPE_CHECKING:
    from pathlib import Path

CAPABILITIES = f"{1 << 10 | 1 << 12 | 1 << 13:016x}"
"""CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW."""


def test_a_program_that_hangs_is_ended_by_the_watchdog_and_the_next_one_knows(tmp_path: Path) -> None:
    with Machine(tmp_path, "hang") as machine:
        machine.wait_for(lambda: machine.show("NRestarts") == "1", "restart")
        machine.wait_for(lambda: machine.show("ActiveState") == "active", "active again")
        assert machine.show("StatusText") == "ready to be seen"
        said = machine.said()
        invocation = machine.inside("cat", "/var/lib/cme3000/ended").split(" ")
    assert said[0] == "last: first start: this is the first start"
    assert said[-1] == "last: crash: the program hung, and systemd's watchdog ended it"
    assert any("Aborted" in line for line in said), "the stacks are in the log"
    assert any("standin.py" in line and "in main" in line for line in said)
    assert invocation[0] == "watchdog"
    assert invocation[2] == "ABRT"


def test_a_program_that_is_told_to_stop_ends_at_once(tmp_path: Path) -> None:
    with Machine(tmp_path, "serve") as machine:
        machine.wait_for(lambda: machine.show("ActiveState") == "active", "active")
        machine.inside("systemctl", "stop", "cme3000.service")
        assert machine.show("ActiveState") == "inactive"
        assert machine.show("Result") == "success"
        assert machine.show("ActiveState", "cme3000-failed.timer") == "inactive"


def test_a_program_without_rights_has_the_machine_rebooted(tmp_path: Path) -> None:
    with Machine(tmp_path, "reboot") as machine:
        machine.wait_for_reboot()
        assert machine.said()[0].startswith("last: first start")


def test_five_failed_starts_are_left_alone_until_the_system_has_been_up_for_five_minutes(tmp_path: Path) -> None:
    with Machine(tmp_path, "fail") as machine:
        machine.wait_for(lambda: machine.show("ActiveState", "cme3000-failed.timer") == "active", "the timer")
        assert machine.show("ActiveState") == "failed"
        assert machine.show("NRestarts") == "5"
        assert machine.inside("cat", "/var/lib/cme3000/ended").startswith("exit-code exited 3 ")
        assert "4min" in machine.inside("systemctl", "list-timers", "--no-pager"), "the time that is left"


def test_after_that_the_machine_is_rebooted(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "fail")
    machine.write("cme3000-failed.timer.d/test.conf", "[Timer]\nOnBootSec=\nOnBootSec=1\n")
    with machine:
        machine.wait_for_reboot()


def test_it_can_do_what_it_needs_and_nothing_else(tmp_path: Path) -> None:
    with Machine(tmp_path, "probe") as machine:
        machine.wait_for(lambda: machine.show("ActiveState") == "active", "active")
        said = machine.said()
    facts = dict(line.split(": ", 1) for line in said if line.startswith(("Cap", "No", "Sec", "Uid")))
    assert {facts[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {CAPABILITIES}
    assert facts["NoNewPrivs"] == "1"
    assert facts["Seccomp"] == "2"
    assert "0" not in facts["Uid"].split()
    assert [line[4:] for line in said if line.startswith("can ")] == [
        "write state",
        "write runtime",
        "make a FIFO for lgpio",
        "read the boot id",
        "read cpuinfo",
        "make a callback in C",
        "listen on port 80",
        "open a packet socket",
        "open a netlink socket",
        "bring an interface up",
    ]
    assert sum(line.startswith("cannot ") for line in said) == 14, said
