"""Talking with a hawkBit server (its Direct Device Integration API, version 1): one exchange per call."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from appliance.errors import ActionGone, NotServed, UpdateError, UpdateRefused
from appliance.update.deployment import STRANGE, Deployment, Poll, deployment_of, poll_of, stopped_action
from appliance.update.fetching import Download, origin
from appliance.update.shelf import CUT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appliance.update.deployment import Artifact
    from appliance.update.shelf import Readable

LARGEST = 256 * 1024
"""Bytes of an answer."""
LONGEST = 30.0
"""Seconds for one exchange."""
SILENCE = 10.0
"""Seconds that the server may take to be reached, or say nothing."""
DETAIL = 500
"""Characters of a message to the server, which takes 512."""

_JSON = "application/json"
_DENIED = (401, 403)
_GONE = (404, 410)


class DdiServer:
    """A hawkBit server, as one device sees it. Every call blocks, for `LONGEST` at most.

    Redirections are not followed: the token goes to the server that was set, and to no other.
    """

    def __init__(
        self,
        url: str,
        tenant: str,
        device: str,
        token: str,
        *,
        on_begin: Callable[[Download], None],
        on_progress: Callable[[], None],
    ) -> None:
        """Prepare; nobody is asked yet.

        :param on_begin: told of each exchange before it begins, see `Download`.
        :param on_progress: called between the steps; what it raises ends them.
        :raises UpdateError: when the token cannot be sent in a header (RFC 9110 section 5.5).
        """
        if not token.isascii() or not token.isprintable():
            raise UpdateError("The token of the hawkBit server has characters that cannot be sent.")
        self.base = f"{url.rstrip('/')}/{quote(tenant, safe='')}/controller/v1/{quote(device, safe='')}"
        self.on_begin, self.on_progress = on_begin, on_progress
        self._host = urlsplit(url).hostname or ""
        self._token = {"Authorization": f"TargetToken {token}"}

    def poll(self) -> Poll:
        """Ask what there is to do."""
        return poll_of(self._exchange(""), base=self.base)

    def describe(self, attributes: Mapping[str, str]) -> None:
        """Tell what this device is."""
        self._exchange("/configData", "PUT", {"mode": "merge", "data": dict(attributes)})

    def deployment(self, action: str) -> Deployment:
        """Ask for the update with this number.

        :raises ActionGone: when there is none.
        """
        deployment = deployment_of(self._exchange(f"/deploymentBase/{action}"))
        if deployment.action != action:
            raise UpdateError(STRANGE)
        return deployment

    def stopped(self, cancellation: str) -> str:
        """Ask which update is to be cancelled.

        :raises ActionGone: when none is.
        """
        return stopped_action(self._exchange(f"/cancelAction/{cancellation}"))

    def report(self, action: str, execution: str, finished: str, detail: str) -> None:
        """Tell how far an update is.

        :param execution: `proceeding`, `downloaded` or `closed`.
        :param finished: `none`, `success` or `failure`.
        :raises ActionGone: when the server does not want to know any more.
        """
        self._feedback("deploymentBase", action, execution, finished, detail)

    def answer_cancellation(self, cancellation: str, *, is_done: bool, detail: str) -> None:
        """Tell that an update was given up, or that it will not be."""
        execution, finished = ("closed", "success") if is_done else ("rejected", "none")
        self._feedback("cancelAction", cancellation, execution, finished, detail)

    def open(self, artifact: Artifact) -> Download:
        """Ask for a file; the token is sent with it if it is on this very server."""
        headers = self._token if origin(artifact.url) == origin(self.base) else {}
        return Download(artifact.url, headers=headers, on_begin=self.on_begin, on_progress=self.on_progress)

    def _feedback(self, kind: str, action: str, execution: str, finished: str, detail: str) -> None:
        # Without a time: the server takes its own, and the clock of the device may be wrong.
        status = {"execution": execution, "result": {"finished": finished}, "details": [detail[:DETAIL]]}
        self._exchange(f"/{kind}/{action}/feedback", "POST", {"id": action, "status": status})

    def _exchange(self, path: str, method: str = "GET", content: Any = None) -> bytes:
        headers = {**self._token, "Accept": f"{_JSON}, application/hal+json"}
        body = None
        if content is not None:
            body = json.dumps(content).encode()
            headers["Content-Type"] = _JSON
        try:
            with Download(
                self.base + path,
                silence=SILENCE,
                longest=LONGEST,
                method=method,
                body=body,
                headers=headers,
                redirects=0,
                on_begin=self.on_begin,
                on_progress=self.on_progress,
            ) as answer:
                data = b""
                while piece := answer.read():
                    data += piece
                    if len(data) > LARGEST:
                        raise UpdateError(f"The answer of the hawkBit server is larger than {LARGEST // 1024} kB.")
                return data
        except NotServed as error:
            if error.status in _DENIED:
                raise UpdateError(
                    f"{self._host} does not let this device in (it answers {error.status}): "
                    "are tenant, device id and token right?"
                ) from error
            text = f"{self._host} answers {error.status}."
            raise (ActionGone if path and error.status in _GONE else UpdateError)(text) from error


class Verified:
    """A stream that must be the file which the server described."""

    def __init__(self, stream: Readable, artifact: Artifact) -> None:
        """Read `stream`."""
        self._stream = stream
        self._artifact = artifact
        self._hash = hashlib.sha256()
        self._left = artifact.size

    def read(self, size: int, /) -> bytes:
        """Give the next bytes; nothing at the end.

        :raises UpdateRefused: when it is another file.
        :raises UpdateError: when it breaks off.
        """
        data = self._stream.read(size)
        self._left -= len(data)
        self._hash.update(data)
        if not data and self._left > 0:
            raise UpdateError(CUT)
        if self._left < 0 or (not data and self._hash.hexdigest() != self._artifact.sha256):
            raise UpdateRefused("The file is not the one that the hawkBit server described: size or hash differ.")
        return data
