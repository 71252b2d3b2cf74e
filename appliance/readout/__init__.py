"""The master's own work on the line: talking to meters, finding them, and reading them."""
