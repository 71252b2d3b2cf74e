"""The web server: listeners, TLS, limits, authentication directives, access log, counters."""
