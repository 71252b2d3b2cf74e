"""A signal ends the program, whatever the main thread is at."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from appliance.ending import SIGNALS, ending_signals


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_sets_the_event(number: int) -> None:
    former = signal.getsignal(number)
    with ending_signals() as stopping:
        os.kill(os.getpid(), number)
        assert stopping.wait(10)
    assert signal.getsignal(number) is former


def test_a_signal_in_the_middle_of_the_wait_does_not_lock_up() -> None:
    with ending_signals() as stopping:
        with stopping._cond:  # type: ignore[attr-defined] # where Event.wait is for a moment
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pthread_sigmask(signal.SIG_BLOCK, ())  # the handler has run when this returns
        assert stopping.wait(10)


def test_without_a_signal_nothing_is_left() -> None:
    threads = threading.active_count()
    with ending_signals() as stopping:
        assert not stopping.is_set()
    assert threading.active_count() == threads


def test_a_program_under_nohup_outlives_its_terminal() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ending_signals() as stopping:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stopping.wait(0.05)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)


def test_ctrl_c_counts_even_where_a_shell_had_it_ignored() -> None:
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ending_signals() as stopping:
            os.kill(os.getpid(), signal.SIGINT)
            assert stopping.wait(10)
    finally:
        signal.signal(signal.SIGINT, former)
