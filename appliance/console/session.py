"""One client of the console: a socket, a thread, a shell."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING

from appliance.console.display import safe, width
from appliance.console.history import History
from appliance.console.keys import Key
from appliance.console.line_editor import LONGEST, Event, LineEditor
from appliance.console.shell import Shell
from appliance.console.wire import EndOfInput, Over, Wire
from appliance.settings import console as declared
from appliance.settings import network as network_settings

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

    from appliance.console.baseline import Baselines
    from appliance.console.login import Login
    from appliance.device_view import DeviceView

log = logging.getLogger(__name__)

LOGIN_TIME = 60.0
"""Seconds from the connection to the end of the login."""

ATTEMPTS = 3
"""Wrong passwords before the connection is closed."""

PATIENT_FOR = 10.0
"""Seconds that a client may take to read something of what was sent."""

DEFAULT_WINDOW = (80, 24)

LINE_ENDS = b"\r\n\x03\x15"
"""What ends a line, or takes it back."""


class Session:
    """Serves one client in a thread of its own, from the banner to the end.

    What others ask of it (`finish`, `cut`, what it tells of itself) may come from any thread.
    """

    def __init__(
        self,
        sock: socket.socket,
        peer: str,
        *,
        device: DeviceView,
        login: Login,
        baselines: Baselines,
        asks_new_password: bool,
        on_login: Callable[[str], None],
        on_end: Callable[[Session], None],
        clock: Callable[[], float] = time.monotonic,
        login_time: float = LOGIN_TIME,
        patient_for: float = PATIENT_FOR,
    ) -> None:
        """Take over `sock`; `peer` is the client's address. `on_login` is told who has logged in."""
        self.peer = peer
        self.user = ""
        self.is_logged_in = False
        self.began_at = clock()
        self.is_leaving = False
        """Whether it was told to end and makes room for others already."""
        self.wire = Wire(sock, peer, clock=clock, patient_for=patient_for, on_negotiated=self._on_negotiated)
        self._device, self._login, self._baselines = device, login, baselines
        self._asks_new_password = asks_new_password
        self._on_login, self._on_end, self._clock = on_login, on_end, clock
        self._login_by = self.began_at + login_time
        self._history = History()
        self._editor = LineEditor(self._history)
        self._shell: Shell | None = None
        self.thread = threading.Thread(target=self._run, name=f"console {peer}", daemon=True)

    # For the service.

    def finish(self, why: str) -> None:
        """Have the session end after the command that it is at, and tell the client why."""
        self.is_leaving = True
        self.wire.finish(why)

    def cut(self) -> None:
        """End the session now."""
        self.is_leaving = True
        self.wire.cut()

    # For the shell.

    @property
    def is_terminal(self) -> bool:
        """Whether a person sits there, with keys that come one by one."""
        return self._editor.is_terminal

    @property
    def columns(self) -> int:
        """Width of the window."""
        return self._editor.columns

    def write(self, text: str) -> None:
        """Show text; each line ends with a newline character."""
        self.wire.put(text.replace("\n", "\r\n").encode("utf-8", "replace"))

    def page(self, lines: Iterable[str]) -> None:
        """Show lines, on a terminal one page after the other."""
        rows = (self.wire.telnet.window or (0, 0))[1] or DEFAULT_WINDOW[1]
        left = page = max(2, rows) - 1
        for line in lines:
            taken = max(1, -(-width(line) // max(1, self.columns)))
            if left < taken and self.is_terminal and not self.wire.is_input_waiting:
                wanted = self._more()
                if wanted == 0:
                    return
                left = page if wanted > 1 else taken
            left -= taken
            self.write(f"{line}\n")

    def ask(self, prompt: str, *, is_hidden: bool = False) -> str | None:
        """Ask for a line; None when the user gives up."""
        event = self._read_line(prompt, is_hidden=is_hidden)
        if event is Event.END:
            self.write("\n")
        return self._editor.text if event is Event.LINE else None

    # Its thread.

    def _run(self) -> None:
        try:
            self._serve()
        except Over as over:
            if str(over):
                with contextlib.suppress(OSError, Over):
                    self.write(f"\n% {over}\n")
                    self.wire.flush(1.0)
        except EndOfInput:
            pass
        except OSError as error:
            log.debug("console client %s is gone: %s", self.peer, error)
        except Exception:
            log.exception("the console session of %s broke", self.peer)
        finally:
            self.is_leaving = True
            self.wire.close()
            self._on_end(self)

    def _serve(self) -> None:
        product = self._device.product
        hostname = self._device.settings[network_settings.HOSTNAME]
        self.write(f"{safe(product.type)}  {safe(hostname)}  firmware {safe(product.version)}\n")
        try:
            if self._login.is_needed and not self._log_in():
                raise Over("too many wrong passwords")
            self.is_logged_in = True
            log.info("console: %s logged in from %s", safe(self.user) or "somebody", self.peer)
            if self.user:
                self._on_login(self.user)
            self._serve_shell()
        except EndOfInput:
            if self._editor.text:
                self.write("\n% the last line has no end; it was not carried out\n")
            if self._shell is not None:
                self._shell.tell_unsaved()
            self.wire.flush()

    def _log_in(self) -> bool:
        wrong = 0
        while wrong < ATTEMPTS:
            name = self.ask("login: ")
            password = self.ask("Password: ", is_hidden=True) if name else None
            if not name or password is None:
                continue
            delay = self._login.delay(self.peer)
            if delay > 0:
                self.wire.pause(min(delay, self._login_by - self._clock()))
            if self._login.check(self.peer, name.strip(), password):
                self.user = name.strip()
                return True
            wrong += 1
            log.warning("console: wrong login from %s", self.peer)
            self.write("% wrong name or password\n")
        return False

    def _serve_shell(self) -> None:
        shell = self._shell = Shell(
            self._device,
            self,
            user=self.user,
            history=self._history,
            baselines=self._baselines,
            asks_new_password=self._asks_new_password,
        )
        shell.greet()
        while not shell.is_over:
            if self.wire.ending is not None:
                raise Over(self.wire.ending)
            event = self._read_line(shell.prompt, shell=shell)
            if event is Event.LINE:
                self._carry_out(shell, self._editor.text)
            elif event is Event.OVERLONG:
                self.write(f"% a line has at most {LONGEST} characters; this one was not carried out\n")
            elif event is Event.END:
                self.write("\n")
                shell.log_out()
        self.wire.flush()

    def _carry_out(self, shell: Shell, line: str) -> None:
        try:
            shell.carry_out(line)
        except (Over, EndOfInput, OSError):
            raise
        except Exception:
            log.exception("console: a command failed")
            self.write("% an error inside the device; its log has more\n")

    # Lines.

    def _read_line(self, prompt: str, *, is_hidden: bool = False, shell: Shell | None = None) -> Event:
        editor = self._editor
        editor.begin(prompt, is_hidden=is_hidden)
        self._take_echo()
        self.wire.prompted_at = self._clock()
        while True:
            byte = self._read_byte()
            if editor.is_too_long and byte not in LINE_ENDS:
                # Byte by byte a megabyte would take seconds.
                self.wire.skip_to(LINE_ENDS)
                continue
            event = editor.feed(byte)
            self._take_echo()
            if event is None:
                continue
            if event in (Event.LINE, Event.OVERLONG, Event.CANCEL):
                return event
            if event is Event.END:
                return event
            if shell is None:
                if event is Event.HELP:
                    editor.insert("?")
                    self._take_echo()
            else:
                self._assist(shell, event)

    def _assist(self, shell: Shell, event: Event) -> None:
        editor = self._editor
        before = editor.before_cursor
        if event is Event.HELP:
            self.write("?\n")
            self._page_then_redraw(shell.help(before))
            return
        completion = shell.complete(before)
        if completion is not None and completion.insertion:
            editor.insert(completion.insertion)
        elif event is Event.LIST and completion is not None and completion.words:
            self.write("\n")
            self._page_then_redraw(["  ".join(map(safe, completion.words))])
        else:
            self.wire.put(b"\x07")
        self._take_echo()

    def _page_then_redraw(self, lines: list[str]) -> None:
        self.page(lines)
        self._editor.redraw()
        self._take_echo()

    def _take_echo(self) -> None:
        self.wire.put(self._editor.output)
        self._editor.output.clear()

    def _more(self) -> int:
        """Ask whether to go on: 0 is no, 1 a line, 2 a page."""
        self.write("--more--")
        wanted: int | None = None
        while wanted is None:
            key = self._editor.decode(self._read_byte())
            if key in (Key.INTERRUPT, "q", "Q"):
                wanted = 0
            elif key is Key.ENTER:
                wanted = 1
            elif key == " ":
                wanted = 2
        self.wire.put(b"\r\x1b[K")
        return wanted

    def _read_byte(self) -> int:
        late = "idle for too long" if self.is_logged_in else "the time for the login is over"
        return self.wire.read_byte(self._patience_ends, late)

    def _patience_ends(self) -> float | None:
        if not self.is_logged_in:
            return self._login_by
        idle = self._device.settings[declared.IDLE_TIMEOUT]
        return self._clock() + idle if idle else None

    def _on_negotiated(self) -> None:
        """Become a terminal, or follow the size of its window."""
        editor, telnet = self._editor, self.wire.telnet
        columns = (telnet.window or (0, 0))[0] or DEFAULT_WINDOW[0]
        if (telnet.echoes, columns) != (editor.is_terminal, editor.columns):
            editor.is_terminal, editor.columns = telnet.echoes, columns
            editor.redraw()
            self._take_echo()
