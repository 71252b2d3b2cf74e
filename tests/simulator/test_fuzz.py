"""Whatever is thrown at the bus, an honest master reads its meter afterwards."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from appliance.mbus.frame import Acknowledge, Control, LongFrame, ShortFrame
from appliance.mbus.header import Information

if TYPE_CHECKING:
    from appliance.simulator.bus import SimulatedBus
    from tests.simulator.master import Master

octets = st.integers(0, 255)
# No writing to meters: one that was told another address is no longer where the honest master looks for it.
honest_looking = st.builds(
    LongFrame,
    st.sampled_from([0x53, 0x73, 0x43, 0x08, 0xFF]),
    st.sampled_from([0, 1, 2, 253, 254, 255]),
    octets.filter(lambda information: information != Information.SEND and not 0xB8 <= information <= 0xBF),
    st.binary(max_size=40),
)
pieces = st.one_of(
    st.binary(max_size=300),
    st.builds(bytes, honest_looking),
    st.builds(bytes, st.builds(ShortFrame, octets, octets)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(pieces, max_size=5))
@example([b"\x68\xff\xff\x68"])
@example([bytes(ShortFrame(Control.REQ_UD2, 254))])
@example([b"\x10" * 299])
def test_after_any_bytes_an_honest_read_works(bus: SimulatedBus, master: Master, thrown: list[bytes]) -> None:
    for piece in thrown:
        if piece:
            os.write(master.descriptor, piece)
    master.read_all(0.1)
    # The line was idle for longer than any slave waits for the rest of a frame.
    assert master.ask_until_answered(ShortFrame(Control.SND_NKE, 1)) == Acknowledge()
    answer = master.ask_until_answered(ShortFrame(Control.REQ_UD2_FCB, 1))
    assert isinstance(answer, LongFrame)
    assert answer.data[:8] == bytes(bus.meters[0].address)


def test_a_flood_from_one_thread_and_faults_from_another(bus: SimulatedBus, master: Master) -> None:
    done = threading.Event()

    def play() -> None:
        noise = 0.0
        while not done.is_set():
            noise = 0.5 - noise
            bus.faults.noise = noise
            bus.faults.short_circuit = not bus.faults.short_circuit
            done.wait(0.002)

    player = threading.Thread(target=play)
    player.start()
    try:
        for _ in range(100):
            master.send(ShortFrame(Control.REQ_UD2, 8))
            master.read_some(0.005)
    finally:
        done.set()
        player.join()
    bus.faults.noise = 0.0
    bus.faults.short_circuit = False
    assert isinstance(master.ask_until_answered(ShortFrame(Control.REQ_UD2, 1)), LongFrame)
