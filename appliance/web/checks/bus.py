"""Checks of the M-Bus itself: what ERR shows, and the serial ports behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.web.checks.finding import Finding, Quote, Result, message
from appliance.web.languages import N_

if TYPE_CHECKING:
    from appliance.web.checks.observations import Observations

MANY_ERRORS = 0.02
"""Errors for each byte received above which the line is bad, and not merely noisy now and then."""


def short_circuit(seen: Observations) -> Finding:
    """Judge the two-wire bus by the input from the level converter (device.md 1: 24 to 30 V, 8 unit loads)."""
    name, title = "short_circuit", N_("Two-wire bus: voltage and short circuit")
    panel = seen.panel
    if panel is None:
        return Finding(
            name,
            title,
            Result.UNKNOWN,
            (message(N_("This device has no input for it.")),),
            (message(N_("Measure the voltage of the bus: 24 to 30 V is healthy.")),),
        )
    if panel.has_short_circuit:
        return Finding(
            name,
            title,
            Result.BAD,
            (message(N_("The bus is short-circuited or overloaded; ERR is lit.")),),
            (
                message(
                    N_("Take the two wires off the terminals. Does ERR go out, the fault is in the cable or a meter.")
                ),
                message(N_("Connect one branch after the other until ERR is lit again; the last one has the fault.")),
                message(N_("Count the meters: 8 unit loads (12 mA) are the most, on at most 1000 m of cable.")),
                message(N_("ERR stays lit with no wires connected: the device itself needs repair.")),
            ),
        )
    if not panel.is_bus_powered:
        return Finding(
            name,
            title,
            Result.BAD,
            (message(N_("The device has switched off the power of the bus.")),),
            (message(N_("Reboot the device. If that does not help, look for faults of the device below.")),),
        )
    return Finding(name, title, Result.GOOD, (message(N_("The bus is powered, and there is no short circuit.")),))


def serial_ports(seen: Observations) -> Finding:
    """Judge whether every configured port is there."""
    name, title = "serial_ports", N_("Serial ports of the M-Bus")
    ports = [port for port in seen.line.branches if port.url]
    if not ports:
        return Finding(
            name,
            title,
            Result.BAD,
            (message(N_("no serial port is configured")),),
            (message(N_("Enter the serial port under M-Bus Serial > Configuration.")),),
        )
    evidence = tuple(
        message(N_("%(port)s: %(fault)s"), port=Quote(port.name), fault=Quote(port.fault))
        if port.fault
        else message(N_("%(port)s: in use (%(url)s)"), port=Quote(port.name), url=port.url)
        for port in ports
    )
    if all(port.fault is None for port in ports):
        return Finding(name, title, Result.GOOD, evidence)
    return Finding(
        name,
        title,
        # A port that works serves its meters, whatever has become of the other.
        Result.ATTENTION if seen.line.is_up else Result.BAD,
        evidence,
        (
            message(N_("Look whether the adapter or level converter is plugged in; the device takes it by itself.")),
            message(N_("Compare the name of the port under M-Bus Serial > Configuration.")),
        ),
    )


def line_errors(seen: Observations) -> Finding:
    """Judge what the ports have counted lately: a wrong baud rate and a collision both garble bytes."""
    name, title = "line_errors", N_("Errors on the line")
    lately, minutes = seen.lately, _minutes(seen.lately_seconds)
    if lately.errors is None:
        return Finding(name, title, Result.UNKNOWN, (message(N_("The serial port does not count errors.")),))
    if not lately.errors:
        return Finding(
            name, title, Result.GOOD, (message(N_("No errors in the last %(minutes)d min."), minutes=minutes),)
        )
    evidence = message(
        N_("%(errors)d errors in the last %(minutes)d min, with %(received)d bytes received."),
        errors=lately.errors,
        minutes=minutes,
        received=lately.received,
    )
    return Finding(
        name,
        title,
        Result.BAD if lately.errors > lately.received * MANY_ERRORS else Result.ATTENTION,
        (evidence,),
        (
            message(
                N_("Compare the baud rate of the meters with that of the device: %(baud)d bit/s."), baud=seen.line.baud
            ),
            message(N_("Two meters with the same address answer at once: give each an address of its own.")),
            message(N_("Look for bad contacts, and for cables beside motors and their converters.")),
        ),
    )


def _minutes(seconds: float) -> int:
    return max(round(seconds / 60), 1)
