"""The device as its users see it: tunnel, web pages, console, settings."""

from __future__ import annotations

import json
import re
import select
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

from image_test.board import Board, ImageError

if TYPE_CHECKING:
    from collections.abc import Callable

SND_NKE = bytes.fromhex("1040014116")
ACKNOWLEDGED = b"\xe5"
REQ_UD2 = bytes.fromhex("105b015c16")
READOUT = 120.0
"""Seconds that a readout may take, on a busy machine."""
FACTORY_PASSWORD = "admin"  # noqa: S105 (everybody knows it)
PASSWORD = "another-one-4711"  # noqa: S105 (of a device that lives for minutes)


class Device:
    """What can be reached of it through the network."""

    def __init__(self, board: Board) -> None:
        """Look at the device on this board."""
        self._board = board
        self.password = FACTORY_PASSWORD

    def wait_for(self, what: str, attempt: Callable[[], bool], seconds: float) -> float:
        """Try until it works; give the seconds that it took.

        :raises ImageError: when it does not, or QEMU has ended.
        """
        began = time.monotonic()
        while not attempt():
            if not self._board.is_on():
                raise ImageError("QEMU has ended")
            if time.monotonic() - began > seconds:
                raise ImageError(f"{what}: not within {seconds:.0f} s")
            self._board.terminal.listen()
            select.select([], [], [], 0.5)
        return time.monotonic() - began

    def wakes_a_meter(self) -> bool:
        """Send SND_NKE to meter 1 through the tunnel, and say whether it acknowledges (EN 13757-2)."""
        return self._exchange(SND_NKE, lambda data: data == ACKNOWLEDGED)

    def reads_a_meter(self) -> bool:
        """Ask meter 1 for its values, and say whether a long frame comes back whole."""

        def is_whole(data: bytes) -> bool:
            return (
                len(data) >= 9
                and data[0] == data[3] == 0x68
                and data[1] == data[2]
                and len(data) == data[1] + 6
                and data[-1] == 0x16
                and sum(data[4:-2]) & 0xFF == data[-2]
            )

        return self._exchange(REQ_UD2, is_whole)

    def _exchange(self, request: bytes, is_answer: Callable[[bytes], bool]) -> bool:
        data = b""
        try:
            with socket.create_connection(("127.0.0.1", self._board.ports["tunnel"]), 5) as link:
                link.sendall(request)
                link.settimeout(8)
                while not is_answer(data):
                    more = link.recv(4096)
                    if not more:
                        return False
                    data += more
        except OSError:
            return False
        return True

    def answers_on_the_web(self) -> bool:
        """Say whether the status page answers, with or without asking for a login."""
        return self._curl("/").startswith(("200", "401"))

    def greets_on_the_console(self) -> bool:
        """Say whether the console asks for a login."""
        try:
            with socket.create_connection(("127.0.0.1", self._board.ports["console"]), 5) as link:
                link.settimeout(8)
                data = b""
                while b"login" not in data.lower():
                    more = link.recv(4096)
                    if not more:
                        return False
                    data += more
        except OSError:
            return False
        return True

    def read(self, path: str) -> Any:
        """Give a page of the API.

        :raises ImageError: when there is none.
        """
        status, _, body = self._curl(f"/api/v1/{path}").partition(" ")
        if status != "200":
            raise ImageError(f"/api/v1/{path} answers {status}: {body[:200]}")
        return json.loads(body)

    def write(self, **settings: object) -> None:
        """Change and save settings, by name with a double underscore for the point.

        :raises ImageError: when they are refused.
        """
        self.post("settings", {name.replace("__", "."): value for name, value in settings.items()})

    def post(self, path: str, content: dict[str, object]) -> Any:
        """Send JSON to a page of the API; give the answer.

        :raises ImageError: when it is refused.
        """
        headers = ("-H", "Content-Type: application/json", "-H", "X-Requested-With: test", "-d", json.dumps(content))
        status, _, body = self._curl(f"/api/v1/{path}", *headers).partition(" ")
        if not status.startswith("2"):
            raise ImageError(f"/api/v1/{path} answers {status}: {body[:300]}")
        return json.loads(body)

    def setting(self, name: str) -> object:
        """Give the saved value of a setting."""
        settings = self.read("settings")["settings"]
        if name not in settings:
            raise ImageError(f"there is no setting {name}")
        return settings[name]["saved"]

    def record_a_meter(self) -> str:
        """Put meter 1 into the list and have it read; say what there is of it.

        :raises ImageError: when that does not work.
        """
        key = self.post("meters", {"name": "Cellar", "primary": 1, "interval": 0})["meter"]["key"]
        self.post(f"meters/{key}/read", {})
        self.wait_for("the readout", lambda: bool(self.read(f"meters/{key}/readings")["readings"]), READOUT)
        return self.recorded()

    def recorded(self) -> str:
        """Give the meters' names, and when each was read and what it said, in one line."""
        meters = [(one["meter"]["key"], one["meter"]["name"]) for one in self.read("meters")["meters"]]
        found = [
            f"{name} {reading['at']} {''.join(reading['telegrams'])}"
            for key, name in meters
            for reading in self.read(f"meters/{key}/readings")["readings"]
        ]
        return "; ".join(found)

    def choose_password(self) -> None:
        """Replace the factory's password, as the first change demands.

        :raises ImageError: when that does not work.
        """
        script = f"admin\n{self.password}\nenable\npassword {PASSWORD}\nwrite\nexit\nexit\n"
        said = b""
        with socket.create_connection(("127.0.0.1", self._board.ports["console"]), 5) as link:
            link.sendall(script.encode())
            link.settimeout(60)
            try:
                while more := link.recv(4096):
                    said += more
            except TimeoutError:
                pass
        if not re.search(rb"changed", said):
            raise ImageError(f"the console does not change the password: {said[-400:]!r}")
        self.password = PASSWORD

    def _curl(self, path: str, *arguments: str) -> str:
        """Give status and body."""
        done = subprocess.run(  # noqa: S603
            [  # noqa: S607
                "curl",
                "--silent",
                "--digest",
                "--user",
                f"admin:{self.password}",
                "--max-time",
                "30",
                "--write-out",
                "\n%{http_code}",
                *arguments,
                f"http://127.0.0.1:{self._board.ports['http']}{path}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        body, _, status = done.stdout.rpartition("\n")
        return f"{status} {body}"
