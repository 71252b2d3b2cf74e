"""Who holds the bus."""

from __future__ import annotations

from appliance.line.lease import Lease


class Asker:
    def __init__(self, name: str, *, in_background: bool = False) -> None:
        self.name, self.in_background = name, in_background
        self.granted = 0

    def lease_granted(self) -> None:
        self.granted += 1


def test_one_at_a_time_in_order_and_the_background_last() -> None:
    lease = Lease()
    first, readout, second, third = Asker("1"), Asker("r", in_background=True), Asker("2"), Asker("3")
    assert lease.ask(first)
    assert lease.ask(first)
    assert not any(lease.ask(party) for party in (readout, second, third, second))
    assert lease.is_wanted
    order = []
    while lease.holder is not None:
        holder = lease.holder
        assert isinstance(holder, Asker)
        order.append(holder.name)
        lease.give_up(holder)
    assert order == ["1", "2", "3", "r"]
    assert (first.granted, second.granted, third.granted, readout.granted) == (0, 1, 1, 1)
    assert not lease.is_wanted


def test_leaving_the_queue() -> None:
    lease, changes = Lease(), []
    lease.on_change = lambda: changes.append(lease.holder)
    first, second = Asker("1"), Asker("2")
    lease.ask(first)
    lease.ask(second)
    lease.give_up(second)
    assert not lease.is_wanted
    assert changes == []
    lease.give_up(first)
    assert changes == [None]
    assert second.granted == 0
