"""Keeping the appliance alive: services that are restarted, the watchdog, and why it last began anew."""
