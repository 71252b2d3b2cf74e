"""Readings told to an MQTT broker."""
