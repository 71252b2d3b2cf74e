"""Checks of the device itself: power, program, settings, disk, clock, certificate, password."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from appliance.web.checks.finding import Finding, Quote, Result, message
from appliance.web.languages import N_

if TYPE_CHECKING:
    from appliance.web.checks.observations import Observations

LITTLE_SPACE = 20 * 1024 * 1024
"""Bytes free on the disk below which it should be looked at; the settings need less than one megabyte."""
NO_SPACE = 1024 * 1024
"""Bytes free below which a save may fail."""
SOON = dt.timedelta(days=30)
"""How long before its end a certificate should be renewed."""
LATELY = 24 * 3600.0
"""Seconds for which a restart of a service is worth a look."""
RUNNING = ("On (running)", "Off")
"""States of the web server in which nothing is wrong."""


def power(seen: Observations) -> Finding:
    """Say what can be said: whoever reads this has power."""
    return Finding(
        "power",
        N_("Power"),
        Result.UNKNOWN,
        (
            message(
                N_("The device has been running for %(hours)d h; its supply cannot be measured from inside."),
                hours=seen.uptime // 3600,
            ),
        ),
        (message(N_("All LEDs off: look at the power supply, its fuse and the terminals. PWR must be lit.")),),
    )


def web_server(seen: Observations) -> Finding:
    """Judge whether these pages are served as configured."""
    name, title = "web_server", N_("Web server")
    if seen.http is None:
        return Finding(name, title, Result.UNKNOWN, (message(N_("Something else serves these pages.")),))
    if seen.http.state in RUNNING:
        ports = ", ".join(str(port) for port in (seen.http.http_port, seen.http.https_port) if port is not None)
        return Finding(name, title, Result.GOOD, (message(N_("It runs on port %(ports)s."), ports=ports),))
    return Finding(
        name,
        title,
        Result.ATTENTION,
        (message(N_("%(trouble)s."), trouble=Quote(seen.http.state)),),
        (message(N_("Compare the ports under HTTP > Configuration with what else uses them.")),),
    )


def program(seen: Observations) -> Finding:
    """Judge services that fail, and a run before that did."""
    name, title = "program", N_("Program")
    dead = [ward for ward in seen.services if not ward.is_alive]
    now = seen.now.timestamp()
    recent = [
        ward
        for ward in seen.services
        if ward.is_alive and ward.restarts and ward.trouble_at is not None and now - ward.trouble_at < LATELY
    ]
    evidence = [
        message(
            N_("Service %(service)s does not run: %(trouble)s."), service=ward.name, trouble=Quote(ward.trouble or "?")
        )
        for ward in dead
    ]
    evidence += [
        message(
            N_("Service %(service)s was restarted %(count)d times, last because it %(trouble)s."),
            service=ward.name,
            count=ward.restarts,
            trouble=Quote(ward.trouble or "?"),
        )
        for ward in recent
    ]
    last = seen.last_restart
    has_failed = last is not None and last.kind.is_failure
    if last is not None and has_failed:
        evidence.append(message(N_("Last restart: %(reason)s."), reason=Quote(last.why)))
    if not evidence:
        return Finding(name, title, Result.GOOD, (message(N_("All services run, without a restart.")),))
    advice = (
        message(N_("The device has restarted what failed by itself. Download the log before it is gone.")),
        message(N_("Does it happen again, send the log to whoever maintains the firmware.")),
    )
    return Finding(name, title, Result.BAD if dead else Result.ATTENTION, tuple(evidence), advice)


def settings(seen: Observations) -> Finding:
    """Judge the settings file, and whether a restart would lose something."""
    name, title = "settings", N_("Settings")
    if seen.settings_problems:
        return Finding(
            name,
            title,
            Result.BAD,
            tuple(message(N_("%(trouble)s."), trouble=Quote(text)) for text in seen.settings_problems),
            (
                message(N_("Compare every setting with what it should be, correct it, and save.")),
                message(N_("Or import a configuration that was exported before.")),
            ),
        )
    if not seen.is_saved:
        evidence = message(N_("There are changes that a restart would lose."))
        return Finding(
            name,
            title,
            Result.ATTENTION,
            (evidence,),
            (message(N_("Submit the pages again, or save on the console.")),),
        )
    return Finding(name, title, Result.GOOD, (message(N_("They are saved, and the file is whole.")),))


def storage(seen: Observations) -> Finding:
    """Judge whether a change could be saved."""
    name, title = "storage", N_("Memory card")
    disk = seen.disk
    if disk is None:
        return Finding(name, title, Result.UNKNOWN, (message(N_("It could not be looked at.")),))
    if not disk.is_writable:
        return Finding(
            name,
            title,
            Result.BAD,
            (message(N_("Nothing can be written, so no change of settings can be saved.")),),
            (message(N_("Reboot the device. If that does not help, replace the memory card.")),),
        )
    if disk.free_bytes is None:
        return Finding(name, title, Result.GOOD, (message(N_("It can be written.")),))
    evidence = message(N_("It can be written; %(megabytes)d MB are free."), megabytes=disk.free_bytes // 1_000_000)
    if disk.free_bytes >= LITTLE_SPACE:
        return Finding(name, title, Result.GOOD, (evidence,))
    advice = message(N_("Remove files that do not belong to the device, or replace the memory card by a larger one."))
    return Finding(name, title, Result.BAD if disk.free_bytes < NO_SPACE else Result.ATTENTION, (evidence,), (advice,))


def clock(seen: Observations) -> Finding:
    """Judge the clock: it cannot be earlier than the firmware."""
    name, title = "clock", N_("Clock")
    evidence = message(N_("It is %(time)s UTC."), time=seen.now.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M"))
    if seen.build_date is None or seen.now.date() >= seen.build_date:
        return Finding(name, title, Result.GOOD, (evidence,))
    return Finding(
        name,
        title,
        Result.ATTENTION,
        (evidence, message(N_("That is before the firmware was built, %(date)s."), date=seen.build_date.isoformat())),
        (
            message(
                N_("Times in the log are wrong, and certificates may count as not yet valid. Meters are read as ever.")
            ),
            message(N_("The device takes the time from the network: look whether a time server can be reached.")),
        ),
    )


def certificate(seen: Observations) -> Finding:
    """Judge the TLS certificate."""
    name, title = "certificate", N_("Certificate")
    renew = message(N_("Make or install a new one under HTTP > Certificate."))
    if seen.certificate_problem:
        evidence = message(N_("%(trouble)s."), trouble=Quote(seen.certificate_problem))
        return Finding(name, title, Result.ATTENTION, (evidence,), (renew,))
    facts = seen.certificate
    if facts is None:
        return Finding(name, title, Result.GOOD, (message(N_("There is none; HTTPS is not served.")),))
    end = facts.not_after.strftime("%Y-%m-%d")
    if seen.now >= facts.not_after:
        return Finding(name, title, Result.BAD, (message(N_("It has expired on %(date)s."), date=end),), (renew,))
    if seen.now < facts.not_before:
        return Finding(
            name,
            title,
            Result.ATTENTION,
            (message(N_("It is valid only from %(date)s on."), date=facts.not_before.strftime("%Y-%m-%d")),),
            (message(N_("Look at the clock of the device first.")), renew),
        )
    evidence = message(N_("It is valid until %(date)s."), date=end)
    if facts.not_after - seen.now < SOON:
        return Finding(name, title, Result.ATTENTION, (evidence,), (renew,))
    return Finding(name, title, Result.GOOD, (evidence,))


def password(seen: Observations) -> Finding:
    """Judge whether everybody knows the password."""
    name, title = "password", N_("Password")
    if seen.has_factory_password:
        evidence = message(N_("The factory password is still in use: whoever finds this device can change it."))
        return Finding(name, title, Result.ATTENTION, (evidence,), (message(N_("Set a new password.")),))
    return Finding(name, title, Result.GOOD, (message(N_("The factory password is no longer in use.")),))


def other_faults(seen: Observations) -> Finding:
    """Pass on faults that no other check has told."""
    name, title = "faults", N_("Other faults of the device")
    told = {*seen.settings_problems, seen.certificate_problem}
    faults = [fault for fault in seen.faults if fault not in told]
    faults += seen.panel.faults if seen.panel is not None else ()
    if not faults:
        return Finding(name, title, Result.GOOD, (message(N_("None is known.")),))
    return Finding(
        name,
        title,
        Result.ATTENTION,
        tuple(message(N_("%(trouble)s."), trouble=Quote(text.rstrip("."))) for text in dict.fromkeys(faults)),
        (message(N_("Reboot the device. Does the fault come back, send the log to whoever maintains the firmware.")),),
    )
