"""English and French, chosen by the browser or by the visitor; another language is one more file."""

from __future__ import annotations

import gettext
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from appliance.errors import InvalidValue
from appliance.httpd.authentication.refusal import Refusal
from appliance.web.catalogue import read_catalogue
from appliance.web.languages import Languages
from appliance.web.refusal_words import RefusalWords
from tests.web.messages import WEB, messages

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.rig import Web

CATALOGUES = sorted((WEB / "languages").glob("*.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
SAME = {
    "%(address)s.", "%(time)s UTC", "%(trouble)s.", "Service", "Services",
    "%(speed)s Mbit/s", "Client", "Clients", "Configuration", "Console", "Duplex", "Firmware", "Interface", "M-Bus IR",
    "M-Bus TCP/IP", "Mode", "TLS", "TLS 1.2",
    "TLS 1.3", "bit/s", "minutes", "ms", "s", "auto",
    "200 OK", "Basic", "Digest", "HTTP", "SSL", "SSL/Basic", "SSL/Digest", "Type", "URI",
    "Home Assistant", "Index", "MQTT", "Messages", "Port", "2400 bit/s", "300 bit/s",
    "Identification", "Version", "date", "version %(number)d", "volume",
}  # fmt: skip
"""What French says in the same words."""


def translated(catalogue: gettext.GNUTranslations, context: str | None, text: str, plural: str | None) -> str | None:
    """Give the translation, None where there is none, even of a text that stays as it is."""
    if plural is not None:
        found = catalogue.ngettext(text, plural, 2)
        return found if found != plural else None
    marker = gettext.NullTranslations()
    marker.gettext = lambda message: "\0"  # type: ignore[method-assign] # noqa: ARG005 (stands for none)
    marker.pgettext = lambda context, message: "\0"  # type: ignore[method-assign] # noqa: ARG005
    catalogue._fallback = marker  # type: ignore[attr-defined]
    found = catalogue.pgettext(context, text) if context is not None else catalogue.gettext(text)
    return None if found == "\0" else found


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_has_every_text(path: Path) -> None:
    catalogue = read_catalogue(path)
    found = messages()
    assert len(found) > 200
    missing = {(m.place, m.text) for m in found if not translated(catalogue, m.context, m.text, m.plural)}
    assert not missing


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_translation_keeps_what_is_filled_in(path: Path) -> None:
    catalogue = read_catalogue(path)
    for message in messages():
        text = translated(catalogue, message.context, message.text, message.plural)
        if text is None:
            continue  # the test above lists it
        assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(message.text)), message
        assert "<" not in text


def test_french_is_french() -> None:
    catalogue = read_catalogue(WEB / "languages" / "fr.po")
    same = {m.text for m in messages() if translated(catalogue, m.context, m.text, m.plural) == m.text}
    assert same == SAME


def test_a_catalogue_has_no_text_that_no_page_has() -> None:
    for path in CATALOGUES:
        known = {(m.context, m.text) for m in messages()}
        catalogue = read_catalogue(path)
        keys = [key if isinstance(key, str) else key[0] for key in catalogue._catalog]  # type: ignore[attr-defined]
        entries = {(None, key) if "\x04" not in key else tuple(key.split("\x04", 1)) for key in keys if key}
        assert entries - known == set()


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("fr", "fr"),
        ("fr-CA", "fr"),
        ("de, fr;q=0.5, en;q=0.4", "fr"),
        ("en-GB, fr;q=0.9", "en"),
        ("de", "en"),
        ("", "en"),
        ("*", "en"),
        ("fr;q=0", "en"),
        ("\x00;;q=,,=1, fr;q=x" + "," * 3000, "en"),
    ],
)
def test_the_browser_s_wish(web: Web, wanted: str, code: str) -> None:
    answer = web.get("/", headers={"Accept-Language": wanted})
    assert f'<html lang="{code}">' in answer.text
    assert answer.headers["Content-Language"] == code


def test_the_visitor_s_choice_goes_before_the_browser_s(web: Web) -> None:
    answer = web.post("/language", {"language": "fr", "here": "/password"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/password")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    page = web.get("/password", headers={"Accept-Language": "en"}).text
    assert '<html lang="fr">' in page
    assert "Nouveau mot de passe" in page
    assert re.search(r'value="fr" lang="fr" aria-current="true"', page)
    web.post("/language", {"language": "en", "here": "/"})
    assert '<html lang="en">' in web.get("/", headers={"Accept-Language": "fr"}).text


@pytest.mark.parametrize("code", ["", "de", "../fr", "FR", "fr\r\nSet-Cookie: a=b", "x" * 3000])
def test_a_language_that_there_is_not(web: Web, code: str) -> None:
    answer = web.post("/language", {"language": code, "here": "/"})
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "here", ["", "http://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil", "/a\r\nX: y", "javascript:1"]
)
def test_after_the_choice_the_way_leads_to_this_device(web: Web, here: str) -> None:
    answer = web.post("/language", {"language": "fr", "here": here})
    assert answer.headers["Location"] == "/"


def test_an_unknown_cookie_is_no_matter(web: Web) -> None:
    for value in ("xx", "../../etc", "\u00e9", '"', "a" * 5000):
        answer = web.get("/", headers={"Cookie": f"language={value}"})
        assert answer.status_code == 200
        assert '<html lang="en">' in answer.text


def test_errors_too_are_translated(web: Web) -> None:
    french = {"Accept-Language": "fr"}
    assert "Page introuvable" in web.get("/nix", headers=french).text
    assert "Interdit" in web.client.get("/", headers=french).text
    words = RefusalWords(web.app)
    text = words(Refusal.NEEDS_LOGIN, {"HTTP_ACCEPT_LANGUAGE": "fr", "HTTP_COOKIE": ""})
    assert (text.language, text.title) == ("fr", "Veuillez vous identifier")
    assert words(Refusal.NEEDS_LOGIN, {}).language == "en"


def test_a_third_language_is_one_file(tmp_path: Path) -> None:
    shutil.copy(WEB / "languages" / "fr.po", tmp_path / "de.po")
    text = (tmp_path / "de.po").read_text().replace("X-Language-Name: Français", "X-Language-Name: Deutsch")
    (tmp_path / "de.po").write_text(text)
    found = Languages(tmp_path).all
    assert [(one.code, one.name) for one in found.values()] == [("en", "English"), ("de", "Deutsch")]
    assert found["de"].catalogue.gettext("Submit") == "Valider"


def test_a_catalogue_s_forms(tmp_path: Path) -> None:
    path = tmp_path / "xx.po"
    path.write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
        '"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n<5 ? 1 : 2);\\n"\n\n'
        '# remark\n#: place\n#, fuzzy\nmsgid "a \\"b\\"\\n"\nmsgstr "c "\n"d\\\\"\n\n'
        'msgctxt "x"\nmsgid "a"\nmsgstr "in x"\nmsgid "a"\nmsgstr "alone"\n'
        'msgid "%d p"\nmsgid_plural "%d ps"\nmsgstr[0] "one"\nmsgstr[1] "few"\nmsgstr[2] "many"\n'
        'msgid "empty"\nmsgstr ""\n'
    )
    found = read_catalogue(path)
    assert found.gettext('a "b"\n') == "c d\\"
    assert found.pgettext("x", "a") == "in x"
    assert found.gettext("a") == "alone"
    assert [found.ngettext("%d p", "%d ps", n) for n in (1, 3, 7)] == ["one", "few", "many"]
    assert found.gettext("empty") == "empty"
    for broken in ("msgid x\n", '"loose"\n', 'msgid "a" b\n', 'nonsense "a"\n'):
        path.write_text(broken)
        with pytest.raises(InvalidValue, match=r"xx\.po, line 1"):
            read_catalogue(path)
