"""What the room of the updates says, in the visitor's language; what is not known here stays as it is."""

from __future__ import annotations

import re

from appliance.web.languages import N_, _

_SENTENCES = frozenset(
    (
        N_("This device has no slots for firmware: it is simulated, or does not run from an image."),
        N_("It is not known yet whether this device can be updated; try again in a few seconds."),
        N_("The firmware that runs is on trial: nothing can be installed before it has proven itself."),
        N_("Another file is being received."),
        N_("Another file is being checked."),
        N_("An update is being installed."),
        N_("An update was installed; the device is about to reboot."),
        N_("No index is set."),
        N_("The device failed at this file; its log says more."),
        N_("The boot loader does not start the new firmware."),
        N_("RAUC does not know which slot runs."),
        N_("RAUC, which installs firmware, does not answer."),
        N_("RAUC does not say what is in the firmware."),
        N_("The connection to RAUC was lost: what became of the installation is not known."),
        N_("Installing"),
        N_("Determining slot states"),
        N_("Checking bundle"),
        N_("Verifying signature"),
        N_("Determining target install group"),
        N_("Updating slots"),
        N_("This device cannot check firmware while it installs it: its kernel lacks what that needs."),
        N_("This device cannot install firmware right from a web server: its kernel lacks nbd."),
        N_("The firmware could not be read to its end from its server, or it is damaged."),
        N_("nothing"),
        N_("nothing that is known"),
        N_("an unfinished installation"),
        N_("The firmware is not signed."),
        N_("The file is not whole: its end is missing. Transfer it again."),
        N_("The file is not firmware for this device: it has another form."),
        N_("The file is empty."),
        N_("The firmware is signed by somebody whom this device does not trust."),
        N_("The certificate of whoever signed the firmware had run out."),
        N_("The certificate of whoever signed the firmware is not valid yet; is the clock of this device right?"),
        N_("The certificate with which the firmware is signed is not one for firmware."),
        N_("The certificate with which the firmware is signed was revoked."),
        N_("The firmware was changed after it had been signed, or damaged on its way."),
        N_("The firmware is for another kind of device."),
        N_('The firmware is in the old form "plain", which this device does not take.'),
        N_("The firmware is encrypted, which this device does not take."),
        N_("The firmware is older than the oldest to which this device can go back."),
        N_("The firmware is signed, but its description of itself is wrong."),
        N_("The firmware is larger than the place for it."),
        N_("The firmware is damaged: a part of it does not match its signature."),
        N_("The firmware could not be written: the memory card may be failing."),
        N_("Another update is being installed."),
        N_("This device has no certificate to check firmware with."),
        N_("The firmware could not be used."),
        N_("No firmware is ready to be installed."),
        N_("The download was ended."),
        N_('The index is not one: it has to be JSON with a list "releases".'),
        N_("The connection was lost before the whole file was here."),
        N_("There is not enough room on the device for this file."),
        N_("The hawkBit server is asked soon."),
        N_("For hawkBit an address, a token and a device id are needed; something of it is missing."),
        N_("The hawkBit server has assigned nothing new."),
        N_("An update that hawkBit assigned is being fetched."),
        N_("An update that hawkBit assigned is being installed."),
        N_("An update is assigned; hawkBit says when it begins."),
        N_("An update is assigned; hawkBit waits for its maintenance window."),
        N_("An update is assigned; it waits until the firmware that runs has proven itself."),
        N_("An update is assigned; it waits until other firmware on the device is installed or discarded."),
        N_("Firmware that hawkBit assigned is on the device; it is installed when somebody says so."),
        N_("The download was ended by somebody at the device."),
        N_("The firmware was discarded by somebody at the device."),
        N_("The installation was cut off by a restart of the device."),
        N_("The hawkBit server does not answer as one does."),
        N_("The token of the hawkBit server has characters that cannot be sent."),
        N_("The hawkBit server does not tell the size of the file."),
        N_("The hawkBit server does not tell the SHA-256 hash of the file."),
        N_("The hawkBit server does not tell where the file is."),
        N_("The file is not the one that the hawkBit server described: size or hash differ."),
        N_("Another bundle is ready to be installed."),
        N_("it does not answer in time"),
        N_("it does not answer as a web server does"),
    )
)
"""Those without a part of their own."""

_WITH_PARTS = (
    N_("The system bus does not answer: %(reason)s."),
    N_("The state of the slots cannot be read: %(reason)s."),
    N_("The slot to be started cannot be read: %(reason)s."),
    N_("The boot loader could not be told: %(reason)s."),
    N_("RAUC does not say what it is doing: %(reason)s."),
    N_("The connection to RAUC was lost: %(reason)s."),
    N_("RAUC, which installs firmware, is not there: %(reason)s."),
    N_("RAUC does not say what is in the firmware: %(reason)s."),
    N_("The file cannot be read: %(reason)s."),
    N_("The new firmware starts with the next reboot, which could not be made: %(reason)s."),
    N_("Version %(version)s was installed in place of %(wanted)s: it is not used."),
    N_("Version %(version)s is ready to be installed, not %(wanted)s."),
    N_("Version %(version)s could not be installed. %(reason)s"),
    N_("An update could not be installed. %(reason)s"),
    N_("Version %(version)s did not come up. The device runs %(former)s again."),
    N_("Version %(version)s did not come up (three tries). The device runs %(former)s again."),
    N_("Version %(version)s was installed in place of %(former)s."),
    N_("The last update that hawkBit assigned was not installed. %(reason)s"),
    N_("The assigned software must have one file %(name)s, and it has %(count)s."),
    N_("The answer of the hawkBit server is larger than %(size)s kB."),
    N_("%(host)s does not let this device in (it answers %(status)s): are tenant, device id and token right?"),
    N_("%(host)s answers %(status)s."),
    N_("Version %(version)s is older than the one that runs, and hawkBit does not force it."),
    N_("The device runs %(version)s again."),
    N_("Checking slot %(slot)s"),
    N_("Copying image to %(slot)s"),
    N_("%(step)s done."),
    N_("The firmware could not be used: %(reason)s."),
    N_("The file must be called %(name)s, not %(other)s."),
    N_("The firmware is for %(compatible)s; this device is %(own)s."),
    N_("The version of the firmware cannot be compared: %(reason)s."),
    N_("%(version)s is not a version such as 1.2.0"),
    N_("Version %(version)s is older than %(floor)s, the oldest to which this device can go back."),
    N_("Version %(version)s is older than the one that runs: that has to be confirmed."),
    N_("An address is needed, such as %(example)s."),
    N_("%(address)s is not an address that can be fetched."),
    N_("%(address)s is not an address that can be fetched (%(reason)s)."),
    N_("%(host)s leads on to a server without TLS: that is not followed."),
    N_("%(host)s leads on and on, more than %(count)s times."),
    N_("%(host)s does not have the file: it answers %(status)s."),
    N_("%(host)s cannot be reached: %(reason)s."),
    N_("%(host)s broke off: %(reason)s."),
    N_("its certificate is not trusted (%(reason)s)"),
    N_("The index is larger than %(size)s kB."),
    N_("The file is larger than firmware can be (%(size)s MB)."),
    N_("The file could not be stored: %(reason)s."),
)
"""Those with one; the same in the room that says them."""

_PART = re.compile(r"%\((\w+)\)s")


def _pattern(text: str) -> re.Pattern[str]:
    """Make what takes a sentence apart, of the text that a catalogue has for it."""
    pieces = _PART.split(text)
    pattern = "".join(f"(?P<{piece}>.+)" if place % 2 else re.escape(piece) for place, piece in enumerate(pieces))
    return re.compile(pattern, re.DOTALL)


_PATTERNS = tuple((_pattern(text), text) for text in sorted(_WITH_PARTS, key=lambda text: -len(_PART.sub("", text))))


def update_text(text: str) -> str:
    """Translate a sentence of `UpdateSnapshot` or of an `UpdateError`."""
    if text in _SENTENCES:
        return _(text)
    for pattern, sentence in _PATTERNS:
        if parts := pattern.fullmatch(text):
            return _(sentence) % {name: update_text(part) for name, part in parts.groupdict().items()}
    return text
