"""TCP ports that the device listens on, as the settings want them."""

from appliance.ports.listener import Listener, SocketOptions
from appliance.ports.ports import Ports
from appliance.ports.wanted import Wanted

__all__ = ["Listener", "Ports", "SocketOptions", "Wanted"]
