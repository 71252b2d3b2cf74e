"""The network interface: its link and its traffic. pyroute2 lives here alone."""
