"""Firmware updates: bundles, slots, and the trial of a new slot."""
