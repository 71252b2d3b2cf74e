"""What goes over the wire when a message was cut off: the same message again, or its release alone."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, NamedTuple, Self

import pytest

from tests.publishing.rig import connect_to_port, housed, publishing, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PUBLISH, PUBREL, PUBCOMP = 3, 6, 7


class Packet(NamedTuple):
    kind: int
    flags: int
    body: bytes

    @property
    def quality(self) -> int:
        return self.flags >> 1 & 3

    @property
    def is_again(self) -> bool:
        return bool(self.flags & 8)

    @property
    def identifier(self) -> bytes:
        """Of a message of quality 1 or 2, or of what belongs to one."""
        if self.kind != PUBLISH:
            return self.body[:2]
        length = int.from_bytes(self.body[:2], "big")
        return self.body[2 + length : 4 + length]


def packets(client: socket.socket) -> Iterator[Packet]:
    """Take packets out of a stream, until it ends."""
    stream = client.makefile("rb")
    with stream:
        while head := stream.read(1):
            length, shift = 0, 0
            while True:
                digit = stream.read(1)[0]
                length |= (digit & 0x7F) << shift
                shift += 7
                if not digit & 0x80:
                    break
            yield Packet(head[0] >> 4, head[0] & 15, stream.read(length))


Answer = tuple[str, bytes]


class Ledger:
    """A broker that writes down what it gets, and answers readings as it is told: one answer a packet."""

    def __init__(self, answers: list[str], *, remembers: bool) -> None:
        self.seen: list[Packet] = []
        self.problem: BaseException | None = None
        self._answers = answers
        self._remembers = remembers
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(0.05)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.port: int = self._server.getsockname()[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)
        self._server.close()

    def _serve(self) -> None:
        first = True
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError, ConnectionError):
                client, _ = self._server.accept()
                with client:
                    client.settimeout(10)
                    self._talk(client, has_session=self._remembers and not first)
                first = False

    def _talk(self, client: socket.socket, *, has_session: bool) -> None:
        for packet in packets(client):
            if packet.kind == 1:
                client.sendall(bytes([0x20, 3, has_session, 0, 0]))
            elif packet.kind == PUBLISH and packet.quality == 1:
                client.sendall(b"\x40\x02" + packet.identifier)
            elif packet.kind in (PUBLISH, PUBREL) and (packet.quality == 2 or packet.kind == PUBREL):
                self.seen.append(packet)
                answer = self._answers.pop(0) if self._answers else "take"
                if answer == "cut":
                    return
                head = b"\x50\x02" if packet.kind == PUBLISH else b"\x70\x02"
                if answer.startswith("refuse"):
                    client.sendall(b"\x50\x03" + packet.identifier + bytes.fromhex(answer.split()[1]))
                    continue
                client.sendall(head + packet.identifier)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., list[Packet]]:
    def publish(*answers: str, remembers: bool = True, readings: int = 1, skipped: int = 0) -> list[Packet]:
        """Publish readings to a broker that answers like this, with a restart after each cut."""
        with Ledger(list(answers), remembers=remembers) as ledger:
            settings = {name.replace(".", "__"): text for name, text in connect_to_port(ledger.port).items()}
            with housed(tmp_path, **settings) as house:
                meter = house.add()
                with publishing(house) as publisher:
                    until(publisher, lambda s: s.is_connected, "the connection")
                for value in range(readings):
                    house.store(meter, value)
                for turn in range(answers.count("cut")):
                    with publishing(house) as publisher:
                        until(publisher, lambda s: s.error, "the cut")
                    house.meters.change(meter.key, {"name": f"Name {turn}"})
                with publishing(house) as publisher:
                    until(publisher, lambda s: s.published == readings - skipped and not s.waiting, "the readings")
                    assert publisher.snapshot().skipped == skipped
            return ledger.seen

    return publish


def test_unbroken(run: Callable[..., list[Packet]]) -> None:
    first, release, second, last = run(readings=2)
    assert [packet.kind for packet in (first, release, second, last)] == [PUBLISH, PUBREL, PUBLISH, PUBREL]
    assert not first.is_again
    assert first.identifier == release.identifier
    assert second.identifier == last.identifier != first.identifier


def test_cut_off_before_the_receipt_the_same_bytes_go_again_under_the_same_identifier(
    run: Callable[..., list[Packet]],
) -> None:
    first, again, release = run("cut")
    assert not first.is_again
    assert again.is_again
    assert again.body == first.body  # although the meter has another name by now
    assert release.kind == PUBREL


def test_cut_off_after_the_receipt_only_the_release_goes_again(run: Callable[..., list[Packet]]) -> None:
    first, release, again = run("take", "cut")
    assert [packet.kind for packet in (first, release, again)] == [PUBLISH, PUBREL, PUBREL]
    assert first.identifier == release.identifier == again.identifier


def test_a_broker_that_forgot_gets_it_as_a_new_message(run: Callable[..., list[Packet]]) -> None:
    first, release, again, _ = run("take", "cut", remembers=False)
    assert (first.kind, release.kind, again.kind) == (PUBLISH, PUBREL, PUBLISH)
    assert not again.is_again
    assert again.identifier != first.identifier
    assert again.body[-200:] == first.body[-200:]


def test_what_a_broker_can_never_take_is_skipped_and_counted(run: Callable[..., list[Packet]]) -> None:
    seen = run("refuse 99", readings=2, skipped=1)
    assert [packet.kind for packet in seen] == [PUBLISH, PUBLISH, PUBREL]
