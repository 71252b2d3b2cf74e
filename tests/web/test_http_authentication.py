"""HTTP > Authentication: directives and users, their good and bad input, and what a change is asked about first."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest

from appliance.httpd.authentication.ways_in import loses_last_way_in
from appliance.httpd.statistics import HttpCounters, HttpSnapshot
from appliance.settings import Directive, DirectiveType, User, http
from appliance.web.pending import LIFETIME, MOST, PendingChanges
from appliance.web.words import WAYS_IN
from tests.web.rig import HOSTILE, Showing, Web

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

PASSWORD = "trois compteurs d'eau"  # noqa: S105 (of nobody)
BASE = "/http/authentication"


@pytest.fixture
def web(tmp_path: Path) -> Web:
    web = Web(tmp_path)
    web.set_password()
    serve_https(web, 443)
    return web


def serve_https(web: Web, port: int | None) -> None:
    web.device.http = Showing(HttpSnapshot("On (running)", True, 80, port, 0, 0, HttpCounters()))


def directives(web: Web) -> dict[str, Directive]:
    return {directive.uri: directive for directive in web.device.settings[http.AUTHENTICATION]}


def put(web: Web, *more: Directive) -> None:
    """Add directives without the pages."""
    value = (*web.device.settings[http.AUTHENTICATION], *more)
    web.device.settings.set({http.AUTHENTICATION.name: http.AUTHENTICATION.type.format(value)}, save=True)


def user(name: str, realm: str = "config") -> User:
    return User.with_password(name, realm, PASSWORD)


def confirm(web: Web, page: TestResponse, **options: Any) -> TestResponse:
    found = re.search(r'name="pending" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return web.post(f"{BASE}/confirm", {"pending": found[1]}, **options)


def texts(page: TestResponse) -> str:
    return html.unescape(page.text)


NEW = {"uri": "/metrics", "realm": "metrics", "type": "digest", "name": "bob", "new": PASSWORD, "again": PASSWORD}


def test_the_list_shows_every_directive_and_who_you_are(web: Web) -> None:
    put(web, Directive("/metrics", "plant", DirectiveType.SSL_BASIC, (user("admin", "plant"), user("bob", "plant"))))
    page = web.get(BASE).text
    assert "<code>/</code>" in page
    assert "<code>/metrics</code>" in page
    assert page.count("(you)") == 1  # the admin of / and not that of /metrics
    assert "<bdi>bob</bdi>" in page
    assert "SSL/Basic" in page
    assert 'href="/http/authentication/directive/metrics"' in page
    assert 'action="/http/authentication/delete/metrics"' in page
    assert 'action="/http/authentication/delete/"' in page  # the form is there for its look, without the button
    assert page.count(">Delete</button>") == 1
    assert "nobody could open these pages" not in page
    serve_https(web, None)
    assert "HTTPS is not served now: nobody could open these pages." in web.get(BASE).text


def test_the_types_stand_from_the_least_secure_to_the_most(web: Web) -> None:
    page = web.get(f"{BASE}/add").text
    assert re.findall(r'name="type" value="([^"]+)"', page) == list(DirectiveType)
    assert re.search(r'value="digest" checked', page)
    assert "nobody could open" not in page
    serve_https(web, None)
    assert web.get(f"{BASE}/add").text.count("nobody could open these pages") == 3


def test_a_directive_is_added(web: Web) -> None:
    answer = web.post(f"{BASE}/add", NEW)
    assert (answer.status_code, answer.headers.get("Location")) == (303, BASE)
    added = directives(web)["/metrics"]
    assert (added.realm, added.type) == ("metrics", DirectiveType.DIGEST)
    assert added.users == (user("bob", "metrics"),)
    assert "The directive for /metrics is added." in web.get(BASE).text
    assert not web.device.settings.unsaved


BAD: list[tuple[dict[str, str], str, str]] = [
    ({"uri": "metrics"}, "uri", "begins with /"),
    ({"uri": "/a b"}, "uri", "begins with /"),
    ({"uri": "/a/../b"}, "uri", "begins with /"),
    ({"uri": "/" + "x" * 255}, "uri", "begins with /"),
    ({"uri": "/<script>"}, "uri", "begins with /"),
    ({"uri": "/"}, "uri", "There is a directive for this URI already."),
    ({"realm": ""}, "realm", "1 to 64 ASCII"),
    ({"realm": 'a"b'}, "realm", "1 to 64 ASCII"),
    ({"realm": "é"}, "realm", "1 to 64 ASCII"),
    ({"realm": "a\r\nX: y"}, "realm", "1 to 64 ASCII"),
    ({"name": ""}, "name", "1 to 64 characters"),
    ({"name": "", "new": "", "again": ""}, "name", "needs a user"),
    ({"name": "a:b"}, "name", "no colon"),
    ({"name": "a\u202eb"}, "name", "no colon"),
    ({"name": "x" * 65}, "name", "1 to 64 characters"),
    ({"new": "short", "again": "short"}, "new", "8 to 128"),
    ({"new": "password", "again": "password"}, "new", "common"),
    ({"new": "bob12345", "again": "bob12345"}, "new", "user name"),
    ({"again": "another"}, "again", "not the same"),
    ({"type": "magic"}, "type", "Choose one"),
    ({"uri": HOSTILE}, "uri", "begins with /"),
    ({"realm": HOSTILE}, "realm", "1 to 64"),
    ({"name": HOSTILE}, "name", "1 to 64"),
]


def test_bad_input_is_refused_beside_its_field(web: Web) -> None:
    for change, field, words in BAD:
        answer = web.post(f"{BASE}/add", {**NEW, **change})
        assert answer.status_code == 400, change
        assert list(directives(web)) == ["/"]
        error = re.search(rf'id="{field}-error">([^<]*)<', answer.text)
        assert error is not None, change
        assert words in html.unescape(error[1])
        assert PASSWORD not in texts(answer)
        assert "<script>alert" not in answer.text
        if "realm" not in change:
            assert 'name="realm" value="metrics"' in answer.text


def test_type_none_needs_no_user(web: Web) -> None:
    answer = web.post(f"{BASE}/add", {**NEW, "type": "none", "name": "", "new": "", "again": ""})
    assert "No password is asked any more for /metrics" in answer.text
    assert confirm(web, answer).status_code == 303
    assert directives(web)["/metrics"].users == ()


def test_a_directive_is_edited_and_keeps_its_passwords(web: Web) -> None:
    put(web, Directive("/a", "plant", DirectiveType.DIGEST, (user("bob", "plant"),)))
    page = web.get(f"{BASE}/directive/a").text
    assert 'name="uri" value="/a"' in page
    assert 'name="realm" value="plant"' in page
    assert 'value="digest" checked' in page
    answer = web.post(f"{BASE}/directive/a", {"uri": "/b/c", "realm": "plant", "type": "ssl/digest"})
    page = texts(answer)
    assert "/a has no directive of its own then: the one for / rules it, of type Digest." in page
    assert confirm(web, answer).status_code == 303
    assert list(directives(web)) == ["/", "/b/c"]
    assert directives(web)["/b/c"].users == (user("bob", "plant"),)
    answer = web.post(f"{BASE}/directive/b/c", {"uri": "/b/c", "realm": "plant", "type": "basic"})
    assert answer.status_code == 303
    assert directives(web)["/b/c"].type is DirectiveType.BASIC


def test_a_new_realm_asks_for_every_password_anew(web: Web) -> None:
    put(web, Directive("/a", "plant", DirectiveType.DIGEST, (user("bob", "plant"), user("eve", "plant"))))
    form = {"uri": "/a", "realm": "other", "type": "digest"}
    answer = web.post(f"{BASE}/directive/a", form)
    assert answer.status_code == 400
    assert "New password of bob" in answer.text
    assert "New password of eve" in answer.text
    assert "type a password for every user" in answer.text
    assert directives(web)["/a"].realm == "plant"
    both = {"new-0": PASSWORD, "again-0": PASSWORD, "new-1": PASSWORD + "!", "again-1": PASSWORD + "?"}
    answer = web.post(f"{BASE}/directive/a", {**form, **both})
    assert re.search(r'id="again-1-error">This is not the same', answer.text)
    answer = web.post(f"{BASE}/directive/a", {**form, **both, "again-1": PASSWORD + "!"})
    assert answer.status_code == 303
    changed = directives(web)["/a"]
    assert changed.realm == "other"
    assert changed.users[0].has_password("other", PASSWORD)
    assert changed.users[1].has_password("other", PASSWORD + "!")


def test_a_type_with_passwords_asks_for_a_first_user(web: Web) -> None:
    put(web, Directive("/a", "plant", DirectiveType.NONE))
    form = {"uri": "/a", "realm": "plant", "type": "basic"}
    answer = web.post(f"{BASE}/directive/a", form)
    assert answer.status_code == 400
    assert "needs a user" in answer.text
    answer = web.post(f"{BASE}/directive/a", {**form, "name": "bob", "new": PASSWORD, "again": PASSWORD})
    assert answer.status_code == 303
    assert directives(web)["/a"].users == (user("bob", "plant"),)


def test_the_directive_for_the_root_stays(web: Web) -> None:
    assert "readonly" in web.get(f"{BASE}/directive/").text
    for path, form in (("delete/", {}), ("directive/", {"uri": "/x", "realm": "config", "type": "digest"})):
        answer = web.post(f"{BASE}/{path}", form)
        assert answer.status_code == 400
        assert "there must be a directive for /" in answer.text
    assert list(directives(web)) == ["/"]


def test_deleting_says_what_rules_then(web: Web) -> None:
    put(web, Directive("/a", "x", DirectiveType.NONE), Directive("/a/b", "x", DirectiveType.DIGEST, (user("b", "x"),)))
    answer = web.post(f"{BASE}/delete/a/b")
    page = texts(answer)
    assert "/a/b has no directive of its own then: the one for /a rules it, of type None." in page
    assert "No password is asked any more for /a/b" in page
    assert "/a/b" in directives(web)
    assert confirm(web, answer).headers["Location"] == BASE
    assert list(directives(web)) == ["/", "/a"]


def test_users_are_added_changed_and_deleted(web: Web) -> None:
    add = {"name": "bob", "new": PASSWORD, "again": PASSWORD}
    assert web.post(f"{BASE}/add-user/", add).status_code == 303
    assert [known.name for known in directives(web)["/"].users] == ["admin", "bob"]
    answer = web.post(f"{BASE}/add-user/", add)
    assert answer.status_code == 400
    assert re.search(r'id="added-name-error">There is a user of this name already', answer.text)
    assert 'id="added-name" name="name" value="bob"' in answer.text
    other = {"name": "bob", "new": PASSWORD + "2", "again": PASSWORD + "2"}
    assert web.post(f"{BASE}/password/", other).status_code == 303
    assert directives(web)["/"].users[1].has_password("config", PASSWORD + "2")
    assert directives(web)["/"].users[0].name == "admin"
    answer = web.post(f"{BASE}/password/", {**other, "again": "x"})
    assert answer.status_code == 400
    assert '<details class="user" open>\n<summary><bdi>bob</bdi>' in answer.text
    answer = web.post(f"{BASE}/delete-user/", {"name": "bob"})
    assert "bob can no longer log in to /" in answer.text
    assert len(directives(web)["/"].users) == 2
    confirm(web, answer)
    assert [known.name for known in directives(web)["/"].users] == ["admin"]
    answer = web.post(f"{BASE}/delete-user/", {"name": "admin"})
    assert answer.status_code == 400
    assert "needs a user" in answer.text


def test_a_user_with_a_hostile_name_is_text(web: Web) -> None:
    name = "<script>alert(1)</script>\"'&"
    put(web, Directive("/a", "x", DirectiveType.BASIC, (user(name, "x"), user("b", "x"))))
    for path in (BASE, f"{BASE}/directive/a"):
        page = web.get(path).text
        assert "<script>alert" not in page
        assert html.escape(name, quote=False).replace('"', "&#34;").replace("'", "&#39;") in page
    answer = web.post(f"{BASE}/delete-user/a", {"name": name})
    assert "<script>alert" not in answer.text
    confirm(web, answer)
    assert [known.name for known in directives(web)["/a"].users] == ["b"]


def test_one_name_in_two_spellings_is_one_user(web: Web) -> None:
    for name in ("re\u0301mi", "r\u00e9mi"):
        answer = web.post(f"{BASE}/add-user/", {"name": name, "new": PASSWORD, "again": PASSWORD})
    assert answer.status_code == 400
    assert [known.name for known in directives(web)["/"].users] == ["admin", "r\u00e9mi"]


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("directive/", {"uri": "/", "realm": "config", "type": "ssl/digest"}),
        ("password/", {"name": "admin", "new": PASSWORD, "again": PASSWORD}),
        ("add", {**NEW, "uri": "/http"}),
    ],
)
def test_the_last_way_in_asks_first(web: Web, path: str, form: dict[str, str]) -> None:
    serve_https(web, None)
    before = web.device.settings[http.AUTHENTICATION]
    answer = web.post(f"{BASE}/{path}", form)
    assert answer.status_code == 200
    assert any(html.escape(sentence) in answer.text for sentence in WAYS_IN)
    assert web.device.settings[http.AUTHENTICATION] == before
    # What was typed stays on the device.
    assert PASSWORD not in texts(answer)
    assert not re.search(r"[0-9a-f]{32}", answer.text.split("<main", 1)[1].split("</main>", 1)[0])
    assert confirm(web, answer).status_code == 303
    assert web.device.settings[http.AUTHENTICATION] != before


def test_every_sentence_about_the_last_way_in_has_a_translation() -> None:
    one, other = user("admin"), user("bob")
    open_root = (Directive("/", "config", DirectiveType.DIGEST, (one,)),)
    found = {
        loses_last_way_in(open_root, after, https_before=True, https_after=False)
        for after in (
            (Directive("/", "config", DirectiveType.SSL_DIGEST, (one,)),),
            (Directive("/x", "config", DirectiveType.DIGEST, (one,)),),
            (Directive("/", "config", DirectiveType.DIGEST, (other,)),),
        )
    }
    assert found == set(WAYS_IN)


def test_a_pending_change_is_for_one_visitor_once_and_a_while(web: Web) -> None:
    put(web, Directive("/a", "x", DirectiveType.NONE))
    answer = web.post(f"{BASE}/delete/a")
    web.user = "eve"
    assert confirm(web, answer).status_code == 409
    web.user = "admin"
    web.now += LIFETIME + 1
    assert confirm(web, answer).status_code == 409
    answer = web.post(f"{BASE}/delete/a")
    put(web, Directive("/c", "x", DirectiveType.NONE))  # meanwhile
    gone = confirm(web, answer)
    assert "Begin again" in gone.text
    assert "/a" in directives(web)
    answer = web.post(f"{BASE}/delete/a")
    assert confirm(web, answer).status_code == 303
    assert confirm(web, answer).status_code == 409
    assert web.post(f"{BASE}/confirm", {"pending": "x"}).status_code == 409


def test_only_so_many_changes_wait() -> None:
    pending = PendingChanges(clock=lambda: 0.0)
    tokens = [pending.keep("a", number) for number in range(MOST + 1)]
    assert pending.take("a", tokens[0]) is None
    assert [pending.take("a", token) for token in tokens[1:]] == list(range(1, MOST + 1))
    assert [pending.take("a", token) for token in tokens] == [None] * (MOST + 1)


def test_at_most_32_directives_and_users(web: Web) -> None:
    put(web, *(Directive(f"/{number}", "x", DirectiveType.NONE) for number in range(31)))
    answer = web.post(f"{BASE}/add", NEW)
    assert answer.status_code == 400
    assert "at most 32" in answer.text


def test_a_directive_that_is_gone_leads_to_the_list(web: Web) -> None:
    assert web.get(f"{BASE}/directive/nix").headers["Location"] == BASE
    for path in ("directive", "delete", "add-user", "password", "delete-user"):
        answer = web.post(f"{BASE}/{path}/nix", {"name": "admin"})
        assert (answer.status_code, answer.headers.get("Location")) == (303, BASE)


def test_forms_that_were_open_for_too_long_keep_what_was_typed(web: Web) -> None:
    token = web.token()
    web.now += 13 * 3600
    for path, name in (("add", "uri"), ("directive/", "realm"), ("add-user/", "name"), ("password/", "")):
        data = {"form_token": token, name: "typed", "new": PASSWORD}
        answer = web.client.post(f"{BASE}/{path}", data=data, environ_overrides=web.environ())
        assert answer.status_code == 403
        assert "was open for so long" in answer.text
        assert PASSWORD not in texts(answer)
        assert ('value="typed"' in answer.text) == bool(name)
