"""The server's side of TLS with a certificate (RFC 8446, RFC 9325)."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.certificate.versions import TlsVersions

CIPHERS = "ECDHE+CHACHA20:ECDHE+AESGCM"
"""For TLS 1.2 (RFC 9325, 4.2): forward secrecy and authenticated encryption. ChaCha20 first, for the processors of most
Raspberry Pis have no instructions for AES. Those of TLS 1.3 are all good."""


def server_context(pem: bytes, versions: TlsVersions) -> ssl.SSLContext:
    """Build a context from a key and its certificate chain, both in `pem`.

    :raises ValueError: when they cannot be used, or not together; in a few words.
    :raises OSError: when the system has no room for it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = versions.lowest, versions.highest
    context.set_ciphers(CIPHERS)
    # No tickets: their key would stay the same for as long as the device runs, against RFC 9325, 3.3; and a client
    # that hangs up before it has read one would get a reset in place of the last bytes of its answer.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    # OpenSSL reads from files alone; this one is in memory, so that a key on trial never gets to the disk.
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(pem)
        # With a password, even an empty one, OpenSSL does not ask for it on the terminal.
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password="")
    except ssl.SSLError as error:
        reason = str(error.reason or "key or certificate is damaged")
        raise ValueError(reason.replace("_", " ").lower()) from error
    finally:
        os.close(descriptor)
    return context
