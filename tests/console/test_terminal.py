"""A person at a terminal: questions, keys, pages, and text that must not steer it."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

from appliance.logbook import RECENT
from tests.console.rig import PASSWORD, Rig

if TYPE_CHECKING:
    import pytest


def test_a_terminal_is_asked_and_has_its_keys(rig: Rig) -> None:
    client = rig.enabled(terminal=True)
    client.send("reload\r")
    client.until("Reboot the device? [yes/no] ")
    client.send("no\r")
    assert "% nothing was done" in client.answer("no")
    client.send("sh\tvers\t\r")
    assert "Serial number" in client.answer("show version ")
    client.send("show st\t\t")
    assert "status  statistics" in client.until("show st")[7:] + client.until("show st")
    client.send("\x15show ?")
    assert "  history" in client.until("# show ")
    client.send("\x15\x1b[A\r")  # the command before
    assert "Serial number" in client.until("Permanent config")
    client.until("# ")
    client.send("conf\x03")
    client.until("^C\r\ncme3000# ")
    client.run("configure")
    client.run("if 1")
    answer = client.run("hostname -x")
    place = len("cme3000(config-if)# ") + len("hostname ")
    assert f"\n{' ' * place}^\n% Hostname (network.hostname)" in f"\n{answer}"
    answer = client.run("frob")
    assert answer.startswith(" " * len("cme3000(config-if)# ") + "^\n% unknown command")


def test_a_terminal_leaves_after_a_word_about_what_is_not_saved(rig: Rig) -> None:
    client = rig.enabled(terminal=True)
    for line in ("configure", "link", "speed 10", "end"):
        client.run(line)
    for answer in ("no", "", "\x03"):
        client.send("exit\r")
        client.until("Leave all the same? [yes/no/write] ")
        client.send(f"{answer}\r" if answer != "\x03" else answer)
        client.until("cme3000*# ")
    client.send("\x04")  # as Ctrl-D does
    client.until("[yes/no/write] ")
    client.send("write\r")
    assert "Saved." in client.rest()
    assert rig.settings.is_saved or rig.settings.saved != rig.settings.defaults


def test_pages_on_a_terminal_and_none_for_scripts(rig: Rig) -> None:
    client = rig.enabled(terminal=True, size=(80, 10))
    client.send("show settings\r")
    first = client.until("--more--")
    assert first.count("\r\n") == 10  # the echo of the command, and nine rows
    client.send("\r")
    assert client.until("--more--").count("\r\n") == 1
    client.send(" ")
    assert client.until("--more--").count("\r\n") == 9
    client.send("xq")
    client.until("# ")
    client.send("show settings\r")
    client.until("--more--")
    client.send("\x03")
    client.until("# ")
    assert "--more--" not in rig.enabled().run("show settings")


def test_pasted_lines_are_not_taken_for_answers_to_the_pager(rig: Rig) -> None:
    client = rig.enabled(terminal=True, size=(80, 12))
    client.send("show settings\r" * 2 + "show version\r")
    assert "--more--" not in client.until("Permanent config")


def test_a_window_that_changes_its_size(rig: Rig) -> None:
    client = rig.enabled(terminal=True)
    assert "--more--" not in client.run("show settings")
    client.send(bytes.fromhex("fffa1f00500008fff0") + b"show settings\r")
    assert client.until("--more--").count("\r\n") == 8


def test_half_closed_input_is_carried_out_to_its_end(rig: Rig) -> None:
    client = rig.client()
    client.send("admin\nadmin\nenable\nconfigure\nlink\nspeed 100\nduplex full\nwrite\nduplex half")
    client.finish()
    answer = client.rest()
    assert "Saved." in answer
    assert "% the last line has no end; it was not carried out" in answer
    assert rig.settings.saved.changes_from(rig.settings.defaults)
    assert {s.name for s in rig.settings.saved.changes_from(rig.settings.defaults)} == {"link.speed", "link.duplex"}
    assert str(rig.settings.saved[next(s for s in rig.settings.saved if s.name == "link.duplex")]) == "full"


def test_hostile_text_never_steers_the_terminal(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.device.faults = ("a fault \x1b[2J\x07",)
    record = logging.LogRecord("x", logging.INFO, "", 0, "\x1b[31mred\x1b[0m \u202ereversed \x85", (), None)
    monkeypatch.setattr(RECENT, "_lines", deque([record.getMessage()]))
    client = rig.enabled()
    seen = "".join(client.run(f"show {what}") for what in ("status", "interface", "log", "http log", "version"))
    seen += client.run("frob\u202e\u200f")
    assert "evil\\x1b]0;title\\x07host" in seen
    assert "\\u202ereversed" in seen
    assert all(c.isprintable() for c in seen.replace("\n", ""))


def test_lines_with_a_password_are_not_kept(rig: Rig) -> None:
    client = rig.enabled()
    client.run(f'password admin "{PASSWORD}"')
    client.run("show version")
    assert PASSWORD not in client.run("show history")
    assert "show version" in client.run("show history")
