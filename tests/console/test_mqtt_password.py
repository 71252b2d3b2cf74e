"""A password that the device must know itself is set on the console and seen nowhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.settings import find
from tests.console.test_configuration import Typist

if TYPE_CHECKING:
    from pathlib import Path

MARK = 's3cret of "us"'


def test_it_is_set_hidden_and_removed(tmp_path: Path) -> None:
    typist = Typist(tmp_path)
    password = find("mqtt.password")
    assert typist.type("enable", "configure", "mqtt", f"password {MARK}") == ""
    assert typist.settings.running[password] == MARK
    shown = typist.type("show", "show settings", "show reboot", "show configuration")
    assert re.search(r"^ *password +set", shown, re.MULTILINE)
    assert "s3cret" not in shown
    assert "s3cret" not in "\n".join(typist.configuration())
    assert "! password is set, and not shown" in "\n".join(typist.configuration())
    assert not any("s3cret" in line for line in typist.shell.history.lines)
    too_long = typist.type("password " + "s3cret" * 50)
    assert "% " in too_long
    assert "s3cret" not in too_long
    assert typist.type("no password") == ""
    assert typist.settings.running[password] == ""
    assert typist.type(f"password {MARK}", "default password") == ""
    assert typist.settings.running[password] == ""
