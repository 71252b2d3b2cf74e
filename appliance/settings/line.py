"""Settings of the M-Bus serial line."""

from appliance.settings.setting import Setting
from appliance.settings.types import Choice, LineUrl

BAUD_RATE = Setting(
    name="line.baud_rate",
    type=Choice((300, 2400), unit="bit/s"),
    default=2400,
    label="Baud rate",
    help="The speed of the M-Bus. All meters must be set to the same one; a change takes effect after the frame that "
    "is on the wire.",
)
TWO_WIRE = Setting(
    name="line.two_wire",
    type=LineUrl(),
    default="/dev/ttyAMA0",
    label="Two-wire line",
    help="The serial port of the level converter for the two-wire M-Bus: a device, or a URL such as "
    "socket://host:port for a port elsewhere.",
)
OPTICAL = Setting(
    name="line.optical",
    type=LineUrl(optional=True),
    default="",
    label="M-Bus IR",
    help="The serial port of the optical head at the side, for meters that are mounted next to the device. Empty where "
    "there is none.",
)
