"""The network interface: its link and its traffic. pyroute2 lives here alone."""

from appliance.network import _pyroute2 as _pyroute2  # before anything of it is imported
