"""Who may enter the web pages, and what is kept of the passwords."""

import hashlib

import pytest

from appliance.errors import InvalidValue
from appliance.settings import Directive, DirectiveType, User, http
from appliance.settings.types import Directives

ANNA = User.with_password("anna", "site", "correct horse")


def test_digest_of_the_rfc() -> None:
    # RFC 7616 section 3.9.1 gives user, realm and password; H(A1) is the hash of the three with colons between.
    user = User.with_password("Mufasa", "http-auth@example.org", "Circle of Life")
    a1 = b"Mufasa:http-auth@example.org:Circle of Life"
    assert user.md5 == hashlib.md5(a1, usedforsecurity=False).hexdigest() == "3d78807defe7de2157e2b0b6573a855f"
    assert user.sha256 == hashlib.sha256(a1).hexdigest()


def test_the_rfcs_response_follows_from_what_is_kept() -> None:
    user = User.with_password("Mufasa", "http-auth@example.org", "Circle of Life")

    def response(algorithm: str, a1: str) -> str:
        def hashed(text: str) -> str:
            return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()

        nonce, cnonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
        return hashed(f"{a1}:{nonce}:00000001:{cnonce}:auth:{hashed('GET:/dir/index.html')}")

    assert response("md5", user.md5) == "8ca523f5e9506fed4657c9700eebdbec"
    assert response("sha256", user.sha256) == "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"


def test_a_password_is_known_by_its_realm() -> None:
    assert ANNA.has_password("site", "correct horse")
    assert not ANNA.has_password("site", "correct horse ")
    assert not ANNA.has_password("elsewhere", "correct horse")
    assert not ANNA.has_password("site", "\ud800")
    assert not ANNA.has_password("site", "")


def test_one_password_typed_on_two_keyboards_is_one() -> None:
    assert User.with_password("anna", "site", "Z\u00fcrich1").has_password("site", "Zu\u0308rich1")


def test_a_user_shows_no_hash() -> None:
    directive = Directive("/", "site", DirectiveType.DIGEST, (ANNA,))
    for shown in (repr(ANNA), repr(directive), Directives().describe((directive,))):
        assert ANNA.md5 not in shown
        assert ANNA.sha256 not in shown
    assert Directives().describe((directive,)) == "/ digest site (anna)"


@pytest.mark.parametrize(
    ("name", "realm", "password"),
    [
        ("", "r", "p"),
        ("a:b", "r", "p"),
        ("a\n", "r", "p"),
        ("\ud800", "r", "p"),
        (" a", "r", "p"),
        ("x" * 65, "r", "p"),
        ("a", "", "p"),
        ("a", 'r"', "p"),
        ("a", "r\\", "p"),
        ("a", "\u00e4", "p"),
        ("a", "r\r\nX: y", "p"),
        ("a", "x" * 65, "p"),
        ("a", "r", ""),
        ("a", "r", "\x00"),
        ("a", "r", "\udc80"),
        ("a", "r", "x" * 129),
    ],
)
def test_no_such_user(name: str, realm: str, password: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        User.with_password(name, realm, password)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("kind", DirectiveType)
def test_what_a_type_asks_for(kind: DirectiveType) -> None:
    assert kind.asks_password == ("basic" in kind or "digest" in kind)
    assert kind.asks_tls == kind.startswith("ssl")
    if kind.asks_password:
        with pytest.raises(InvalidValue, match="at least one user"):
            Directive("/", "r", kind)
    else:
        Directive("/", "r", kind)


def test_limits() -> None:
    root = Directive("/", "r", DirectiveType.NONE)
    many = tuple(Directive(f"/{number}", "r", DirectiveType.NONE) for number in range(32))
    text = http.AUTHENTICATION.type.format
    assert len(http.AUTHENTICATION.read(text((root, *many[:31])), ())) == 32
    with pytest.raises(ValueError, match="at most 32"):
        http.AUTHENTICATION.read(text((root, *many)), ())
    users = tuple(User.with_password(f"u{number}", "r", "p") for number in range(33))
    with pytest.raises(ValueError, match="at most 32"):
        http.AUTHENTICATION.read(text((Directive("/", "r", DirectiveType.BASIC, users),)), ())


def test_the_shortest_path_comes_first() -> None:
    text = '[{"uri": "/b/c", "realm": "r", "type": "none"}, {"uri": "/", "realm": "r", "type": "none"},'
    text += '{"uri": "/c/", "realm": "r", "type": "none"}, {"uri": "/b", "realm": "r", "type": "none"}]'
    assert [directive.uri for directive in http.AUTHENTICATION.read(text, ())] == ["/", "/b", "/c", "/b/c"]
