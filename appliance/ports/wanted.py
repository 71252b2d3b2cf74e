"""What the settings want a service to listen on, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.certificate import BOTH, TlsVersions

if TYPE_CHECKING:
    from appliance.settings import Setting


@dataclass(frozen=True, slots=True)
class Wanted:
    """Two ports, one plain and one under TLS, each of which may be off (None). Port 0 is any free one."""

    plain: int | None
    secure: int | None
    plain_setting: Setting[int]
    """The one to blame when the plain port cannot be had."""
    secure_setting: Setting[int]
    versions: TlsVersions = BOTH
    makes_certificate: bool = False
    """Whether a secure port makes the device a certificate where there is none. Without it the port waits for one."""
