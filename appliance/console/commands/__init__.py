"""What can be typed on the console, by subject."""
