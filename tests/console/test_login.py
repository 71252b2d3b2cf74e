"""Who comes in, how often may be guessed, and what the factory password allows."""

from __future__ import annotations

import pytest

from appliance.console.login import Login
from appliance.settings import http
from tests.console.rig import PASSWORD, Client, Rig

NOBODY = '[{"uri": "/", "realm": "r", "type": "none"}]'


def _refused(client: Client, name: str, password: str) -> None:
    client.until("login: ")
    client.send(f"{name}\n")
    client.until("Password: ")
    client.send(f"{password}\n")
    client.until("% wrong name or password\r\n")


def test_wrong_passwords_end_the_connection_and_confirm_nothing(rig: Rig) -> None:
    client = rig.client()
    for name, password in (("admin", "wrong"), ("nobody", "admin"), ("admin", "")):
        _refused(client, name, password)
    assert "% too many wrong passwords" in client.rest()
    assert rig.logins == []


def test_a_name_and_a_password_are_asked_for_until_given(rig: Rig) -> None:
    client = rig.client()
    for _ in range(5):
        client.until("login: ")
        client.send("\n")
    client.login()
    assert rig.logins == ["admin"]


def test_guessing_from_one_address_is_spaced(rig: Rig) -> None:
    now = [0.0]
    login = Login(rig.settings, clock=lambda: now[0])
    for _ in range(5):
        assert login.delay("192.0.2.1") == 0
        assert not login.check("192.0.2.1", "admin", "wrong")
    assert login.delay("192.0.2.1") > 1
    assert login.delay("192.0.2.2") == 0
    now[0] += 2.0
    assert login.delay("192.0.2.1") == 0
    assert login.check("192.0.2.1", "admin", "admin")


def test_the_users_of_the_root_count_before_those_of_other_directives(rig: Rig) -> None:
    login = Login(rig.settings)
    rig.settings.set(
        {
            "http.authentication": directives_with(
                ("/", "config", "digest", "anna"),
                ("/x", "x", "basic", "bert"),
            )
        },
        save=False,
    )
    assert login.check("192.0.2.1", "anna", PASSWORD)
    assert not login.check("192.0.2.1", "bert", PASSWORD)
    rig.settings.set(
        {"http.authentication": directives_with(("/", "r", "none", ""), ("/x", "x", "basic", "bert"))}, save=False
    )
    assert [login.is_needed] == [True]
    assert login.check("192.0.2.1", "bert", PASSWORD)
    rig.settings.set({"http.authentication": NOBODY}, save=False)
    assert [login.is_needed] == [False]
    assert not login.check("192.0.2.1", "bert", PASSWORD)


def directives_with(*directives: tuple[str, str, str, str]) -> str:
    from appliance.settings import Directive, DirectiveType, User

    return http.AUTHENTICATION.type.format(
        tuple(
            Directive(uri, realm, DirectiveType(kind), (User.with_password(name, realm, PASSWORD),) if name else ())
            for uri, realm, kind, name in directives
        )
    )


def test_a_device_without_users_asks_nothing(rig: Rig) -> None:
    rig.settings.set({"http.authentication": NOBODY}, save=False)
    client = rig.client()
    assert "login" not in client.until("> ")
    client.run("enable")
    client.send("reload force\n")
    client.rest()
    assert rig.device.done[-1][2] == "asked for by somebody from 127.0.0.1 on the console"
    assert rig.logins == []


def test_with_the_factory_password_all_is_shown_and_nothing_changed(strict: Rig) -> None:
    client = strict.enabled()
    assert client.prompt == "cme3000!# "
    for line in ("show status", "show configuration", "show settings"):
        assert not client.run(line).startswith("%")
    client.run("configure")
    client.run("link")
    for line in ("speed 10", "no speed", "default speed"):
        assert client.run(line).startswith("%")
    assert "password NEW" in client.run("speed 10")
    client.run("end")
    assert client.run("password short").startswith("% a new password has 8")
    assert client.run("password password1").startswith("%")
    assert "The password is changed and saved." in client.run(f'password "{PASSWORD}"')
    assert client.prompt == "cme3000# "
    (user,) = strict.settings.saved[http.AUTHENTICATION][0].users
    assert user.has_password("config", PASSWORD)
    client.run("configure")
    client.run("link")
    assert client.run("speed 10") == ""
    client.run("end")
    client.run("configure")
    client.run("http")
    assert client.run("default auth") == "% this would bring the factory password back"
    again = strict.client()
    again.login(password=PASSWORD)


def test_a_person_is_asked_for_a_new_password_at_the_first_change(strict: Rig) -> None:
    client = strict.terminal()
    client.until("login: ")
    client.send("admin\r")
    client.until("Password: ")
    client.send("admin\r")
    assert "The password is the one from the factory (! at the prompt)." in client.until("cme3000!> ")
    for line in ("enable", "configure", "link"):
        client.run(line)
    client.send("speed 10\r")
    for first, second, complaint in (
        ("short", "short", "8 to 128"),
        (PASSWORD, "other", "not the same"),
        (PASSWORD, PASSWORD, "changed and saved"),
    ):
        client.until("New password: ")
        client.send(f"{first}\r")
        client.until("Again: ")
        client.send(f"{second}\r")
        client.until(complaint)
    client.until("cme3000*(config-link)# ")
    assert [s.name for s in strict.settings.running.changes_from(strict.settings.saved) if s.section == "link"]


@pytest.mark.parametrize("keys", ["\x03", "\x04"])
def test_a_person_who_gives_up_has_changed_nothing(strict: Rig, keys: str) -> None:
    client = strict.enabled(terminal=True)
    client.run("configure")
    client.run("link")
    client.send("speed 10\r")
    client.until("New password: ")
    client.send(keys)
    client.until("% nothing was changed")
    client.until("cme3000!(config-link)# ")
    assert strict.settings.running[next(s for s in strict.settings.running if s.name == "link.speed")] == "auto"


def test_a_password_is_asked_for_and_not_echoed(rig: Rig) -> None:
    client = rig.terminal()
    client.until("login: ")
    client.send("admin\r")
    client.until("Password: ")
    client.send("admin\r")
    assert "admin" not in client.until("> ")
    client.run("enable")
    client.send("password\r")
    client.until("New password: ")
    client.send(f"{PASSWORD}\r")
    client.until("Again: ")
    client.send(f"{PASSWORD}\r")
    client.until("The password is changed and saved.")
    client.until("# ")
    client.send("password\r")
    client.until("Present password: ")
    client.send("wrong one\r")
    client.until("New password: ")
    client.send("another-one-9\r")
    client.until("Again: ")
    client.send("another-one-9\r")
    client.until("% the present password is wrong")
    client.until("# ")
    client.run("configure")
    client.run("http")
    client.send("auth uri / user eve password\r")
    client.until("New password: ")
    client.send("another-one-9\r")
    client.until("Again: ")
    client.send("another-one-9\r")
    client.until("# ")
    assert [user.name for user in rig.settings.running[http.AUTHENTICATION][0].users] == ["admin", "eve"]
