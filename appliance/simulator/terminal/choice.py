"""Which panel suits the output."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from appliance.simulator.terminal.plain_panel import PlainPanel
from appliance.simulator.terminal.terminal_panel import TerminalPanel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

    from appliance.panel.snapshot import PanelSnapshot
    from appliance.simulator.bench import Engaged
    from appliance.simulator.terminal.actions import Actions


def suitable_panel(
    *,
    snapshot: Callable[[], PanelSnapshot],
    status: Callable[[], str],
    engaged: Callable[[], Engaged],
    actions: Actions,
    output: TextIO,
    input_fd: int | None,
    environment: Mapping[str, str] = os.environ,
) -> TerminalPanel | PlainPanel:
    """Make a panel of lines at the bottom of `output` where that is a terminal that can do so, else one of plain lines.

    A terminal of type ``dumb``, or of none, cannot.
    """
    if output.isatty() and environment.get("TERM", "dumb") != "dumb":
        try:
            return TerminalPanel(
                snapshot=snapshot,
                status=status,
                engaged=engaged,
                actions=actions,
                output=output,
                input_fd=input_fd,
                environment=environment,
            )
        except OSError:  # it vanished in this moment; the plain panel copes with that
            pass
    return PlainPanel(snapshot=snapshot, output=output)
