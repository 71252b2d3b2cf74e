"""What other rooms say in English and pages translate where they show it: marked here for the catalogues."""

from appliance.web.languages import N_

TUNNEL = (N_("Disabled"), N_("Waiting"), N_("Connected"), N_("No serial line"))
"""The first words of `TunnelSnapshot.state`."""

LINE = (N_("two-wire"), N_("optical"), N_("not opened yet"))
"""Names of ports, and the fault of one that nobody has looked at."""

LED = (
    N_("normal operation"),
    N_("no fault"),
    N_("lamp test"),
    N_("link state unknown"),
    N_("connected to a live network"),
    N_("not connected to a live network"),
    N_("communication under way"),
    N_("no communication"),
    N_("short circuit or overload on the two-wire bus"),
    N_("collision or line error on the M-Bus"),
    N_("this is the device that is looked for"),
    N_("factory defaults are set, restarting"),
    N_("button held; a release changes nothing"),
    N_("no serial port is configured"),
)
"""Meanings of `appliance.panel.indications`."""

SWITCH = (("switch", "on"), ("switch", "off"))
"""How a change of a switch is told, with the context in front."""

RESTART = (
    N_("this is the first start"),
    N_("the program crashed or was killed"),
    N_("the power was cut, or the hardware watchdog reset the board"),
    N_("the program ended in order, but did not say why"),
    N_("the program hung, and systemd's watchdog ended it"),
    N_("the program did not start or stop in time, and systemd ended it"),
    N_("the memory was used up, and the kernel ended the program"),
    N_("factory defaults (dhcp) by the button"),
    N_("factory defaults (static) by the button"),
)
"""Reasons of `appliance.supervision`."""

PASSWORD = (
    N_("a new password has 8 to 128 printable characters"),
    N_("a new password is more than the same few characters again and again"),
    N_("a new password is no plain run of digits, letters or keys"),
    N_("a new password is more than the user name or the name of the product"),
    N_("this password is a common one, or a single word or name; whoever guesses begins with those"),
)
"""What `appliance.settings.password` objects to."""

NETWORK = (
    N_(
        "Speed and duplex are both fixed, so nothing is negotiated: the switch must be set to the same values, or the "
        "link will be slow and full of errors."
    ),
    N_("the lease has expired"),
    N_("the server refuses"),
)
"""Troubles of the network that have no part of their own; `trouble_words` has the others."""

WAYS_IN = (
    N_(
        "After this change the settings pages ask for HTTPS, which is not served: nobody can enter. Only the factory "
        "reset button would undo it, and it sets everything else back too."
    ),
    N_(
        "After this change nobody can enter the settings pages. Only the factory reset button would undo it, and it "
        "sets everything else back too."
    ),
    N_(
        "After this change no login that works now will work any more. Be sure that you know a new user name and its "
        "password. Only the factory reset button would undo it, and it sets everything else back too."
    ),
)
"""What `appliance.httpd.authentication.ways_in` asks to confirm."""

DIRECTIVE = (
    N_("a path that begins with /, without spaces, quotes, empty or dot segments, at most 255 characters"),
    N_("a realm has 1 to 64 ASCII characters, no quote and no backslash"),
    N_("a user name has 1 to 64 characters"),
    N_("a user name has no colon, no control characters and no space at its ends"),
    N_("a user name has no control characters"),
    N_("a password has 1 to 128 printable characters"),
    N_("users are a list of at most 32"),
    N_("directives are a list of at most 32"),
    N_("there must be a directive for /"),
)
"""What `appliance.settings.directive` and its type object to."""

HTTP_STATE = (N_("On (running)"), N_("Off"))
"""`HttpSnapshot.state` while nothing is wrong."""
