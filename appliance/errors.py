"""Every error that the appliance raises on purpose, as one tree.

Each also subclasses the builtin that a caller would think of first, so that ``except ValueError`` around
a parser or ``except OSError`` around a port does what it says.
"""


class ApplianceError(Exception):
    """Anything that the appliance raises on purpose."""


class ServiceError(ApplianceError, RuntimeError):
    """A service was used against its life cycle, or a thread outlived its stop."""


class LineError(ApplianceError, OSError):
    """A serial port of the M-Bus line cannot be opened, configured or used."""


class ListenError(ApplianceError, OSError):
    """A TCP port cannot be listened on."""
