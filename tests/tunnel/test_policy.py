"""Who may connect while another is connected, and who may talk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.tunnel.conftest import MakeRig
    from tests.tunnel.rig import Rig


def test_refuse_resets_the_second_and_leaves_the_first_alone(rig: Rig) -> None:
    first = rig.connected()
    assert rig.client().ending() == "reset"
    assert rig.tunnel.snapshot().counters.dropped_accepts == 1
    first.send(b"ping")
    assert rig.far.read(4) == b"ping"


def test_takeover_replaces_the_first(make_rig: MakeRig) -> None:
    rig = make_rig(tunnel__policy="takeover")
    first = rig.connected()
    second = rig.connected()
    assert first.ending() == "reset"
    second.send(b"ping")
    assert rig.far.read(4) == b"ping"
    rig.far.write(b"pong")
    assert second.read(4) == b"pong"
    state = rig.tunnel.snapshot()
    assert (state.counters.completed_accepts, state.counters.disconnects, state.counters.dropped_accepts) == (2, 1, 0)


def test_takeover_needs_nothing_of_a_client_that_does_not_read(make_rig: MakeRig) -> None:
    rig = make_rig(tunnel__policy="takeover", tunnel__disconnect_timeout="0")
    rig.connected()
    rig.far.write(bytes(6000))
    second = rig.connected()
    second.send(b"ping")
    assert rig.far.read(4) == b"ping"


def test_shared_clients_talk_in_turn_and_hear_only_their_own(make_rig: MakeRig) -> None:
    rig = make_rig(tunnel__policy="shared", tunnel__lease_quiet="150")
    clients = [rig.client() for _ in range(4)]
    rig.wait_for(lambda: len(rig.tunnel.snapshot().clients) == 4, "four clients")
    for number, client in enumerate(clients):
        client.send(b"request %d" % number)
    order = []
    for _ in clients:
        request = rig.far.read(9)
        order.append(int(request[-1:]))
        assert rig.far.is_quiet(0.1), "two requests on the bus at once"
        rig.far.write(b"answer " + request[-1:])
    assert sorted(order) == [0, 1, 2, 3]
    for number, client in enumerate(clients):
        assert client.read(8) == b"answer %d" % number
    for client in clients:
        assert client.is_quiet(0.05)


def test_a_lease_lasts_while_its_holder_goes_on(make_rig: MakeRig) -> None:
    # Selecting a meter and reading it are two frames of one conversation.
    rig = make_rig(tunnel__policy="shared", tunnel__lease_quiet="400")
    first, second = rig.connected(), rig.client()
    first.send(b"select")
    assert rig.far.read(6) == b"select"
    second.send(b"other")
    rig.far.write(b"\xe5")
    assert first.read(1) == b"\xe5"
    first.send(b"read")
    assert rig.far.read(4) == b"read"
    rig.far.write(b"data")
    assert first.read(4) == b"data"
    assert rig.far.read(5) == b"other"
    rig.far.write(b"mine")
    assert second.read(4) == b"mine"
    assert first.is_quiet(0.05)


def test_the_holder_that_leaves_frees_the_bus(make_rig: MakeRig) -> None:
    rig = make_rig(tunnel__policy="shared", tunnel__lease_quiet="60000", tunnel__disconnect_timeout="0")
    first, second = rig.connected(), rig.client()
    first.send(b"first")
    rig.far.read(5)
    second.send(b"second")
    first.reset()
    assert rig.far.read(6) == b"second"


def test_a_waiting_client_that_leaves_gives_its_place_up(make_rig: MakeRig) -> None:
    rig = make_rig(tunnel__policy="shared", tunnel__lease_quiet="1000")
    first, second, third = rig.connected(), rig.client(), rig.client()
    first.send(b"first")
    rig.far.read(5)
    second.send(b"second")
    rig.wait_for(lambda: rig.line.lease.is_wanted, "the second to wait")
    second.reset()
    rig.wait_for(lambda: len(rig.tunnel.snapshot().clients) == 2, "the second to be gone")
    third.send(b"third")
    assert rig.far.read(5) == b"third"


def test_clients_that_come_and_go_without_a_word_do_not_wait_for_the_bus(make_rig: MakeRig) -> None:
    rig = make_rig(tunnel__policy="shared", tunnel__lease_quiet="60000", tunnel__disconnect_timeout="0")
    holder = rig.connected()
    for _ in range(40):
        rig.client().close()
    rig.wait_for(lambda: len(rig.tunnel.snapshot().clients) == 1, "the others to be gone")
    assert rig.tunnel.snapshot().counters.dropped_accepts == 0
    holder.send(b"ping")
    assert rig.far.read(4) == b"ping"


def test_shared_has_an_upper_limit(make_rig: MakeRig) -> None:
    rig = make_rig(tunnel__policy="shared")
    for _ in range(8):
        rig.client()
    rig.wait_for(lambda: len(rig.tunnel.snapshot().clients) == 8, "eight clients")
    assert rig.client().ending() == "reset"


def test_a_holder_that_does_not_read_cannot_keep_the_others_waiting(make_rig: MakeRig) -> None:
    rig = make_rig(tunnel__policy="shared", tunnel__lease_quiet="100", tunnel__disconnect_timeout="0")
    rig.connected()
    second = rig.client()

    def stalled() -> bool:
        rig.far.fill()
        return any(session.pending for session in rig.tunnel._clients.published)

    rig.wait_for(stalled, "the first to be stalled")
    second.send(b"second")
    assert rig.far.read(6) == b"second"


@pytest.mark.parametrize(
    ("allowed", "gets_in"),
    [
        ("", True),
        ("127.0.0.1", True),
        ("127.0.0.0/8", True),
        ("192.0.2.7", False),
        ("192.0.2.0/24, 127.0.0.1", True),
        ("fe80::/10", False),
    ],
)
def test_the_allow_list(make_rig: MakeRig, allowed: str, gets_in: bool) -> None:
    rig = make_rig(tunnel__allow=allowed)
    if gets_in:
        rig.connected()
    else:
        assert rig.client().ending() == "reset"
        assert rig.tunnel.snapshot().counters.dropped_accepts == 1
        assert rig.tunnel.snapshot().state == "Waiting"
