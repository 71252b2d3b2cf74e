"""Every error that the appliance raises on purpose, as one tree.

Each also subclasses the builtin that a caller would think of first, so that ``except ValueError`` around
a parser or ``except OSError`` around a port does what it says.
"""

from collections.abc import Mapping


class ApplianceError(Exception):
    """Anything that the appliance raises on purpose."""


class ServiceError(ApplianceError, RuntimeError):
    """A service was used against its life cycle, or a thread outlived its stop."""


class LineError(ApplianceError, OSError):
    """A serial port of the M-Bus line cannot be opened, configured or used."""


class PortGoneError(LineError):
    """A serial port that was open has vanished: unplugged, or its far end closed."""


class ListenError(ApplianceError, OSError):
    """A TCP port cannot be listened on."""


class FrameError(ApplianceError, ValueError):
    """Bytes that are no FT1.2 frame.

    `reason` is one of `appliance.mbus.frame.Refusal`.
    """

    def __init__(self, reason: str, detail: str) -> None:
        """Refuse for `reason`; `detail` names the byte and the value that were found."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class CodingError(ApplianceError, ValueError):
    """A value that the M-Bus coding asked for cannot carry, or bytes that carry no value in it."""


class UnknownMeterError(ApplianceError, LookupError):
    """The simulated bus has no meter with the address asked for."""


# An error here is called by what happened; "Error" at the end of each would say nothing more.
# ruff: noqa: N818

SHOWN_LENGTH = 60
"""Characters of a value that a message repeats; the rest is cut."""


def quoted(value: str) -> str:
    """Write `value` for a message: in quotes, control characters and lone surrogates escaped, cut when very long."""
    shown = value[:SHOWN_LENGTH]
    escaped = "".join(
        "\\" + character
        if character in '"\\'
        else character
        if character.isprintable()
        else character.encode("unicode_escape").decode("ascii")
        for character in shown
    )
    rest = len(value) - len(shown)
    return f'"{escaped}"' if not rest else f'"{escaped}..." ({rest} more characters)'


class InvalidValue(ApplianceError, ValueError):
    """A text is not a value of its type; the message, where there is one, says what is wrong with it."""


class SettingError(ApplianceError, ValueError):
    """One setting was given a value that it cannot take."""

    def __init__(self, name: str, value: str | None, allowed: str, *, reason: str = "") -> None:
        """Name the setting, the text as given (None: not to be shown), what is allowed, and what is wrong."""
        super().__init__(name, value, allowed, reason)
        self.name = name
        self.value = value
        self.allowed = allowed
        self.reason = reason or allowed

    @property
    def complaint(self) -> str:
        """What is wrong, without the name."""
        shown = "this value" if self.value is None else quoted(self.value)
        particular = f" ({self.reason})" if self.reason != self.allowed else ""
        return f"{shown} is not allowed{particular}; {self.allowed}"

    def __str__(self) -> str:
        return f"{quoted(self.name)[1:-1]}: {self.complaint}"


class UnknownSetting(SettingError):
    """A name that is no setting; says which ones are near. Its value is not shown, for it may be a secret."""

    def __init__(self, name: str, near: tuple[str, ...] = ()) -> None:
        """Name the stranger and the known names that look like it."""
        self.near = near
        super().__init__(name, None, f"did you mean {' or '.join(near)}?" if near else "there is none of this name")

    @property
    def complaint(self) -> str:
        """What is wrong, without the name."""
        return f"no such setting; {self.allowed}"


class UnreadableSettings(SettingError):
    """A whole configuration that cannot be taken apart into settings."""

    def __init__(self, reason: str) -> None:
        """Say what the reader stumbled over."""
        super().__init__("settings", None, "a TOML file with sections, as the export makes it", reason=reason)

    @property
    def complaint(self) -> str:
        """What is wrong, without the name."""
        return f"the file cannot be read ({self.reason}); {self.allowed}"


class InvalidSettings(ApplianceError, ValueError):
    """A change of settings was refused; `errors` has every reason at once."""

    def __init__(self, errors: tuple[SettingError, ...]) -> None:
        """Collect what is wrong, at least one error."""
        super().__init__(errors)
        self.errors = errors

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


class SaveFailed(ApplianceError, OSError):
    """The settings could not be written to the disk.

    `replaced` is True in the one case where a restart would nevertheless find the new file: it is in place, the disk
    did not confirm it, and the former one could not be put back.
    """

    def __init__(self, text: str, *, cause: OSError | None = None, replaced: bool = False) -> None:
        """Say in `text` what failed; the errno is that of `cause`."""
        super().__init__(text)
        self.errno = cause.errno if cause is not None else None
        self.replaced = replaced

    def __str__(self) -> str:
        return str(self.args[0])


class NotConfirmed(ApplianceError, OSError):
    """A file is in its place, but the disk did not confirm that it would be there after a power cut."""


class ReentrantChange(ApplianceError, RuntimeError):
    """A subscriber tried to change settings, or to subscribe, in the middle of a change that it is part of."""


class MigrationError(ApplianceError, ValueError):
    """A settings file of an older form cannot be brought to the present one."""


class CertificateError(ApplianceError, OSError):
    """There is no usable TLS certificate, and none can be made."""


class NetworkError(ApplianceError, OSError):
    """The kernel does not tell about its network interfaces, or refuses a change of them."""


class RebootError(ApplianceError, OSError):
    """A reboot could not even be asked for."""


class MessageError(ApplianceError, ValueError):
    """Octets that are no BOOTP or DHCP message, or a message that cannot be put into octets."""


class ReadoutError(ApplianceError, OSError):
    """A meter did not answer, or not so that it could be understood."""


class UnknownMeter(ApplianceError, LookupError):
    """There is no meter, or no series of values, of that number."""


class InvalidMeter(ApplianceError, ValueError):
    """What somebody wants of the meter list cannot be; `errors` has every reason, by the name of its field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        """Collect what is wrong, at least one error; each text names the value."""
        super().__init__(errors)
        self.errors = dict(errors)

    def __str__(self) -> str:
        return "\n".join(f"{field}: {words}" for field, words in self.errors.items())


class BrokerError(ApplianceError, OSError):
    """An MQTT broker cannot be reached, or refuses; the text says why in words."""


class UpdateError(ApplianceError, RuntimeError):
    """The firmware cannot be updated, or not now; the text says why."""


class UpdateRefused(UpdateError, ValueError):
    """What somebody wants to install cannot be, or is not what it should be."""


class UpdateBusy(UpdateError):
    """Another upload or installation is under way, or the firmware that runs is still on trial."""


class InstallerGone(UpdateError, ConnectionError):
    """RAUC, which installs firmware, does not answer."""


class NotServed(UpdateError):
    """A web server answers, but not with what it was asked for."""

    def __init__(self, text: str, status: int) -> None:
        """Say it in a sentence; `status` is that of the answer (RFC 9110 section 15)."""
        super().__init__(text)
        self.status = status


class ActionGone(UpdateError):
    """A hawkBit server does not know an action any more, or has closed it."""
