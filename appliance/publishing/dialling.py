"""A connection to the broker, TCP and TLS, made step by step so that nothing ever waits for the other side."""

from __future__ import annotations

import errno
import os
import select
import socket
from typing import TYPE_CHECKING

from appliance.errors import BrokerError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from appliance.publishing.broker import Broker
    from appliance.publishing.resolver import Address

CONNECTING = 5.0
"""Seconds for each of: the TCP connection to one address, the TLS handshake."""


class Dialling:
    """One attempt to reach a broker; `turn` is due when what `waits_for` names has come or `ends_at` is past."""

    def __init__(
        self,
        broker: Broker,
        addresses: tuple[Address, ...],
        *,
        clock: Callable[[], float],
        patience: float = CONNECTING,
    ) -> None:
        """Begin with the first of the addresses.

        :raises BrokerError: when the authorities' certificates cannot be used, or no address can be tried.
        """
        self._broker = broker
        self._clock = clock
        self._patience = patience
        self._rest = list(addresses)
        self._socket: socket.socket | None = None
        self._shaking: ssl.SSLSocket | None = None
        self._events = 0
        self.ends_at = clock() + patience
        self._context = _context(broker) if broker.is_secure else None
        self._next("the broker has no address")

    @property
    def waits_for(self) -> tuple[int, int]:
        """Descriptor and poll events."""
        sock = self._shaking or self._socket
        assert sock is not None  # noqa: S101 (closed, or handed over)
        return sock.fileno(), self._events

    def turn(self) -> socket.socket | None:
        """Do what can be done now; give the socket when it is ready for use, which then belongs to the caller.

        :raises BrokerError: when the broker cannot be reached; all is closed then.
        """
        try:
            return self._turn()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give up."""
        for sock in (self._shaking, self._socket):
            if sock is not None:
                sock.close()
        self._shaking = self._socket = None

    def _turn(self) -> socket.socket | None:
        if self._shaking is not None:
            return self._shake()
        sock = self._socket
        assert sock is not None  # noqa: S101 (as above)
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        if not poll.poll(0):
            if self._clock() >= self.ends_at:
                self._next("the broker does not answer (TCP)")
            return None
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._next(_words(code))
            return None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context is None:
            self._socket = None
            return sock
        self._socket = None
        self._shaking = self._context.wrap_socket(
            sock, server_hostname=self._broker.host.rstrip("."), do_handshake_on_connect=False
        )
        self.ends_at = self._clock() + self._patience
        return self._shake()

    def _shake(self) -> socket.socket | None:
        import ssl

        shaking = self._shaking
        assert shaking is not None  # noqa: S101 (as above)
        try:
            shaking.do_handshake()
        except ssl.SSLWantReadError:
            self._events = select.POLLIN
        except ssl.SSLWantWriteError:
            self._events = select.POLLOUT
        except ssl.SSLCertVerificationError as error:
            raise BrokerError(f"the broker's certificate is refused: {error.verify_message.rstrip('.')}") from error
        except ssl.SSLError as error:
            reason = (error.reason or "no TLS there").replace("_", " ").lower()
            raise BrokerError(f"TLS with the broker fails: {reason}") from error
        except OSError as error:
            raise BrokerError("the broker closes the connection during the TLS handshake") from error
        else:
            self._shaking = None
            return shaking
        if self._clock() >= self.ends_at:
            raise BrokerError("the broker does not answer (TLS)")
        return None

    def _next(self, failure: str) -> None:
        """Try the next address, or fail for the reason why the last one failed."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        while self._rest:
            family, address = self._rest.pop(0)
            try:
                sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            except OSError as error:
                failure = _words(error.errno)
                continue
            code = sock.connect_ex(address)
            if code in (0, errno.EINPROGRESS):
                self._socket, self._events = sock, select.POLLOUT
                self.ends_at = self._clock() + self._patience
                return
            sock.close()
            failure = _words(code)
        raise BrokerError(failure)


def _context(broker: Broker) -> ssl.SSLContext:
    # Not loaded by a device that publishes without TLS.
    import ssl

    try:
        context = ssl.create_default_context(cadata=broker.authorities or None)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise BrokerError("the CA certificate cannot be used") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not broker.verifies:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


_REASONS = {
    errno.ECONNREFUSED: "nobody answers on the broker's port",
    errno.ETIMEDOUT: "the broker does not answer (TCP)",
    errno.EHOSTUNREACH: "the broker's host cannot be reached",
    errno.ENETUNREACH: "there is no way to the broker's network",
}


def _words(code: int | None) -> str:
    known = _REASONS.get(code or 0)
    return known or f"the broker cannot be reached: {os.strerror(code or 0)}"
