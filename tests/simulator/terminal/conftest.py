"""A terminal, what is shown on it, and panels that are stopped whatever happens."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest

from appliance.logbook import start_logging
from appliance.simulator.terminal.terminal_panel import TerminalPanel
from tests.simulator.terminal.emulator import Emulator
from tests.simulator.terminal.front import Front

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def terminal() -> Iterator[Emulator]:
    emulator = Emulator()
    yield emulator
    emulator.close()


@pytest.fixture
def front() -> Front:
    return Front()


@pytest.fixture
def make_panel(terminal: Emulator, front: Front) -> Iterator[Callable[..., TerminalPanel]]:
    panels: list[TerminalPanel] = []

    def make(**options: Any) -> TerminalPanel:
        panel = TerminalPanel(
            **{
                "snapshot": front.snapshot,
                "status": lambda: front.status,
                "engaged": lambda: front.engaged,
                "actions": front.actions(),
                "output": terminal.file(),
                "input_fd": terminal.slave,
                "environment": {},
                **options,
            }
        )
        panels.append(panel)
        panel.start()
        return panel

    yield make
    for panel in panels:
        panel.stop()


@pytest.fixture
def panel(make_panel: Callable[..., TerminalPanel], terminal: Emulator) -> TerminalPanel:
    panel = make_panel()
    terminal.wait_for("q quit")
    return panel


@pytest.fixture
def logs_to_terminal(terminal: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    monkeypatch.setattr(sys, "stderr", terminal.file())
    start_logging("info")
    yield
    root.handlers = handlers
    root.setLevel(level)
