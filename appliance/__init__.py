"""The CMe3000 TCP/IP M-Bus master as a Raspberry Pi appliance."""

__version__ = "0.1.0"
