"""Which new passwords will do, and who still has the factory's."""

from __future__ import annotations

import sys

import pytest

from appliance.errors import InvalidValue
from appliance.settings import Directive, DirectiveType, User, http
from appliance.settings.password import check_new_password, has_factory_password, replace_password

FACTORY = http.AUTHENTICATION.default


def directive(uri: str, realm: str, kind: DirectiveType = DirectiveType.DIGEST, **users: str) -> Directive:
    return Directive(uri, realm, kind, tuple(User.with_password(name, realm, text) for name, text in users.items()))


def test_the_factory_login_is_found_where_a_password_is_asked() -> None:
    assert has_factory_password(FACTORY)
    assert has_factory_password(FACTORY)
    assert not has_factory_password((directive("/", "config", admin="battery staple"),))
    assert not has_factory_password((directive("/", "config", anna="admin"),))
    assert not has_factory_password((directive("/", "config", DirectiveType.NONE, admin="admin"),))
    assert has_factory_password((directive("/", "config", admin="other"), directive("/http", "web", admin="admin")))


def test_the_new_password_holds_in_every_realm_that_had_the_factorys() -> None:
    before = (
        directive("/", "config", admin="admin", anna="correct horse"),
        directive("/http", "web", DirectiveType.SSL_BASIC, anna="admin", admin="admin"),
        directive("/log", "log", admin="a third one"),
    )
    after = replace_password(before, "admin", "battery staple")
    assert not has_factory_password(after)
    assert [(entry.uri, entry.realm, entry.type) for entry in after] == [
        (entry.uri, entry.realm, entry.type) for entry in before
    ]
    assert after[0].users[0].has_password("config", "battery staple")
    assert after[1].users[1].has_password("web", "battery staple")
    assert (after[0].users[1], after[1].users[0], after[2]) == (before[0].users[1], before[1].users[0], before[2])


def test_the_new_password_holds_where_the_old_one_did() -> None:
    before = (
        directive("/", "config", anna="correct horse"),
        directive("/http", "web", anna="correct horse"),
        directive("/a", "a", anna="another"),
        directive("/b", "b", anna="admin"),
    )
    after = replace_password(before, "anna", "battery staple", old="correct horse")
    changed = [entry.uri for entry in after if entry.users[0].has_password(entry.realm, "battery staple")]
    assert changed == ["/", "/http", "/b"]
    assert replace_password(before, "bert", "battery staple") == before
    with pytest.raises(InvalidValue):
        replace_password(before, "anna", "", old="correct horse")


WEAK = (
    *(
        "",
        "a",
        "1234567",
        "x" * 129,
        "tab\tinside",
        "null\0inside",
        "\ud800\ud800\ud800\ud800\ud800\ud800\ud800\ud800",
    ),
    *("12345678", "password", "PassWord", "sunshine", "qwertyuiop", "iloveyou", "trustno1", "baseball"),
    *("password1", "Password2024!", "password!!!", "sunshine99", "letmein!", "Dragon123", "Jennifer1!"),
    *("aaaaaaaa", "11111111", "abababab", "abcabcabc", "!!!!!!!!", "aaaaaaaa1"),
    *("abcdefgh", "hgfedcba", "9876543210", "ABCDEFGH1", "56789012", "asdfghjkl1", "lkjhgfdsa"),
    *("annaanna", "Anna2024", "anna-anna!", "admin123", "adminadmin", "Admin-1234"),
    *("cme3000!", "CMe3000-1", "mbusmbus", "M-Bus-2024", "cme3000mbus", "mbusgateway", "CME3000CME3000"),
)


def is_refused(text: str) -> bool:
    try:
        check_new_password(text, name="anna")
    except InvalidValue as refusal:
        return "password" in str(refusal)
    return False


def test_what_somebody_would_try_first_is_refused() -> None:
    for text in WEAK:
        assert is_refused(text), text


GOOD = (
    *(
        "correct horse",
        "battery staple",
        "Pumpe-3-Keller",
        "x7!kQ2#m",
        "73914826",
        "a7391482",
        "cat73914",
        "pump-anna",
    ),
    *(
        "Z\u00fcrich-Hbf",
        "ann is not anna",
        "the mbus of house 7",
        "\u65e5\u672c\u8a9e\u306e\u5408\u8a00\u8449\u3067\u3059",
    ),
    "x" * 3 + "k" * 3 + "q" * 122,
)


def test_others_will_do() -> None:
    for text in GOOD:
        check_new_password(text, name="anna")
        check_new_password(text, name="a")


def test_a_password_is_not_its_users_name_however_short_or_strange() -> None:
    for name in ("Heizungskeller 4", "Ju\u0308rgen-Pumpe"):
        with pytest.raises(InvalidValue):
            check_new_password(name.upper(), name=name)


def test_the_long_list_is_not_kept() -> None:
    check_new_password("correct horse", name="anna")
    assert not [name for name in sys.modules if "frequency" in name or name.startswith("zxcvbn")]
