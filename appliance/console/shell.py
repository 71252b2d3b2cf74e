"""What a session does with its lines: levels, prompt, and the commands carried out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from appliance.console.changes import Changes, NewPasswordFirst, unsaved, waiting
from appliance.console.complaint import Complaint
from appliance.console.display import safe, width
from appliance.console.grammar import Call
from appliance.console.levels import first_level
from appliance.console.meter_words import complaint_of
from appliance.console.tokens import tokenise
from appliance.errors import ApplianceError, InvalidMeter, InvalidValue
from appliance.settings import InvalidSettings, SettingError, User, find, http
from appliance.settings import network as network_settings
from appliance.settings.password import FACTORY_LOGIN, check_new_password, has_factory_password, replace_password
from appliance.settings.types import Directives

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.console.baseline import Baselines
    from appliance.console.grammar import Completion
    from appliance.console.history import History
    from appliance.console.level import Level
    from appliance.console.terminal import Terminal
    from appliance.device_view import DeviceView
    from appliance.settings import Setting

log = logging.getLogger(__name__)

LONGEST_NAME = 24
"""Characters of the host name at the prompt."""

LEAST_ROOM = 20
"""Columns that text is wrapped to at the least, however narrow the window."""

ATTEMPTS = 3
"""Times that a new password is asked for before that is given up."""


class Shell:
    """Carries out the commands of one session, in its thread."""

    def __init__(
        self,
        device: DeviceView,
        terminal: Terminal,
        *,
        user: str,
        history: History,
        baselines: Baselines,
        asks_new_password: bool = True,
    ) -> None:
        """Begin on the first level; `user` has logged in, or is empty where nobody has to."""
        self.device = device
        self.terminal = terminal
        self.user = user
        self.history = history
        self.baselines = baselines
        self.asks_new_password = asks_new_password
        self.changes = Changes(device.settings, asks_new_password=asks_new_password)
        self.is_over = False
        """Whether the session is to end."""
        self._levels: list[Level] = [first_level()]

    @property
    def level(self) -> Level:
        """Where the session is."""
        return self._levels[-1]

    @property
    def hostname(self) -> str:
        """The device's configured name."""
        return self.device.settings[network_settings.HOSTNAME]

    @property
    def who(self) -> str:
        """User and address, for the log."""
        return f"{self.user or 'somebody'} from {self.terminal.peer}"

    @property
    def is_unsaved(self) -> bool:
        """Whether a reboot would lose a change."""
        return bool(unsaved(self.device.settings))

    @property
    def has_factory_password(self) -> bool:
        """Whether the factory password is in force."""
        return has_factory_password(self.device.settings.running[http.AUTHENTICATION])

    @property
    def must_change_password(self) -> bool:
        """Whether nothing can be changed for it."""
        return self.asks_new_password and self.has_factory_password

    @property
    def prompt(self) -> str:
        """The prompt: ``!`` for the factory password, ``*`` for what is not saved, ``+`` for changes collected."""
        marks = ("!" if self.must_change_password else "") + ("*" if self.is_unsaved else "")
        marks += "+" if self.changes.is_batch else ""
        return f"{self.hostname[:LONGEST_NAME]}{marks}{self.level.prompt} "

    def greet(self) -> None:
        """Say what should be known at once."""
        if self.must_change_password:
            self.terminal.write(
                "The password is the one from the factory (! at the prompt). Everything can be shown;\n"
                "the first change asks for a new one: enable, then password\n"
            )
        if self.is_unsaved:
            self.terminal.write("There are changes that are not saved (* at the prompt).\n")
        for fault in self.device.faults:
            self.terminal.write(f"Fault: {safe(fault)}\n")

    # Lines.

    def carry_out(self, line: str) -> None:
        """Do what `line` says; what is wrong with it goes to the terminal."""
        line = line.rstrip()
        if not line.strip() or line.lstrip().startswith("!"):
            return
        try:
            if line.endswith("?") and not tokenise(line)[-1].is_quoted and self._is_help(line):
                self.terminal.page(self.help(line[:-1]))
                return
            match = self.level.grammar.match(line)
            if not match.command.has_secret:
                self.history.add(line.strip())
            is_forced = match.command.words[-1] == "force"
            match.command.run(Call(self, match.arguments, match.places, is_forced))
        except Complaint as complaint:
            self._complain(str(complaint), complaint.place, line)
        except InvalidSettings as error:
            for one in error.errors:
                self._complain(self._words_for(one), None, line)
        except InvalidMeter as error:
            for field, words in error.errors.items():
                self._complain(complaint_of(field, words), None, line)
        except ApplianceError as error:
            self._complain(str(error), None, line)

    def help(self, line: str) -> list[str]:
        """List what may stand at the end of `line`."""
        try:
            choices = self.level.grammar.choices(line, self)
        except Complaint as complaint:
            return [f"% {safe(str(complaint))}"]
        if not choices:
            return ["<value>"] if line.strip() else []
        widest = max(width(safe(choice.word)) for choice in choices)
        room = max(LEAST_ROOM, self.terminal.columns - widest - 5)
        lines = []
        for choice in choices:
            word = safe(choice.word)
            first, *more = _wrapped(safe(choice.help), room)
            lines.append(f"  {word}{' ' * (widest - width(word))}  {first}".rstrip())
            lines += [f"  {' ' * widest}  {part}" for part in more]
        return lines

    def complete(self, line: str) -> Completion | None:
        """Tell what a tab after `line` does; None where nothing can be said."""
        try:
            return self.level.grammar.complete(line, self)
        except Complaint:
            return None

    @staticmethod
    def _is_help(line: str) -> bool:
        """Say whether a question mark at the end asks for help: it stands alone, or ends a word, but no URL."""
        return "/" not in line.rpartition(" ")[2]

    def _complain(self, text: str, place: int | None, line: str) -> None:
        if place is not None and self.terminal.is_terminal:
            column = width(self.prompt) + width(line[:place])
            if column < self.terminal.columns:
                self.terminal.write(f"{' ' * column}^\n")
        shown = safe(text)
        lines = _wrapped(shown, max(LEAST_ROOM, self.terminal.columns - 2)) if self.terminal.is_terminal else [shown]
        for number, part in enumerate(lines):
            self.terminal.write(f"{' ' if number else '%'} {part}\n")

    @staticmethod
    def _words_for(error: SettingError) -> str:
        try:
            return f"{find(error.name).label} ({error.name}): {error.complaint}"
        except SettingError:
            return str(error)

    # Moving.

    def enter(self, level: Level) -> None:
        """Go to a level below."""
        self._levels.append(level)

    def leave(self, *, to_enabled: bool = False) -> None:
        """Go to the level above, or to that of enable; from the first two, end the session.

        :raises Complaint: while changes are collected that would be lost.
        """
        if len(self._levels) <= 2:
            if len(self._levels) == 2 and to_enabled:
                return
            self.log_out()
            return
        if (to_enabled or len(self._levels) == 3) and self.changes.is_batch:
            raise Complaint("changes are collected; commit makes them, abort forgets them")
        if to_enabled:
            del self._levels[2:]
        else:
            self._levels.pop()

    def step_down(self) -> None:
        """Go from the level of enable to the first one."""
        del self._levels[1:]

    def log_out(self) -> None:
        """End the session, after a word about what is not saved."""
        if self.is_unsaved:
            if self.terminal.is_terminal:
                answer = self.terminal.ask("Changes are not saved. Leave all the same? [yes/no/write] ")
                word = (answer or "no").strip().casefold()
                if word and "write".startswith(word):
                    self.write()
                elif not word or not "yes".startswith(word):
                    return
            else:
                self.tell_unsaved()
        self.is_over = True

    def tell_unsaved(self) -> None:
        """Say at the end of a session what is not saved, if anything is."""
        if self.is_unsaved:
            self.terminal.write("Changes are not saved; they hold until the next reboot.\n")

    # Changing.

    def set(self, setting: Setting[Any], text: str, place: int | None = None) -> None:
        """Change a setting; say so when it waits for a reboot.

        :raises Complaint: pointing at `place` when the value itself is at fault.
        """
        try:
            self.change(lambda: self.changes.set(setting, text))
        except InvalidSettings as error:
            if [one.name for one in error.errors] == [setting.name]:
                raise Complaint(self._words_for(error.errors[0]), place) from None
            raise
        if not self.changes.is_batch and setting in waiting(self.device.settings):
            self.terminal.write("This takes effect after write and reload.\n")

    def change(self, act: Callable[[], None]) -> None:
        """Do what changes settings; when the factory password stands in the way, ask for a new one first.

        :raises Complaint: when that is not given, or nobody can be asked.
        """
        try:
            act()
        except NewPasswordFirst:
            if not self.has_factory_password:
                raise Complaint("this would bring the factory password back") from None
            if not self.terminal.is_terminal:
                raise
            self.ask_new_password()
            act()

    def write(self) -> None:
        """Save the settings.

        :raises SaveFailed: when the disk did.
        """
        if self.changes.is_batch:
            raise Complaint("changes are collected; commit makes them, abort forgets them")
        self.device.settings.save()
        self.terminal.write("Saved.\n")

    # Passwords.

    def ask_new_password(self) -> None:
        """Have the factory password replaced.

        :raises Complaint: when it is not.
        """
        self.terminal.write("The password is the one from the factory. Choose a new one first.\n")
        for _ in range(ATTEMPTS):
            try:
                self.replace_password(self.ask_twice("password NEW"))
            except Complaint as complaint:
                if complaint.place == 0:
                    raise
                self.terminal.write(f"% {safe(str(complaint))}\n")
            else:
                return
        raise Complaint("nothing was changed")

    def replace_password(self, new: str, *, old: str | None = None) -> None:
        """Give the user a new password, or the factory's user while that has the factory password, and save it.

        :raises Complaint: when it will not do, or `old` is wrong.
        """
        is_factory = self.has_factory_password and old is None
        name = FACTORY_LOGIN if is_factory else self.user
        self._check(name, new)
        settings = self.device.settings
        before = settings.running[http.AUTHENTICATION]
        after = replace_password(before, name, new, old=FACTORY_LOGIN if old is None else old)
        if after == before:
            raise Complaint("the present password is wrong")
        # Saved at once, alone: a password that is back after a power cut helps nobody.
        settings.set({http.AUTHENTICATION.name: Directives().format(after)}, save=True)
        self.terminal.write("The password is changed and saved.\n")

    def new_user(self, name: str, realm: str, password: str) -> User:
        """Make a user of a name and a new password.

        :raises Complaint: when one of them will not do.
        """
        self._check(name, password)
        try:
            return User.with_password(name, realm, password)
        except InvalidValue as error:
            raise Complaint(str(error)) from None

    def _check(self, name: str, password: str) -> None:
        if not self.asks_new_password:
            return
        try:
            check_new_password(password, name=name)
        except InvalidValue as error:
            raise Complaint(str(error)) from None

    def ask(self, prompt: str, instead: str) -> str:
        """Ask for a secret.

        :raises Complaint: when nobody can be asked, naming what to type `instead`, or the user gives up.
        """
        if not self.terminal.is_terminal:
            raise Complaint(f"give it in one line: {instead}", 0)
        answer = self.terminal.ask(prompt, is_hidden=True)
        if answer is None:
            raise Complaint("nothing was changed", 0)
        return answer

    def ask_twice(self, instead: str = "password OLD NEW") -> str:
        """Ask for a new password, twice.

        :raises Complaint: as `ask`, and when the two differ.
        """
        first = self.ask("New password: ", instead)
        if self.ask("Again: ", instead) != first:
            raise Complaint("the two are not the same")
        return first

    def confirm(self, question: str) -> bool:
        """Ask whether to go on.

        :raises Complaint: where nobody can be asked.
        """
        if not self.terminal.is_terminal:
            raise Complaint("add the word force: nobody is asked here")
        answer = (self.terminal.ask(f"{question} [yes/no] ") or "no").strip().casefold()
        return bool(answer) and "yes".startswith(answer)


def _wrapped(text: str, room: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines
