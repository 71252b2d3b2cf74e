"""The front panel in a terminal: LEDs live in colour, and keys for what a hand would do."""
