"""Who may come in: the directives of the settings, kept at the door of the web server."""
