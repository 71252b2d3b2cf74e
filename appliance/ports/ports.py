"""The TCP ports of a service as the settings want them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from appliance.errors import CertificateError, ListenError
from appliance.ports.listener import ORDINARY, Listener, SocketOptions
from appliance.settings import InvalidSettings, SettingError, Transition

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from appliance.certificate import Certificate
    from appliance.ports.wanted import Wanted
    from appliance.settings import Setting, Settings, Values

    OnChange = Callable[[Listener | None, Listener | None], None]


class _Plan(NamedTuple):
    """What could be had of what is wanted. A listener that is in service keeps its own context yet."""

    plain: Listener | None
    secure: Listener | None
    context: ssl.SSLContext | None
    plain_error: ListenError | None
    secure_error: ListenError | None
    lacks_certificate: bool
    """Whether the secure port is missing for want of a usable certificate alone."""
    certificate_mark: object
    """Of the certificate that the context shows."""


class Ports:
    """Binds a new port before the old one goes, in the thread of whoever changes the setting.

    So a port that cannot be had is an error on the form, and the old one stays in service. A new certificate is shown
    to clients that come from then on; the listening socket stays.

    Settings, the certificate and a service that tries again change the ports, each in a thread of its own. One of them
    does it at a time; another leaves a note and goes on, and whoever is at it follows the note up. So nobody waits
    here for a thread that waits for him. A change of settings that is prepared and not yet decided counts as being at
    it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        wants: Callable[[Values], Wanted],
        host: str,
        certificate: Certificate | None,
        on_change: OnChange,
        options: SocketOptions = ORDINARY,
    ) -> None:
        """Follow `settings`, from `listen` on also `certificate`, without which there is no secure port.

        :param wants: reads from the settings what to listen on.
        :param host: the address to listen on; empty is every one.
        :param on_change: told what to serve from now on, by whichever thread changed it; the plain port and the secure
            one, None where there is none. It closes the listeners that it was given before and does not get again.
        """
        self._wants = wants
        self._host = host
        self._certificate = certificate
        self._on_change = on_change
        self._options = options
        self._plain: Listener | None = None
        self._secure: Listener | None = None
        self._lock = threading.Lock()
        self._is_undecided = False
        self._must_look = False
        self._newest_mark = self._shown_mark = object()
        """One for each certificate that there was: the last one, and the one that the secure port shows."""
        self._is_closed = False
        self._unsubscribe_certificate: Callable[[], None] | None = None
        self.fault: str | None = None
        """Why a port that should be served is not."""
        with self._lock:  # a change that comes between the two waits
            self._unsubscribe = settings.subscribe(self._prepare)
            self._wanted = wants(settings.in_force)

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
        if self._certificate is not None and self._unsubscribe_certificate is None:
            self._unsubscribe_certificate = self._certificate.subscribe(self._follow_certificate)
        self._must_look = True
        self._follow_up()
        if self.fault is not None:
            raise ListenError(self.fault)

    def close(self) -> None:
        """Follow settings and certificate no longer. What is served stays, with whoever was told of it."""
        self._is_closed = True
        self._unsubscribe()
        if self._unsubscribe_certificate is not None:
            self._unsubscribe_certificate()

    def _follow_certificate(self) -> None:
        self._newest_mark = object()
        self._must_look = True
        self._follow_up()

    def _follow_up(self) -> None:
        while self._must_look and self._lock.acquire(blocking=False):
            try:
                if self._is_undecided:
                    return  # the decision comes back here
                self._must_look = False
                self._put_to_use(self._wanted, self._plan(self._wanted))
            finally:
                self._lock.release()

    def _prepare(self, old: Values, new: Values) -> Transition | None:
        wanted, before = self._wants(new), self._wants(old)
        if wanted == before:
            return None
        with self._lock:
            plan = self._plan(wanted)
            errors = []
            if plan.plain_error is not None and wanted.plain != before.plain:
                errors.append(_refusal(wanted.plain_setting, wanted.plain, plan.plain_error))
            # Without a certificate the pages must be reachable all the more: they are where one is installed.
            is_pardoned = plan.lacks_certificate and not wanted.makes_certificate
            if plan.secure_error is not None and wanted.secure != before.secure and not is_pardoned:
                errors.append(_refusal(wanted.secure_setting, wanted.secure, plan.secure_error))
            self._is_undecided = not errors
            if errors:
                self._discard(plan)

        def abandon() -> None:
            with self._lock:
                self._is_undecided = False
                self._discard(plan)
            self._follow_up()

        def apply() -> None:
            try:
                with self._lock:
                    self._is_undecided = False
                    self._put_to_use(wanted, plan)
            finally:
                self._follow_up()

        if errors:
            self._follow_up()
            raise InvalidSettings(tuple(errors))
        return Transition(apply=apply, abandon=abandon)

    def _plan(self, wanted: Wanted) -> _Plan:
        """Get ready what is wanted, as far as it can be had; nothing that is in service changes."""
        plain = secure = context = plain_error = secure_error = None
        lacks_certificate = False
        mark = self._newest_mark  # taken before the certificate is read: one that comes meanwhile counts as new
        try:
            if wanted.plain is not None:
                plain = self._bind(wanted.plain, self._plain, self._secure)
        except ListenError as error:
            plain_error = error
        try:
            if wanted.secure is not None and self._may_be_secure(wanted):
                context = self._context(wanted)
                secure = self._bind(wanted.secure, self._secure, self._plain)
        except ListenError as error:
            secure_error = error
        except CertificateError as error:
            lacks_certificate = True
            secure_error = ListenError(f"cannot listen on port {wanted.secure}: {error}")
            if self._secure is not None and self._is_as_served(wanted):
                secure, context, mark = self._secure, self._secure.tls, self._shown_mark
        return _Plan(plain, secure, context, plain_error, secure_error, lacks_certificate, mark)

    def _may_be_secure(self, wanted: Wanted) -> bool:
        return wanted.makes_certificate or (self._certificate is not None and self._certificate.exists)

    def _is_as_served(self, wanted: Wanted) -> bool:
        return (wanted.secure, wanted.versions) == (self._wanted.secure, self._wanted.versions)

    def _context(self, wanted: Wanted) -> ssl.SSLContext:
        if self._certificate is None:
            raise CertificateError("there is no certificate")
        in_service = self._secure.tls if self._secure is not None else None
        is_current = self._shown_mark is self._newest_mark and wanted.versions == self._wanted.versions
        if in_service is not None and is_current:
            return in_service
        return self._certificate.context(wanted.versions, makes_one=wanted.makes_certificate)

    def _bind(self, port: int, own: Listener | None, other: Listener | None) -> Listener:
        """Take the port; one that we listen on already is kept, in whichever role."""
        if own is not None and own.wanted == port:
            return own
        if other is not None and other.wanted == port != 0:
            return other
        return Listener(self._host, port, options=self._options)

    def _put_to_use(self, wanted: Wanted, plan: _Plan) -> None:
        if self._is_closed:
            self._discard(plan)
            return
        if plan.plain is not None:
            plan.plain.tls = None
        if plan.secure is not None:
            plan.secure.tls = plan.context
        error = plan.plain_error or plan.secure_error
        self.fault = str(error) if error is not None else None
        before = self._plain, self._secure
        self._wanted, self._plain, self._secure = wanted, plan.plain, plan.secure
        self._shown_mark = plan.certificate_mark
        if (plan.plain, plan.secure) != before:
            self._on_change(plan.plain, plan.secure)

    def _discard(self, plan: _Plan) -> None:
        for listener in (plan.plain, plan.secure):
            if listener is not None and listener not in (self._plain, self._secure):
                listener.close()


def _refusal(setting: Setting[int], port: int | None, error: ListenError) -> SettingError:
    return SettingError(setting.name, str(port), "a TCP port that no other program has", reason=str(error))
