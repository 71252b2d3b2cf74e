"""The factory password: every page says that it is in force, and the one way on is to replace it."""

from __future__ import annotations

import re

import pytest

from appliance.settings import Directive, DirectiveType, User, http
from appliance.settings.password import has_factory_password
from tests.web.rig import Web, text_of

GOOD = "trois compteurs d'eau"


def directives(web: Web) -> tuple[Directive, ...]:
    return web.device.settings[http.AUTHENTICATION]


def set_directives(web: Web, *entries: Directive) -> None:
    web.device.settings.set({"http.authentication": http.AUTHENTICATION.type.format(entries)}, save=True)


def test_every_page_can_be_read_and_says_so(web: Web) -> None:
    for path in ("/", "/nix"):
        page = web.get(path)
        assert "The factory password is still in use" in text_of(page.text)
        assert '<a href="/password">Set a new password</a>' in page.text
    step = web.get("/password")
    assert step.status_code == 200
    assert step.text.count('type="password"') == 2
    assert "The browser will then ask for user name and password anew." in step.text


def test_a_new_password_replaces_it_everywhere_and_is_told(web: Web) -> None:
    factory = User.with_password("admin", "other", "admin")
    anna = User.with_password("anna", "other", "her own password")
    set_directives(web, *directives(web), Directive("/http", "other", DirectiveType.BASIC, (factory, anna)))
    answer = web.post("/password", {"new": GOOD, "again": GOOD})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    for directive in directives(web):
        assert directive.users[0].has_password(directive.realm, GOOD)
        assert not directive.users[0].has_password(directive.realm, "admin")
    assert directives(web)[1].users[1] == anna
    assert web.device.settings.is_saved
    assert web.device.settings.saved[http.AUTHENTICATION] == directives(web)
    page = web.get("/")
    assert "The new password is set." in page.text
    assert "The factory password is still in use" not in page.text
    # A notice is shown once.
    assert "The new password is set." not in web.get("/").text
    assert "no longer in use" in web.get("/password").text


def test_the_notice_is_signed_and_hidden_from_scripts(web: Web) -> None:
    cookie = web.post("/password", {"new": GOOD, "again": GOOD}).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    value = re.sub(r"^notice=([^;]*);.*", r"\1", cookie)
    for forged in (value[:-4] + "AAAA", "x", "Im1pbmUi", value.swapcase(), "\u00e9", "." * 3000):
        web.client.delete_cookie("notice")
        page = web.get("/", headers={"Cookie": f"notice={forged}"})
        assert page.status_code == 200
        assert '"banner good"' not in page.text


@pytest.mark.parametrize(
    ("new", "again", "complaint"),
    [
        ("", "", "8 to 128 printable characters"),
        ("short", "short", "8 to 128 printable characters"),
        ("x" * 129, "x" * 129, "8 to 128 printable characters"),
        ("line\nbreak and more", "line\nbreak and more", "8 to 128 printable characters"),
        ("password1", "password1", "a common one"),
        ("adminadmin", "adminadmin", "a new password is"),
        (GOOD, GOOD + " ", "not the same as above"),
        (GOOD, "", "not the same as above"),
        (GOOD, GOOD.upper(), "not the same as above"),
    ],
)
def test_what_is_no_new_password(web: Web, new: str, again: str, complaint: str) -> None:
    before = directives(web)
    answer = web.post("/password", {"new": new, "again": again})
    assert answer.status_code == 400
    assert complaint in answer.text
    # Beside its field, for a screen reader too; and what was typed never comes back.
    assert 'aria-invalid="true"' in answer.text
    assert GOOD not in answer.text
    assert 'value="admin"' in answer.text
    assert directives(web) == before


def test_fields_that_are_missing(web: Web) -> None:
    assert web.post("/password", {}).status_code == 400
    assert web.post("/password", {"new": GOOD}).status_code == 400
    assert has_factory_password(directives(web))


def test_a_form_that_was_open_for_too_long_is_given_back_without_the_password(web: Web) -> None:
    token = web.token()
    web.now += 13 * 3600
    answer = web.client.post(
        "/password", data={"form_token": token, "new": GOOD, "again": GOOD}, environ_overrides=web.environ()
    )
    assert answer.status_code == 403
    assert "open for so long" in answer.text
    assert GOOD not in answer.text
    fresh = re.search(r'name="form_token" value="([^"]+)"', answer.text)
    assert fresh is not None
    data = {"form_token": fresh[1], "new": GOOD, "again": GOOD}
    assert web.client.post("/password", data=data, environ_overrides=web.environ()).status_code == 303
    assert not has_factory_password(directives(web))


def test_once_replaced_it_cannot_be_set_here_again(web: Web) -> None:
    web.post("/password", {"new": GOOD, "again": GOOD})
    before = directives(web)
    answer = web.post("/password", {"new": "another good one 7", "again": "another good one 7"})
    assert answer.status_code == 303
    assert directives(web) == before
    assert "nothing was changed" in web.get("/").text


def test_a_disk_that_refuses_is_told_and_nothing_has_changed(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    from appliance.errors import SaveFailed

    def refuse(*_: object, **__: object) -> None:
        raise SaveFailed("the settings could not be saved: No space left on device")

    monkeypatch.setattr(web.device.settings, "set", refuse)
    answer = web.post("/password", {"new": GOOD, "again": GOOD})
    assert answer.status_code == 500
    assert "No space left on device" in answer.text
    assert GOOD not in answer.text
