"""The panel at the bottom of a terminal, with keys."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import select
import signal
import threading
import time
from typing import TYPE_CHECKING

from appliance.errors import ApplianceError, ServiceError
from appliance.service import Service
from appliance.simulator.terminal.descriptor import is_foreground
from appliance.simulator.terminal.drawing import HELP, View, draw
from appliance.simulator.terminal.keyboard import Keyboard
from appliance.simulator.terminal.keys import KeyReader
from appliance.simulator.terminal.paint import Style
from appliance.simulator.terminal.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

    from appliance.panel.snapshot import PanelSnapshot
    from appliance.simulator.bench import Engaged
    from appliance.simulator.terminal.actions import Action, Actions

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds between two looks at what nobody announces: the size of the terminal, whose it is, and the status line."""

HELD_EVERY = 0.2
"""Seconds between two drawings while the button is held."""

DRAW_EVERY = 0.02
"""Seconds between two drawings at least, however fast the LEDs change."""

_ASIDE = 0.2
"""Seconds after Ctrl-Z before the terminal is looked at again: by then we are stopped."""

_CTRL_C, _CTRL_L, _CTRL_Z = "\x03", "\x0c", "\x1a"


class TerminalPanel(Service):
    """Shows the panel at the bottom of the terminal, and does what its keys say.

    `wake` redraws; give it to whatever announces changes. Once the terminal is gone the service lives on and rests:
    the appliance does not need it. While the program is a job in the background it leaves the terminal alone.
    """

    def __init__(
        self,
        *,
        snapshot: Callable[[], PanelSnapshot],
        status: Callable[[], str],
        engaged: Callable[[], Engaged],
        actions: Actions,
        output: TextIO,
        input_fd: int | None,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Show what `snapshot`, the short `status` line and `engaged` say on the terminal of `output`.

        Without an `input_fd`, or when it is no terminal, there are no keys.

        :raises OSError: when `output` is no file, or the terminal is gone.
        """
        super().__init__("terminal panel")
        self._snapshot, self._status, self._engaged = snapshot, status, engaged
        self._actions = actions
        self._clock = clock
        encoding = output.encoding or "ascii"
        self._style = Style(
            has_colour=not environment.get("NO_COLOR"), has_unicode=encoding.lower().replace("-", "") == "utf8"
        )
        self._screen = Screen(output.fileno(), encoding, clock)
        self._keyboard = Keyboard(input_fd) if input_fd is not None and os.isatty(input_fd) else None
        self._reader = KeyReader(clock)
        self._is_down = False
        self._is_entered = False
        self._is_gone = False
        self._aside_until = self._drawn_at = float("-inf")
        self._keys: dict[str, Action] = {
            "b": self._button,
            " ": self._button,
            "s": actions.toggle_short_circuit,
            "l": actions.toggle_link,
            "u": actions.toggle_serial,
            "c": actions.collide,
            "i": actions.identify,
            "?": lambda: self._screen.say(HELP),
            "q": actions.quit,
            _CTRL_C: actions.quit,  # where the terminal makes no signal of it
            _CTRL_L: self._screen.forget,
            _CTRL_Z: self._go_aside,
        }
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._is_open = True
        self._open_lock = threading.Lock()

    def wake(self) -> None:
        """Redraw now (any thread)."""
        with self._open_lock:
            if self._is_open:
                os.eventfd_write(self._event, 1)

    def start(self) -> None:
        """Show the panel.

        :raises ServiceError: when it was started before.
        """
        # For a program that ends without stopping its services: the shell would get a terminal without echo.
        atexit.register(self._end)
        super().start()

    def run(self) -> None:
        """Draw and read keys until told to stop."""
        while not self.stopping.is_set():
            self.beat()
            if not self._is_gone:
                try:
                    self._mind_terminal()
                    wait = self._show() if self._is_entered else self._until_looked_at()
                except OSError as error:
                    self._lose(error)
            self._await(None if self._is_gone else wait)

    def release(self) -> None:
        """Give the terminal back as it was."""
        atexit.unregister(self._end)
        try:
            self._leave()
        finally:
            self._screen.close()
            if self._keyboard is not None:
                self._keyboard.close()
            with self._open_lock:
                self._is_open = False
                os.close(self._event)

    def _mind_terminal(self) -> None:
        """Take the terminal when it is ours, and keep off it when it is not."""
        is_ours = self._clock() >= self._aside_until and is_foreground(self._screen.fd)
        if is_ours and not self._is_entered:
            if self._keyboard is not None:
                self._keyboard.enter()
            self._is_entered = True
        elif self._is_entered and not is_ours:
            self._screen.lose()
            self._is_entered = False

    def _until_looked_at(self) -> float:
        aside = self._aside_until - self._clock()
        return aside if aside > 0 else LOOK_EVERY

    def _show(self) -> float:
        """Draw, and return the seconds until something else is to be drawn that nobody announces."""
        panel = self._snapshot()
        view = View(panel, self._status(), self._engaged(), self._is_down, self._keyboard is not None)
        size = self._screen.size()
        self._screen.show(draw(view, *size, self._style), size)
        self._drawn_at = self._clock()
        return HELD_EVERY if panel.is_pressed or self._is_down else LOOK_EVERY

    def _await(self, seconds: float | None) -> None:
        """Wait for a key, for `wake`, or for so long."""
        poll = select.poll()
        poll.register(self._event, select.POLLIN)
        if self._is_entered and self._keyboard is not None:
            poll.register(self._keyboard.fd, select.POLLIN)
        self.is_resting = True
        ready = poll.poll(None if seconds is None else seconds * 1000)
        self.is_resting = False
        for fd, _ in ready:
            if fd == self._event:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(self._event)
            else:
                self._read_keys()
        # A terminal takes a picture in less than that, and nobody sees more of them.
        self.stopping.wait(self._drawn_at + DRAW_EVERY - self._clock())

    def _read_keys(self) -> None:
        if self._keyboard is None:
            return
        try:
            data = self._keyboard.read()
            if data is None:
                self._forget_keyboard()
                return
            for key in self._reader.feed(data):
                self._strike(key)
        except OSError as error:
            self._lose(error)

    def _strike(self, key: str) -> None:
        action = self._keys.get(key.lower())
        if action is None:
            return
        try:
            action()
        except ApplianceError as error:  # among them such as are an OSError too
            log.warning("key %s: %s", key, error)

    def _button(self) -> None:
        self._is_down = not self._is_down
        (self._actions.press if self._is_down else self._actions.release)()

    def _go_aside(self) -> None:
        """Do what Ctrl-Z does, with the terminal in order: stop the whole job, and come back when it goes on."""
        self._leave()
        self._aside_until = self._clock() + _ASIDE
        os.killpg(0, signal.SIGTSTP)

    def _leave(self) -> None:
        """Bring the terminal back to how it was, unless somebody else has it now."""
        if not self._is_entered:
            return
        self._is_entered = False
        with contextlib.suppress(OSError):
            if is_foreground(self._screen.fd):
                if self._keyboard is not None:
                    self._keyboard.leave()
                self._screen.leave()

    def _forget_keyboard(self) -> None:
        if self._keyboard is not None:
            self._keyboard.leave()
            self._keyboard.close()
        self._keyboard = None

    def _lose(self, error: OSError) -> None:
        log.info("the terminal is gone (%s): no panel from now on", error.strerror)
        self._is_gone, self._is_entered = True, False

    def _end(self) -> None:
        with contextlib.suppress(ServiceError):
            self.stop()
