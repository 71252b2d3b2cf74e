"""Address Resolution Protocol: whether an address is free, keeping it, and link-local addresses (AutoIP)."""
