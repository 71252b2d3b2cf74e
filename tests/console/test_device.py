"""The console of the whole device, as the device stands: real services, real snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.console import Console
from tests.appliance_rig import running
from tests.console.rig import PASSWORD, Client

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.console import DeviceView


def test_everything_is_shown_and_changes_reach_the_services(tmp_path: Path) -> None:
    with running(tmp_path, console__port="0") as appliance:
        view: DeviceView = appliance.device
        logins: list[str] = []
        console = Console(view, host="127.0.0.1", on_login=logins.append)
        console.listen()
        console.start()
        port = console.snapshot().port
        assert port is not None
        client = Client(port)
        try:
            appliance.wait_for(lambda: view.network_snapshot().interface, "the interface")
            client.login()
            client.run("enable")
            for what, wanted in {
                "status": "Accept mode Waiting",
                "version": "Product type CMe3000 TCP/IP M-Bus Master",
                "interface": "Interface lo",
                "statistics": "Completed accepts 0",
                "settings": "baud rate 2400 bit/s",
                "auth": "digest admin",
                "reboot": "A reboot",
                "log": "",
                "http log": "The log is empty.",
                "configuration": "baud rate 2400",
            }.items():
                answer = client.run(f"show {what}")
                assert wanted in " ".join(answer.split()), answer
                assert not answer.startswith("%")
            tunnel = appliance.client()
            appliance.exchange(tunnel)
            assert f"Accept mode Connected {tunnel.peer}" in " ".join(client.run("show statistics tunnel").split())
            assert client.run(f'password "{PASSWORD}"') == "The password is changed and saved."
            for line in ("configure", "line 1", "baud rate 300", "end"):
                client.run(line)
            assert appliance.device.line.wanted_baud == 300
            assert client.run("identify") == "All LEDs flash for a while."
            assert view.panel is not None
            appliance.wait_for(lambda: view.panel is not None and view.panel.snapshot().is_identifying, "the LEDs")
            client.send("reload force\n")
            assert "The device reboots." in client.rest()
            appliance.await_end()
            assert logins == ["admin"]
        finally:
            client.close()
            console.stop()
