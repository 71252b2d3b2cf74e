"""How large a request may be."""

from __future__ import annotations

from appliance.httpd.refusal import Refusal


class Budget:
    """Bytes that may still come for one request."""

    def __init__(self, size: int) -> None:
        """Allow `size` bytes."""
        self.left = size

    def spend(self, size: int) -> None:
        """Note that `size` bytes have come.

        :raises Refusal: with 413 when there are too many.
        """
        self.left -= size
        self.check(0)

    def check(self, size: int) -> None:
        """See whether `size` bytes more may come.

        :raises Refusal: with 413 when not.
        """
        if size > self.left:
            raise Refusal(413, "The request is too large.")
