"""Every command on every level, through a real socket, as a script types it."""

from __future__ import annotations

import pytest

from appliance.console.grammar import Argument
from appliance.console.level import Level
from appliance.console.levels import first_level
from appliance.settings import FactoryVariant, http
from appliance.settings import network as network_settings
from appliance.settings import tunnel as tunnel_settings
from appliance.supervision.restart import Kind
from tests.console.rig import PASSWORD, Client, Rig

METERS = [
    (line, "cme3000*(config-meters)#", wanted)
    for line, wanted in [
        ("search", "The search at 300 bit/s by both kinds of addresses begins"),
        ("search 300", "% a search is under way (0%): search cancel ends it"),
        ("show search", "Search running"),
        ("search pause", "The search rests"),
        ("search resume", "The search goes on"),
        ("search cancel", "The search ends"),
        ("search cancel", "% no search is under way"),
        ("search pause", "% no search is under way"),
        *(
            line
            for speed in ("300", "2400", "both")
            for way in ("", " primary", " secondary", " both")
            for line in ((f"search {speed}{way}", "begins"), ("search cancel", "The search ends"))
        ),
        ("search 9600", '% unknown word "9600"; expected 300, 2400, both, pause, resume, cancel or add'),
        ("search add all", "% the search has found nothing"),
        ("search add 7", "% the search has found nothing"),
        ("read all", "% there is no meter in the list"),
        ("read 1", '% there is no meter "1"'),
        ("add primary 5", "In the list: 1 (5)."),
        ("add primary 6 name Cellar, left", "In the list: 2 (Cellar, left)."),
        ("add primary 7 baud 300", "In the list: 3 (7)."),
        ("add primary 8 baud 300 name Attic", "In the list: 4 (Attic)."),
        ("add primary 251 baud 9600", "% Speed (baud): "),
        ("add secondary 12345678B40A0107", "In the list: 5 (12345678B40A0107)."),
        ("add secondary 12345679B40A0107 name x", "In the list: 6 (x)."),
        ("add secondary 12345680B40A0107 baud 300", "In the list: 7 (12345680B40A0107)."),
        ("add secondary 12345681B40A0107 baud 300 name y", "In the list: 8 (y)."),
        ("set 1 name Boiler", ""),
        ("set 1 primary 9", ""),
        ("set 1 baud 24", ""),
        ("set 1 interval x", '% Interval (interval): "x" is not allowed'),
        ("set 1 on-battery on", ""),
        ("no set 1 on-battery", ""),
        ("show meters", "1 Boiler 9 2400 never"),
        ("show meters 4", "name Attic"),
        ("read 1", "The readout is asked for; show meters 1 tells the outcome."),
        ("read all", "8 readouts are asked for"),
        ("remove 1", "% add the word force"),
        ("remove 1 force", ""),
        ("set-primary 2 10", "% add the word force"),
        ("set-primary 2 ten force", '% "ten" is no primary address; 0 to 250'),
        ("set-primary 2 10 force", "The meter is told when the bus is free"),
        ("remove all", "% add the word force"),
        ("remove all force", ""),
        ("show meters", "There are no meters in the list"),
    ]
]
"""On the level of the meters."""

TRANSCRIPT = [  # a line, the prompt after it, what the answer has in it
    ("?", "cme3000>", "enable"),
    ("help", "cme3000>", "unique"),
    ("show", "cme3000>", "tcp keep alive   45000 ms"),
    ("show settings", "cme3000>", "baud rate      2400 bit/s"),
    ("show status", "cme3000>", "Line 1: M-Bus, 2400, Even, 8, 1, None"),
    ("show version", "cme3000>", "Serial number     0001"),
    ("show firmware", "cme3000>", "This device has no slots for firmware"),
    ("show interface", "cme3000>", "IP address              10.0.0.7 (DHCP)"),
    ("show statistics", "cme3000>", "Accept connection time  1 days 01:01:01"),
    ("show statistics tunnel", "cme3000>", "Completed accepts       5"),
    ("show statistics line", "cme3000>", "Receiver parity errors       not available"),
    ("show statistics http", "cme3000>", "Log 2 entries ("),
    ("show auth", "cme3000>", "/    config  digest  admin"),
    ("show reboot", "cme3000>", "A reboot changes no setting."),
    ("show log", "cme3000>", ""),
    ("show http log", "cme3000>", "10.0.0.9 "),
    ("show meters", "cme3000>", "There are no meters in the list"),
    ("show meters 1", "cme3000>", '% there is no meter "1"; show meters lists them'),
    ("show search", "cme3000>", "There was no search yet."),
    ("show monitor", "cme3000>", "Nothing went over the line yet."),
    ("show mqtt", "cme3000>", "State Off Broker none"),
    ("show history", "cme3000>", "show mqtt"),
    ("show configuration", "cme3000>", '% unknown word "configuration"'),
    ("write", "cme3000>", '% unknown command "write"'),
    ("enable", "cme3000#", ""),
    ("enable", "cme3000#", ""),
    ("disable", "cme3000>", ""),
    ("en", "cme3000#", ""),
    ("show configuration", "cme3000#", "! Configuration of cme3000"),
    ("show", "cme3000#", "tunnel 1, disconnect"),
    ("identify", "cme3000#", "All LEDs flash"),
    ("renew", "cme3000#", "The server is asked"),
    ("clear counters", "cme3000#", ""),
    ("show statistics tunnel", "cme3000#", "Completed accepts       0"),
    ("clear http log", "cme3000#", ""),
    ("show http log", "cme3000#", "The log is empty."),
    ("reload", "cme3000#", "% add the word force"),
    ("reload factory defaults", "cme3000#", "% add the word force"),
    ("reload factory defaults static", "cme3000#", "% add the word force"),
    ("configure", "cme3000(config)#", ""),
    ("if 1", "cme3000(config-if)#", ""),
    ("show", "cme3000(config-if)#", "hostname                 cme3000"),
    ("ip address 10.1.2.3 255.255.255.0", "cme3000*(config-if)#", "This takes effect after write and reload."),
    ("dhcp client off", "cme3000*(config-if)#", "This takes effect"),
    ("show", "cme3000*(config-if)#", "[after reboot; now on; not saved]"),
    ("show reboot", "cme3000*(config-if)#", "A reboot loses"),
    ("write", "cme3000(config-if)#", "Saved."),
    ("show reboot", "cme3000(config-if)#", "ip address   none  10.1.2.3/24"),
    ("show", "cme3000(config-if)#", "[after reboot; now on]"),
    ("default gateway 10.9.9.9", "cme3000(config-if)#", "% Default gateway (network.gateway)"),
    ("default gateway 10.1.2.1", "cme3000*(config-if)#", ""),
    ("no default gateway", "cme3000(config-if)#", ""),
    ("default default gateway", "cme3000(config-if)#", ""),
    ("hostname", "cme3000(config-if)#", "% this command goes on with <value>"),
    ("exit", "cme3000(config)#", ""),
    ("link", "cme3000(config-link)#", ""),
    ("speed 1", "cme3000(config-link)#", '% Speed (link.speed): "1" is not allowed; auto, 10 or 100'),
    ("speed 100", "cme3000*(config-link)#", ""),
    ("duplex f", "cme3000*(config-link)#", ""),
    ("show", "cme3000*(config-link)#", "duplex  full"),
    ("default speed", "cme3000*(config-link)#", ""),
    ("default duplex", "cme3000(config-link)#", ""),
    ("exit", "cme3000(config)#", ""),
    ("tunnel 1", "cme3000(config-tunnel)#", ""),
    ("accept", "cme3000(config-accept)#", ""),
    ("local port 70000", "cme3000(config-accept)#", '"70000" is not allowed; a TCP port, 1 to 65535'),
    ("local port 80", "cme3000(config-accept)#", "% Local port (tunnel.port)"),
    ("local port 10005", "cme3000*(config-accept)#", ""),
    ("tcp keep alive 0", "cme3000*(config-accept)#", ""),
    ("mode dis", "cme3000*(config-accept)#", ""),
    ("no mode", "cme3000*(config-accept)#", ""),
    ("show", "cme3000*(config-accept)#", "local port       10005     [not saved]"),
    ("exit", "cme3000*(config-tunnel)#", ""),
    ("disconnect", "cme3000*(config-disconnect)#", ""),
    ("timeout 20000", "cme3000*(config-disconnect)#", ""),
    ("no timeout", "cme3000*(config-disconnect)#", ""),
    ("show", "cme3000*(config-disconnect)#", "timeout  0 ms"),
    ("end", "cme3000*#", ""),
    ("configure", "cme3000*(config)#", ""),
    ("line 1", "cme3000*(config-line)#", ""),
    ("baud rate 300", "cme3000*(config-line)#", ""),
    ("m-bus ir rfc2217://host:7000?x", "cme3000*(config-line)#", ""),
    ("show", "cme3000*(config-line)#", "rfc2217://host:7000?x"),
    ("no m-bus ir", "cme3000*(config-line)#", ""),
    ("exit", "cme3000*(config)#", ""),
    ("panel", "cme3000*(config-panel)#", ""),
    ("no reset button in operation", "cme3000*(config-panel)#", ""),
    ("exit", "cme3000*(config)#", ""),
    ("console", "cme3000*(config-console)#", ""),
    ("idle timeout 60", "cme3000*(config-console)#", ""),
    ("exit", "cme3000*(config)#", ""),
    ("http", "cme3000*(config-http)#", ""),
    ('log format "%h \\"%r\\" ?"', "cme3000*(config-http)#", ""),
    ("show", "cme3000*(config-http)#", 'log format       %h "%r" ?'),
    ("auth uri log realm r type digest", "cme3000*(config-http)#", '% "log" is not a path'),
    ("auth uri /log realm r type frob", "cme3000*(config-http)#", '% "frob" is not a type; one of none, basic'),
    ("auth uri /log realm r type digest", "cme3000*(config-http)#", "needs at least one user"),
    (f'auth uri /log realm r type digest user bob password "{PASSWORD}"', "cme3000*(config-http)#", ""),
    (f'auth uri /log user eve password "{PASSWORD}"', "cme3000*(config-http)#", ""),
    (f'auth uri /x user eve password "{PASSWORD}"', "cme3000*(config-http)#", '% there is no directive for "/x"'),
    ("auth uri /log user eve password", "cme3000*(config-http)#", "% give it in one line"),
    (f"auth uri /log user hal hash {'0' * 32} {'0' * 64}", "cme3000*(config-http)#", ""),
    ("auth uri /log user hal hash 0 0", "cme3000*(config-http)#", "% the hashes of a password are"),
    ("no auth uri /log user hal", "cme3000*(config-http)#", ""),
    ("no auth uri /log user hal", "cme3000*(config-http)#", '% there is no user "hal"'),
    ("show auth", "cme3000*(config-http)#", "/log  r       digest  bob, eve"),
    ("auth uri /log realm r type basic", "cme3000*(config-http)#", ""),
    ("auth uri /log realm new type basic", "cme3000*(config-http)#", "add the users of this directive anew"),
    ("no auth uri /log", "cme3000*(config-http)#", ""),
    ("no auth uri /", "cme3000*(config-http)#", "there must be a directive for /"),
    ("no auth", "cme3000*(config-http)#", "% there is always a directive for /"),
    ("default auth", "cme3000*(config-http)#", ""),
    ("exit", "cme3000*(config)#", ""),
    ("commit", "cme3000*(config)#", "% nothing is being collected"),
    ("abort", "cme3000*(config)#", "% nothing is being collected"),
    ("begin", "cme3000*+(config)#", ""),
    ("begin", "cme3000*+(config)#", "% changes are collected already"),
    ("write", "cme3000*+(config)#", "% changes are collected"),
    ("exit", "cme3000*+(config)#", "% changes are collected"),
    ("http", "cme3000*+(config-http)#", ""),
    ("http port 9999999", "cme3000*+(config-http)#", "% HTTP port (http.port)"),
    ("http port 10005", "cme3000*+(config-http)#", ""),
    ("exit", "cme3000*+(config)#", ""),
    ("tunnel 1", "cme3000*+(config-tunnel)#", ""),
    ("accept", "cme3000*+(config-accept)#", ""),
    ("local port 80", "cme3000*+(config-accept)#", ""),
    ("mode always", "cme3000*+(config-accept)#", ""),
    ("commit", "cme3000*(config-accept)#", ""),  # the two ports change places, which no single step could do
    ("show", "cme3000*(config-accept)#", "local port       80"),
    ("begin", "cme3000*+(config-accept)#", ""),
    ("local port 443", "cme3000*+(config-accept)#", ""),
    ("commit", "cme3000*+(config-accept)#", "need different ports"),  # and stays open to be mended
    ("abort", "cme3000*(config-accept)#", ""),
    ("help", "cme3000*(config-accept)#", "unique"),
    ("! a comment", "cme3000*(config-accept)#", ""),
    ("", "cme3000*(config-accept)#", ""),
    ("end", "cme3000*#", ""),
    ("configure", "cme3000*(config)#", ""),
    ("update", "cme3000*(config-update)#", ""),
    ("exit", "cme3000*(config)#", ""),
    ("mqtt", "cme3000*(config-mqtt)#", ""),
    ("broker 10.1.2.9", "cme3000*(config-mqtt)#", ""),
    ("no broker", "cme3000*(config-mqtt)#", ""),
    ("end", "cme3000*#", ""),
    ("meters", "cme3000*(config-meters)#", ""),
    *METERS,
    ("exit", "cme3000*#", ""),
    (f'password admin "{PASSWORD}"', "cme3000*#", "The password is changed and saved."),
    ("password admin another-one-9", "cme3000*#", "% the present password is wrong"),
    ("password another-one-9", "cme3000*#", "% the present password is needed too"),
    ("password", "cme3000*#", "% give it in one line: password OLD NEW"),
    ("reload force", None, "The device reboots."),
]


def _all_patterns(level: Level) -> set[str]:
    found: set[str] = set()
    seen = {id(level)}
    levels = [level]
    while levels:
        at = levels.pop()
        for command in at.grammar.commands:
            found.add(command.text)
            for cell in getattr(command.run, "__closure__", None) or ():
                if isinstance(cell.cell_contents, Level) and id(cell.cell_contents) not in seen:
                    seen.add(id(cell.cell_contents))
                    levels.append(cell.cell_contents)
    return found


def _carry_out(client: Client, line: str, prompt: str | None, wanted: str) -> None:
    if prompt is None:
        client.send(f"{line}\r" if client.speaks_telnet else f"{line}\n")
        assert wanted in client.rest()
        return
    answer = " ".join(client.run(line).split())
    wanted = " ".join(wanted.split())
    assert (client.prompt.strip(), wanted in answer) == (prompt, True), f"{line!r} gave {client.prompt!r}: {answer}"
    assert wanted or not answer or line == "show log"


def test_every_command_and_level_as_a_script_types_them(rig: Rig) -> None:
    client = rig.client()
    banner = client.login()
    assert "CMe3000 TCP/IP M-Bus Master  cme3000  firmware" in banner
    assert rig.logins == ["admin"]
    for line, prompt, wanted in TRANSCRIPT:
        _carry_out(client, line, prompt, wanted)
    assert [done[0] for done in rig.device.done] == ["identify", "renew", "reboot"]
    assert rig.device.done[-1] == ("reboot", Kind.REBOOT, "asked for by admin from 127.0.0.1 on the console")
    assert rig.settings.running[tunnel_settings.PORT] == 80
    assert rig.settings.saved[tunnel_settings.PORT] == 10001
    (user,) = rig.settings.saved[http.AUTHENTICATION][0].users
    assert user.has_password("config", PASSWORD)


def test_no_command_is_left_out_of_the_transcript(rig: Rig) -> None:
    client = rig.client()
    client.login()
    used: set[str] = set()
    level, stack = first_level(), [first_level()]
    for line, prompt, _ in TRANSCRIPT:
        try:
            match = level.grammar.match(line)
        except ValueError:
            continue
        used.add(match.command.text)
        if prompt is None:
            break
        cells = getattr(match.command.run, "__closure__", None) or ()
        stack += [cell.cell_contents for cell in cells if isinstance(cell.cell_contents, Level)]
        if line == "exit" and "collected" not in _:
            stack.pop()
        elif line == "end":
            del stack[2:]
        elif line == "disable":
            del stack[1:]
        level = stack[-1]
    missing = _all_patterns(first_level()) - used
    # Those made from settings are walked through elsewhere, the rest is asked for on a terminal.
    assert {m for m in missing if not m.endswith(" <value>") and not m.startswith(("no ", "default "))} == {
        "logout",
        "quit",
        "reload factory defaults force",
        "reload factory defaults static force",
    }


@pytest.mark.parametrize("word", ["logout", "quit", "exit"])
def test_ways_out(rig: Rig, word: str) -> None:
    client = rig.client()
    client.login()
    client.send(f"{word}\n")
    assert "not saved" not in client.rest()
    client = rig.enabled()
    client.run("configure")
    client.run("link")
    client.run("speed 10")
    client.run("end")
    client.send(f"{word}\n")
    assert "Changes are not saved; they hold until the next reboot." in client.rest()


@pytest.mark.parametrize(("words", "variant"), [("", FactoryVariant.DHCP), (" static", FactoryVariant.STATIC)])
def test_factory_defaults(rig: Rig, words: str, variant: FactoryVariant) -> None:
    rig.settings.set({"network.hostname": "pump-house"}, save=True)
    client = rig.enabled()
    client.send(f"reload factory defaults{words} force\n")
    assert "The factory defaults are restored. The device reboots." in client.rest()
    assert rig.device.done[0][:2] == ("reset", variant)
    assert rig.settings.saved[network_settings.HOSTNAME] == "cme3000"


def test_every_argument_has_words() -> None:
    for pattern in _all_patterns(first_level()):
        assert pattern
    levels = [first_level()]
    for level in levels:
        for command in level.grammar.commands:
            assert command.help.endswith("."), command.text
            for word in command.words:
                assert not isinstance(word, Argument) or word.help, command.text
            levels += [
                c.cell_contents
                for c in getattr(command.run, "__closure__", None) or ()
                if isinstance(c.cell_contents, Level) and c.cell_contents not in levels
            ]
