"""EN 13757-2 and -3 telegrams: frames, records, addresses. Pure: bytes in, values out, no I/O."""
