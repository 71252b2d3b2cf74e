from __future__ import annotations

import pytest

from appliance.recorder.ring import Ring


def test_an_empty_ring_has_no_rows() -> None:
    ring = Ring(3, 2)
    assert (ring.rows(), ring.last()) == ([], None)


def test_the_oldest_rows_go_and_the_memory_stays() -> None:
    ring = Ring(3, 2)
    assert ring.size == 3 * 2 * 8
    for number in range(8):
        ring.add((number, number * 10))
        assert ring.last() == (number, number * 10)
        assert ring.rows() == [(n, n * 10) for n in range(max(0, number - 2), number + 1)]
    assert ring.size == 3 * 2 * 8


@pytest.mark.parametrize("count", [1, 2, 5, 6, 7, 13])
def test_a_step_leaves_rows_out_and_keeps_the_newest(count: int) -> None:
    ring = Ring(6, 1)
    for number in range(count):
        ring.add((number,))
    all_rows = ring.rows()
    assert ring.rows(step=2) == all_rows[::-1][::2][::-1]
    assert ring.rows(step=100) == all_rows[-1:]


def test_a_row_of_another_width_is_refused() -> None:
    ring = Ring(3, 2)
    for row in ((), (1,), (1, 2, 3)):
        with pytest.raises(ValueError, match="where 2 are kept"):
            ring.add(row)
    assert ring.rows() == []
