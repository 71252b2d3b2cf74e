"""Words for the command line, with which every service takes a port that is free."""

ANY_PORTS = tuple(word for name in ("tunnel.port", "http.port", "console.port") for word in ("--set", f"{name}=0"))
