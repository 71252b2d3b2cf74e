"""The web interface: a Flask app with a blueprint for each entry of the menu."""
