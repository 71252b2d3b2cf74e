"""Settings of the Ethernet link."""

from enum import StrEnum

from appliance.settings.setting import Setting
from appliance.settings.types import Choice


class Speed(StrEnum):
    """The speed of the link in Mbit/s, or what both ends agree on."""

    AUTO = "auto"
    TEN = "10"
    HUNDRED = "100"


class Duplex(StrEnum):
    """Whether both ends send at once, or in turn, or what they agree on."""

    AUTO = "auto"
    HALF = "half"
    FULL = "full"


SPEED = Setting(
    name="link.speed",
    type=Choice(Speed),
    default=Speed.AUTO,
    label="Speed",
    help="Auto agrees with the switch on the best that both can do. With speed and duplex both fixed nothing is "
    "agreed: set the switch to the same values.",
)
DUPLEX = Setting(
    name="link.duplex",
    type=Choice(Duplex),
    default=Duplex.AUTO,
    label="Duplex",
    help="Auto agrees with the switch. A switch that is set otherwise leads to a slow link with many errors.",
)
