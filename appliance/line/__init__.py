"""The M-Bus serial line: its ports, who holds the bus, and what was counted."""
