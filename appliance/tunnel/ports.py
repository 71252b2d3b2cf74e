"""The tunnel's TCP ports as the settings want them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from appliance.errors import CertificateError, ListenError
from appliance.settings import InvalidSettings, SettingError, Transition
from appliance.settings import tunnel as declared
from appliance.tunnel.configuration import TunnelConfiguration
from appliance.tunnel.listener import Listener

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from appliance.settings import Setting, Settings, Values

    OnChange = Callable[[TunnelConfiguration, Listener | None, Listener | None], None]

log = logging.getLogger(__name__)


class Ports:
    """Binds a new port before the old one goes, in the thread of whoever changes the setting.

    So a port that cannot be had is an error on the form, and the old one stays in service.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        host: str,
        tls_context: Callable[[], ssl.SSLContext] | None,
        on_change: OnChange,
    ) -> None:
        """Follow `settings`; `on_change` is told what to serve from now on, by whichever thread changed it."""
        self._host = host
        self._tls_context = tls_context
        self._on_change = on_change
        self._plain: Listener | None = None
        self._secure: Listener | None = None
        self._configuration = TunnelConfiguration.of(settings.in_force)
        self._unsubscribe = settings.subscribe(self._prepare)
        self.fault: str | None = None
        """Why a port that should be served is not."""

    @property
    def plain_port(self) -> int | None:
        """The port served without TLS."""
        return self._plain.port if self._plain is not None else None

    @property
    def secure_port(self) -> int | None:
        """The port served under TLS."""
        return self._secure.port if self._secure is not None else None

    def listen(self) -> None:
        """Bind what the settings want and what is not bound yet.

        :raises ListenError: when a port cannot be had; the other one is served all the same.
        """
        errors = []
        try:
            self._plain = self._plain or self._bind_plain(self._configuration)
        except ListenError as error:
            errors.append(error)
        try:
            if self._secure is None:
                self._secure, context = self._bind_secure(self._configuration)
                if self._secure is not None:
                    self._secure.tls = context
        except ListenError as error:
            errors.append(error)
        self.fault = str(errors[0]) if errors else None
        self._on_change(self._configuration, self._plain, self._secure)
        if errors:
            raise errors[0]

    def close(self) -> None:
        """Follow the settings no longer."""
        self._unsubscribe()

    def _bind_plain(self, wanted: TunnelConfiguration) -> Listener | None:
        return self._bind(wanted.port) if wanted.is_enabled else None

    def _bind_secure(self, wanted: TunnelConfiguration) -> tuple[Listener | None, ssl.SSLContext | None]:
        """Give the port for TLS and the context that it is to use; a listener that is in service keeps its own yet."""
        if not wanted.is_enabled or not wanted.tls_port:
            return None, None
        if self._tls_context is None:
            raise ListenError(f"cannot listen on port {wanted.tls_port}: there is no certificate")
        try:
            context = self._tls_context()
        except CertificateError as error:
            raise ListenError(f"cannot listen on port {wanted.tls_port}: {error}") from error
        return self._bind(wanted.tls_port), context

    def _bind(self, port: int) -> Listener:
        """Take the port; one that we listen on already is kept, in whichever role."""
        for listener in (self._plain, self._secure):
            if listener is not None and listener.wanted == port:
                return listener
        return Listener(self._host, port)

    def _prepare(self, old: Values, new: Values) -> Transition | None:
        wanted = TunnelConfiguration.of(new)
        if wanted == TunnelConfiguration.of(old):
            return None
        before = TunnelConfiguration.of(old)
        errors = []
        fault = None
        plain = secure = context = None
        try:
            plain = self._bind_plain(wanted)
        except ListenError as error:
            fault = str(error)
            if (wanted.is_enabled, wanted.port) != (before.is_enabled, before.port):
                errors.append(_refusal(declared.PORT, wanted.port, error))
        try:
            secure, context = self._bind_secure(wanted)
        except ListenError as error:
            fault = fault or str(error)
            if (wanted.is_enabled, wanted.tls_port) != (before.is_enabled, before.tls_port):
                errors.append(_refusal(declared.TLS_PORT, wanted.tls_port, error))

        def abandon() -> None:
            for listener in (plain, secure):
                if listener is not None and listener not in (self._plain, self._secure):
                    listener.close()

        def apply() -> None:
            if plain is not None:
                plain.tls = None
            if secure is not None:
                secure.tls = context
            self._configuration, self._plain, self._secure, self.fault = wanted, plain, secure, fault
            self._on_change(wanted, plain, secure)

        if errors:
            abandon()
            raise InvalidSettings(tuple(errors))
        return Transition(apply=apply, abandon=abandon)


def _refusal(setting: Setting[int], port: int, error: ListenError) -> SettingError:
    return SettingError(setting.name, str(port), "a TCP port that no other program has", reason=str(error))
