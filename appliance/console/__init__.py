"""The configuration console: a command line over TCP, made from the same declarations as the pages."""

from appliance.console.console import Console, ConsoleSnapshot
from appliance.device_view import DeviceView

__all__ = ["Console", "ConsoleSnapshot", "DeviceView"]
