"""RAUC, which verifies bundles and writes slots as root, behind D-Bus (its manual, "D-Bus API")."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from jeepney import DBusAddress, DBusErrorResponse, MessageType, Properties, new_method_call
from jeepney.io.blocking import open_dbus_connection
from jeepney.wrappers import unwrap_msg

from appliance.errors import InstallerGone, UpdateError
from appliance.update.inspection import Inspection
from appliance.update.refusals import sentence_for

if TYPE_CHECKING:
    from types import TracebackType

    from jeepney import Message

ANSWER = 10.0
"""Seconds within which RAUC answers; a bus may have to start it first."""

INSPECTION = 60.0
"""Seconds that looking at a bundle may take; in the old form it is read whole."""

IDLE = "idle"
INSTALLING = "installing"

_RAUC = DBusAddress("/", bus_name="de.pengutronix.rauc", interface="de.pengutronix.rauc.Installer")
_UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
_NOT_THERE = (
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.NoReply",
    "org.freedesktop.DBus.Error.Disconnected",
    "org.freedesktop.DBus.Error.AccessDenied",
)


@dataclass(frozen=True, slots=True)
class Operation:
    """What RAUC is doing."""

    is_idle: bool
    percent: int
    message: str
    last_error: str
    """Of the last installation; empty after one that went well."""


class Rauc:
    """A connection to RAUC, for one thread and in a `with`. Every call blocks; `interrupt` ends it from outside."""

    def __init__(self, address: str, *, program: tuple[str, ...] = ("rauc",)) -> None:
        """Connect to the bus at `address`.

        :param program: how to ask RAUC itself, for one before 1.9, whose service does not say what is in a bundle.
        :raises InstallerGone: when there is no such bus.
        """
        self._program = program
        self._process: subprocess.Popen[str] | None = None
        try:
            self._bus = open_dbus_connection(address)
        except (OSError, RuntimeError, KeyError, ValueError, DBusErrorResponse) as error:
            raise InstallerGone(f"The system bus does not answer: {error}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bus.close()

    def interrupt(self) -> None:
        """Have a call that is under way fail now (any thread)."""
        with contextlib.suppress(OSError):
            self._bus.sock.shutdown(socket.SHUT_RDWR)
        if self._process is not None:
            self._process.kill()

    @property
    def compatible(self) -> str:
        """What kind of device this is.

        :raises UpdateError: when RAUC does not say.
        """
        return str(self._properties().get("Compatible", ""))

    @property
    def operation(self) -> Operation:
        """What RAUC is doing.

        :raises UpdateError: when it does not say.
        """
        found = self._properties()
        percent, message, _ = found.get("Progress", (0, "", 0))
        return Operation(
            is_idle=found.get("Operation", IDLE) == IDLE,
            percent=int(percent),
            message=str(message),
            last_error=str(found.get("LastError", "")),
        )

    def inspect(self, source: str) -> Inspection:
        """Have RAUC verify the signature of a bundle and read its manifest.

        The content of one in the form verity is not looked at before it is installed.

        :param source: a path.
        :raises UpdateError: when it is refused, in words for a person.
        """
        try:
            (found,) = self._call("InspectBundle", "sa{sv}", (source, {}), deadline=INSPECTION)
        except DBusErrorResponse as error:
            if error.name != _UNKNOWN_METHOD:
                raise UpdateError(sentence_for(_words(error))) from error
        else:
            return Inspection.of(_plain(found))
        return self._inspect_by_program(source)

    def inspect_url(self, url: str) -> Inspection:
        """Have RAUC look at a bundle on a web server that gives parts of files; RAUC 1.9 or later can.

        :raises UpdateError: when it cannot, or refuses.
        """
        try:
            (found,) = self._call("InspectBundle", "sa{sv}", (url, {}), deadline=INSPECTION)
        except DBusErrorResponse as error:
            raise UpdateError(_words(error)) from error
        return Inspection.of(_plain(found))

    def install(self, source: str) -> None:
        """Begin to install a bundle into the slot that does not run; `operation` tells how it goes.

        :raises UpdateError: when RAUC does not begin.
        """
        try:
            self._call("InstallBundle", "sa{sv}", (source, {}))
        except DBusErrorResponse as error:
            raise UpdateError(sentence_for(_words(error))) from error

    def slots(self) -> dict[str, dict[str, Any]]:
        """Give what RAUC knows of each slot, by its name.

        :raises UpdateError: when it does not say.
        """
        try:
            (found,) = self._call("GetSlotStatus")
        except DBusErrorResponse as error:
            raise UpdateError(f"The state of the slots cannot be read: {_words(error)}.") from error
        return {str(name): _plain(status) for name, status in found}

    def primary(self) -> str:
        """Give the name of the slot that the boot loader starts next.

        :raises UpdateError: when RAUC does not say.
        """
        try:
            (found,) = self._call("GetPrimary")
        except DBusErrorResponse as error:
            raise UpdateError(f"The slot to be started cannot be read: {_words(error)}.") from error
        return str(found)

    def mark(self, state: str, slot: str) -> None:
        """Have the boot loader remember a slot (`booted`, `other`, or a name) as `good`, `bad` or `active`.

        :raises UpdateError: when that fails.
        """
        try:
            self._call("Mark", "ss", (state, slot), deadline=INSPECTION)
        except DBusErrorResponse as error:
            raise UpdateError(f"The boot loader could not be told: {_words(error)}.") from error

    def _properties(self) -> dict[str, Any]:
        try:
            (found,) = self._ask(Properties(_RAUC).get_all(), ANSWER)
        except DBusErrorResponse as error:
            raise UpdateError(f"RAUC does not say what it is doing: {_words(error)}.") from error
        return _plain(found)

    def _call(
        self, method: str, signature: str | None = None, body: tuple[Any, ...] = (), *, deadline: float = ANSWER
    ) -> tuple[Any, ...]:
        return self._ask(new_method_call(_RAUC, method, signature, body), deadline)

    def _ask(self, message: Message, deadline: float) -> tuple[Any, ...]:
        try:
            reply = self._bus.send_and_get_reply(message, timeout=deadline)
        except TimeoutError as error:
            raise InstallerGone("RAUC, which installs firmware, does not answer.") from error
        except (OSError, ValueError) as error:  # ValueError: the connection was closed
            raise InstallerGone(f"The connection to RAUC was lost: {error}.") from error
        if reply.header.message_type is MessageType.error:
            failure = DBusErrorResponse(reply)
            if failure.name in _NOT_THERE:
                raise InstallerGone(f"RAUC, which installs firmware, is not there: {_words(failure)}.")
            raise failure
        return tuple(unwrap_msg(reply))

    def _inspect_by_program(self, source: str) -> Inspection:
        command = (*self._program, "info", "--output-format=json", source)
        try:
            with subprocess.Popen(  # noqa: S603 (RAUC itself, with a path of ours)
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            ) as self._process:
                try:
                    said, complaint = self._process.communicate(timeout=INSPECTION)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    raise
            if self._process.returncode:
                raise UpdateError(sentence_for(complaint))
            found = json.loads(said)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise UpdateError(f"RAUC does not say what is in the firmware: {error}.") from error
        finally:
            self._process = None
        if not isinstance(found, dict):
            raise UpdateError("RAUC does not say what is in the firmware.")
        return Inspection.of({"update": found})


def _words(error: DBusErrorResponse) -> str:
    return " ".join(str(part) for part in error.data) or str(error.name)


def _plain(table: Any) -> dict[str, Any]:
    """Take the values of a D-Bus dictionary out of their variants, which jeepney gives as pairs of type and value."""
    return {str(key): _value(*variant) for key, variant in table.items()}


def _value(signature: str, value: Any) -> Any:
    if signature == "v":
        return _value(*value)
    if signature == "a{sv}":
        return _plain(value)
    if signature == "aa{sv}":
        return [_plain(each) for each in value]
    return value
