"""The front panel: four LEDs, a button, and what they mean."""
