"""The recording has a bound, whatever comes; and nothing of any stream is lost or moved before it is reached."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from appliance.monitor import line_monitor
from appliance.monitor.line_monitor import MOST_MEMORY
from tests.monitor.rig import ANSWER, REQUEST, Recording

if TYPE_CHECKING:
    import pytest

CHUNKS = st.lists(
    st.tuples(
        st.sampled_from(["sent", "two-wire", "optical"]),
        st.one_of(
            st.binary(min_size=1, max_size=40),
            st.sampled_from([REQUEST, ANSWER, ANSWER[:9], ANSWER[9:], b"\xe5", b"\x68", b"\x10\x16" * 9]),
        ),
        st.sampled_from([0.0, 0.001, 0.06, 0.14, 0.2, 2.0]),
    ),
    max_size=40,
)


@given(CHUNKS)
def test_any_chunks_of_any_octets_come_out_the_same_and_in_order(chunks: list[tuple[str, bytes, float]]) -> None:
    line = Recording()
    for way, octets, pause in chunks:
        line.rest(pause)
        if way == "sent":
            line.monitor.sent(line.client, octets, line.now, line.now + 0.01)
        else:
            line.monitor.heard(line.two_wire if way == "two-wire" else line.optical, octets, line.now)
    telegrams = line.all()
    told = [(telegram.branch or "sent", octet) for telegram in telegrams for octet in telegram.octets]
    assert told == [(way, octet) for way, octets, _ in chunks for octet in octets]
    numbers = [telegram.number for telegram in telegrams]
    assert numbers == sorted(set(numbers))
    assert all(one.monotonic <= line.now for one in telegrams)
    # Whatever number a page ends with, the next one goes on there.
    middle = len(telegrams) // 2
    if middle:
        assert list(line.monitor.after(numbers[middle - 1])) == telegrams[middle:]


def _measured_memory(line: Recording, octets: bytes, times: int, pause: float) -> int:
    gc.collect()
    tracemalloc.start()
    for _ in range(times):
        line.monitor.heard(line.two_wire, bytes(bytearray(octets)), line.now)
        line.rest(pause)
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size


def test_a_flood_of_large_chunks_stays_within_the_bound() -> None:
    line = Recording()
    assert _measured_memory(line, bytes(4096), 2000, 0.0) < MOST_MEMORY * 1.1
    assert 0.9 * MOST_MEMORY < sum(len(run[6]) for run in line.monitor._runs) <= MOST_MEMORY


def test_a_flood_of_single_octets_stays_within_the_bound() -> None:
    line = Recording()
    assert _measured_memory(line, b"\x55\x55", 6000, 1.0) < MOST_MEMORY * 1.1
    assert len(line.monitor._runs) > 3000


def test_what_is_kept_is_the_newest_and_the_oldest_says_what_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_monitor, "MOST_MEMORY", 20_000)
    line = Recording()
    for _ in range(200):
        line.exchange()
    telegrams = line.all()
    assert 20 < len(telegrams) < 80
    assert telegrams[-1].number == 199 * (len(REQUEST) + len(ANSWER)) + len(REQUEST) + 1
    assert line.monitor.oldest == telegrams[0].number
    assert line.monitor.find(1) is None


def test_looking_while_the_line_is_busy_never_fails() -> None:
    line = Recording()
    stop = threading.Event()
    failures: list[BaseException] = []

    def look() -> None:
        try:
            while not stop.is_set():
                for telegram in line.monitor.after(0):
                    assert telegram.octets
        except BaseException as error:  # noqa: BLE001 (the test's own thread sees it)
            failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(3000):
        line.exchange()
    stop.set()
    for thread in threads:
        thread.join(20)
    assert not failures
