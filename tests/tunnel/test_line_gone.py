"""The serial device vanishes and comes back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tests.tunnel.rig import FarEnd
from tests.tunnel.test_leaving import serve

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tunnel.conftest import MakeRig
    from tests.tunnel.rig import Client, Rig


def test_unplugged_and_back(rig: Rig) -> None:
    client = rig.connected()
    rig.far.unplug()
    assert client.ending() == "reset"
    rig.wait_for(lambda: rig.tunnel.snapshot().state.startswith("No serial line"), "the state to tell it")
    rig.wait_for(lambda: "No such file" in rig.tunnel.snapshot().state, "the reason")
    assert rig.client().ending() == "reset"
    rig.far.plug()
    rig.wait_for(lambda: rig.tunnel.snapshot().state == "Waiting", "the line to heal")
    serve(rig, rig.connected())


def test_unplugged_under_load(rig: Rig) -> None:
    for _ in range(3):
        client = rig.connected()
        ending = threading.Event()

        def load(client: Client = client, ending: threading.Event = ending) -> None:
            while not ending.is_set():
                try:
                    client.socket.send(bytes(256))
                except OSError:
                    return

        loading = threading.Thread(target=load)
        loading.start()
        rig.far.fill()
        rig.far.read(1024)
        rig.far.unplug()
        rig.wait_for(lambda: not rig.line.up, "the loss to be seen")
        ending.set()
        loading.join(5)
        rig.far.plug()
        rig.wait_for(lambda: rig.line.up, "the line to heal")
        serve(rig, rig.connected())
        for old in rig._clients:
            old.close()
        rig.wait_for(lambda: not rig.tunnel.snapshot().clients, "no client")


def test_a_device_that_is_missing_at_the_start(tmp_path: Path, make_rig: MakeRig) -> None:
    rig = make_rig(line__optical=str(tmp_path / "optical"))
    assert rig.line.snapshot().is_up
    assert any("optical" in fault for fault in rig.line.snapshot().faults)
    far = FarEnd(tmp_path / "optical")
    try:
        rig.wait_for(lambda: len(rig.line.up) == 2, "the optical head to be found")
        assert not rig.line.snapshot().faults
    finally:
        far.unplug()


def test_requests_go_to_both_ports_and_answers_come_from_either(tmp_path: Path, make_rig: MakeRig) -> None:
    optical = FarEnd(tmp_path / "optical")
    try:
        rig = make_rig(line__optical=str(optical.link))
        rig.wait_for(lambda: len(rig.line.up) == 2, "both ports")
        client = rig.connected()
        client.send(b"all")
        assert rig.far.read(3) == b"all"
        assert optical.read(3) == b"all"
        optical.write(b"infrared")
        assert client.read(8) == b"infrared"
        rig.far.write(b"wire")
        assert client.read(4) == b"wire"
        two_wire, head = rig.line.snapshot().branches
        assert (two_wire.statistics.rx_bytes, two_wire.statistics.tx_bytes) == (4, 3)
        assert (head.statistics.rx_bytes, head.statistics.tx_bytes) == (8, 3)
        assert head.statistics.rx_parity_errors is None  # a pty has no such counter, and we make none up
        optical.unplug()
        rig.wait_for(lambda: len(rig.line.up) == 1, "the loss of the head")
        serve(rig, client)
    finally:
        optical.unplug()


def test_another_device_is_taken_at_once(tmp_path: Path, rig: Rig) -> None:
    other = FarEnd(tmp_path / "other")
    try:
        rig.settings.set({"line.two_wire": str(other.link)}, save=False)
        rig.wait_for(lambda: [b.port.url for b in rig.line.up if b.port] == [str(other.link)], "the other device")
        client = rig.connected()
        client.send(b"hello")
        assert other.read(5) == b"hello"
        assert rig.far.is_quiet(0.05)
    finally:
        other.unplug()
