"""Meters on a bus, without a Pi and without meters: for tests and for training."""
