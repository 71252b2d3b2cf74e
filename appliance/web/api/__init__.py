"""The JSON API under `/api/v1/`: all that the pages show, and the settings to be written."""
