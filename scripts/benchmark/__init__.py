"""The benchmark behind scripts/bench: our tunnel beside ser2net and socat, on the same pseudo-terminals, in one run."""
