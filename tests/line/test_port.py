"""Every kind of line URL goes through the same open call."""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from appliance.errors import LineError
from appliance.line.port import Port, open_port
from tests.conftest import need
from tests.tunnel.rig import FarEnd, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read(port: Port, size: int) -> bytes:
    data = b""
    end = time.monotonic() + 10
    while len(data) < size:
        assert select.select([port.fd], [], [], max(0.0, end - time.monotonic()))[0], f"got only {data!r}"
        part = port.read(size - len(data))
        if not part:
            raise ConnectionError("the device has vanished")
        data += part
    return data


@pytest.fixture
def far(tmp_path: Path) -> Iterator[FarEnd]:
    far = FarEnd(tmp_path / "line")
    yield far
    far.unplug()


def test_a_pty_opens_though_it_has_no_parity(far: FarEnd) -> None:
    port = open_port(str(far.link), 2400)
    try:
        assert not port.has_wire
        assert port.write(b"abc") == 3
        assert far.read(3) == b"abc"
        far.write(b"xyz")
        assert read(port, 3) == b"xyz"
        with pytest.raises(BlockingIOError):
            port.read(10)
        port.set_baud(300)
        far.unplug()
        with pytest.raises(OSError, match=r"vanished|Input/output"):
            read(port, 1)
    finally:
        port.close()


def test_one_program_at_a_time(far: FarEnd) -> None:
    port = open_port(str(far.link), 2400)
    try:
        with pytest.raises(LineError, match=r"cannot open .*line"):
            open_port(str(far.link), 2400)
    finally:
        port.close()


def test_discarded_bytes_never_arrive(far: FarEnd) -> None:
    port = open_port(str(far.link), 2400)
    try:
        far.write(b"stale")
        port.discard_input()
        far.write(b"fresh")
        assert read(port, 5) == b"fresh"
    finally:
        port.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/nowhere/ttyAMA0", "No such file"),
        ("/dev/null", "Inappropriate ioctl|Could not configure"),
        ("/", "Is a directory|directory"),
        ("socket://127.0.0.1:1", "refused|Could not open"),
        ("junk://", "junk"),
        ("socket://nonsense", "nonsense|expected"),
    ],
)
def test_what_cannot_be_opened_is_named(url: str, words: str) -> None:
    with pytest.raises(LineError, match=words) as caught:
        open_port(url, 2400)
    assert url in str(caught.value)


def test_a_line_behind_a_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = open_port(f"socket://127.0.0.1:{server.getsockname()[1]}", 2400)
        far, _ = server.accept()
        try:
            port.write(b"abc")
            assert far.recv(3) == b"abc"
            far.sendall(b"xyz")
            assert read(port, 3) == b"xyz"
            port.set_baud(300)
            far.close()
            with pytest.raises(ConnectionError):
                read(port, 1)
        finally:
            port.close()
            far.close()


def test_a_line_without_a_descriptor() -> None:
    port = open_port("loop://", 2400)
    try:
        port.write(b"round and round")
        assert read(port, 15) == b"round and round"
    finally:
        port.close()


@pytest.mark.filterwarnings("ignore:set.*deprecated:DeprecationWarning")  # pyserial's own
def test_a_line_behind_rfc2217(far: FarEnd, tmp_path: Path) -> None:
    ser2net = shutil.which("ser2net", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    need(ser2net, "ser2net is not installed")
    assert ser2net is not None
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        tcp = sock.getsockname()[1]
    configuration = tmp_path / "ser2net.yaml"
    configuration.write_text(
        "connection: &line\n"
        f"  accepter: telnet(rfc2217),tcp,127.0.0.1,{tcp}\n"
        f"  connector: serialdev,{os.ttyname(far._slave)},2400n81,local\n"
    )
    server = subprocess.Popen([ser2net, "-n", "-c", str(configuration)])
    try:
        opened: list[Port] = []

        def connect() -> bool:
            try:
                opened.append(open_port(f"rfc2217://127.0.0.1:{tcp}?ign_set_control&timeout=2", 2400))
            except LineError:
                return False
            return True

        wait_until(connect, "ser2net")
        port = opened[0]
        try:
            port.write(b"\x10\x5b\x01\x5c\x16\xff")
            assert far.read(6) == b"\x10\x5b\x01\x5c\x16\xff"
            far.write(b"\xff\xe5")
            assert read(port, 2) == b"\xff\xe5"
        finally:
            port.close()
    finally:
        server.terminate()
        server.wait(10)
