"""HTTP > Certificate: what is shown, made, asked for, installed and removed."""

from __future__ import annotations

import html
import io
import re
from typing import TYPE_CHECKING, Any

import pytest

from appliance.certificate import making
from appliance.httpd.statistics import HttpCounters, HttpSnapshot
from appliance.settings import Directive, DirectiveType, User, http
from appliance.web.certificate_words import certificate_text
from tests.web.rig import HOSTILE, Showing, Web, cells

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

BASE = "/http/certificate"


@pytest.fixture
def web(tmp_path: Path) -> Web:
    web = Web(tmp_path)
    web.set_password()
    web.device.http = Showing(HttpSnapshot("On (running)", True, 80, None, 0, 0, HttpCounters()))
    return web


def error_of(answer: TestResponse) -> str:
    found = re.search(r'<p class="error"[^>]*>([^<]*)<', answer.text)
    return html.unescape(found[1]) if found is not None else ""


def upload(web: Web, certificate: bytes, **texts: Any) -> TestResponse:
    fields: dict[str, Any] = {"certificate": (io.BytesIO(certificate), "x.pem"), **texts}
    return web.post(f"{BASE}/install", fields)


def test_without_a_certificate_it_says_so_and_proposes_names(web: Web) -> None:
    web.device.settings.set({"http.host_names": "gateway.plant.example"}, save=True)
    page = web.get(BASE, base_url="http://meters.plant.example").text
    assert "There is no certificate yet." in page
    assert "HTTPS is not served." in page
    names = "cme3000, cme3000.local, 192.168.1.5, gateway.plant.example, meters.plant.example"
    assert page.count(f'value="{names}"') == 2
    assert "/http/certificate/remove" not in page


def test_one_is_made_and_shown(web: Web) -> None:
    answer = web.post(f"{BASE}/generate", {"names": "one.example, 10.0.0.9  two"})
    assert (answer.status_code, answer.headers.get("Location")) == (303, BASE)
    facts = web.device.certificate.facts()
    assert facts is not None
    assert facts.names == ("one.example", "two", "10.0.0.9")
    found = dict(cells(web.get(BASE).text))
    assert found["Subject"] == "CN=one.example"
    assert found["Issuer"] == "CN=one.example"
    assert found["Names"] == "one.example, two, 10.0.0.9"
    assert found["Valid from"] == "2024-01-01 00:00:00 UTC"
    assert found["Valid until"] == "2054-01-01 00:00:00 UTC"
    assert found["Key"] == "EC P-256"
    assert found["SHA-256 fingerprint"] == facts.sha256
    assert found["SHA-1 fingerprint"] == facts.sha1


def test_bad_names_are_refused_and_kept(web: Web) -> None:
    for names in ("", " , ", "a b_/c", "1.2.3.4/24", "fe80::1%eth0", HOSTILE, ",".join(f"n{n}" for n in range(33))):
        for form in ("generate", "request"):
            answer = web.post(f"{BASE}/{form}", {"names": names})
            assert answer.status_code == 400, names
            assert error_of(answer)
            assert not web.device.certificate.exists
            assert web.device.certificate.pending_request is None
            assert "<script>alert" not in answer.text
            if names.isprintable():
                assert f'id="{form}-names" name="names" value="{html.escape(names)}"' in answer.text


def test_the_present_one_is_replaced_only_with_consent(web: Web) -> None:
    web.device.certificate.generate(["old"])
    before = web.device.certificate.facts()
    answer = web.post(f"{BASE}/generate", {"names": "new"})
    assert answer.status_code == 400
    assert "tick the box" in error_of(answer)
    assert web.device.certificate.facts() == before
    assert web.post(f"{BASE}/generate", {"names": "new", "consent": "yes"}).status_code == 303
    facts = web.device.certificate.facts()
    assert facts is not None
    assert facts.names == ("new",)


def test_a_request_is_downloaded_and_a_former_one_forgotten_with_consent(web: Web) -> None:
    assert web.get(f"{BASE}/request").status_code == 404
    answer = web.post(f"{BASE}/request", {"names": "gateway.example"})
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="certificate-request.pem"'
    assert answer.text.startswith("-----BEGIN CERTIFICATE REQUEST-----")
    assert "PRIVATE" not in answer.text
    assert web.get(f"{BASE}/request").text == answer.text
    page = web.get(BASE).text
    assert "A request is open." in page
    assert "Forget it with its key" in page
    again = web.post(f"{BASE}/request", {"names": "gateway.example"})
    assert again.status_code == 400
    assert web.device.certificate.pending_request == answer.text
    again = web.post(f"{BASE}/request", {"names": "gateway.example", "consent": "yes"})
    assert again.text != answer.text
    assert web.device.certificate.pending_request == again.text


def test_one_is_installed_from_files_or_texts(web: Web) -> None:
    pem = making.self_signed(["brought.example"])
    key, certificate = pem[: pem.index(b"-----BEGIN CERT")], pem[pem.index(b"-----BEGIN CERT") :]
    assert upload(web, pem).status_code == 303
    assert dict(cells(web.get(BASE).text))["Names"] == "brought.example"
    web.device.certificate.remove()
    assert web.device.certificate.facts() is None
    assert upload(web, certificate, key=(io.BytesIO(key), "k.pem")).status_code == 303
    web.device.certificate.remove()
    texts = {"certificate_text": certificate.decode().replace("\n", "\r\n"), "key_text": key.decode()}
    assert web.post(f"{BASE}/install", texts).status_code == 303
    assert web.device.certificate.facts() is not None


BAD = [
    (b"", "PEM is needed"),
    (b"\x7fELF" + bytes(1000), "PEM is needed"),
    (b"<?php system($_GET['c']); ?>", "PEM is needed"),
    (b"\x30\x82\x01\x00" + bytes(256), "a binary file (DER or PKCS #12)"),
    (b"-----BEGIN CERTIFICATE-----\nAAAA", "cut off"),
    (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "no private key"),
    (b"-----BEGIN <script>-----\nAAAA\n-----END <script>-----", 'only "<script>"'),
    (b"x" * 65_537, "bytes of certificates and key are too many"),
]


def test_anything_but_pem_within_64_kb_is_refused(web: Web) -> None:
    assert web.device.folder is not None
    for content, words in BAD:
        answer = upload(web, content, key_text="a secret word")
        assert answer.status_code == 400, content[:50]
        assert words in error_of(answer)
        assert not web.device.certificate.exists
        assert "a secret word" not in answer.text
        assert "<script>" not in answer.text
        assert [path.name for path in web.device.folder.iterdir()] == ["settings.toml"]


def test_what_certificates_say_is_translated(web: Web) -> None:
    french = {"Accept-Language": "fr"}
    answer = web.post(f"{BASE}/install", {"certificate_text": "x"}, headers=french)
    assert "Il n'y a pas de certificat ; il faut du PEM" in error_of(answer)
    answer = web.post(f"{BASE}/generate", {"names": "a b/c"}, headers=french)
    assert "n'est ni un nom d'hôte ni une adresse IP" in error_of(answer)
    assert certificate_text("something new") == "something new"


def test_its_key_goes_over_plain_http_with_a_warning_alone(web: Web) -> None:
    warning = "This page is not encrypted"
    assert warning in web.get(BASE).text
    assert warning not in web.get(BASE, environ={"wsgi.url_scheme": "https"}).text


def test_a_damaged_file_is_told_of(web: Web) -> None:
    assert web.device.folder is not None
    (web.device.folder / "certificate.pem").write_text("<script>")
    web.device.__post_init__()
    page = web.get(BASE).text
    assert "The certificate in certificate.pem cannot be used" in page
    assert "There is no certificate that can be used." in page
    assert "<script>" not in page


def test_removal_asks_first(web: Web) -> None:
    web.device.certificate.generate(["cme3000"])
    web.device.certificate.request(["cme3000"])
    page = web.get(f"{BASE}/remove")
    assert "HTTPS ends at once" in page.text
    assert 'href="http://localhost/http/certificate"' in page.text
    assert web.device.certificate.facts() is not None
    assert web.post(f"{BASE}/remove").headers["Location"] == BASE
    assert web.device.certificate.facts() is None
    assert web.device.certificate.pending_request is None


def test_removal_says_whom_it_shuts_out(web: Web) -> None:
    web.device.certificate.generate(["cme3000"])
    root = Directive("/", "r", DirectiveType.SSL_DIGEST, (User.with_password("admin", "r", "drei Wasserzähler"),))
    web.device.settings.set({http.AUTHENTICATION.name: http.AUTHENTICATION.type.format((root,))}, save=True)
    assert "nobody can enter" in web.get(f"{BASE}/remove").text
    web.device.settings.set({"tunnel.tls_port": "10002"}, save=True)
    page = web.get(f"{BASE}/remove").text
    assert "a new self-signed certificate is made at once" in page
    assert "nobody can enter" not in page


def test_over_https_removal_leads_on_without_it(web: Web) -> None:
    web.device.certificate.generate(["cme3000"])
    data = {"form_token": web.token()}
    answer = web.client.post(f"{BASE}/remove", data=data, environ_overrides=web.environ(**{"wsgi.url_scheme": "https"}))
    assert answer.headers["Refresh"] == "2; url=http://localhost/http/certificate"


def test_forms_that_were_open_for_too_long_keep_what_was_typed(web: Web) -> None:
    token = web.token()
    web.now += 13 * 3600
    data = {"form_token": token, "names": "typed", "certificate_text": "typed", "key_text": "secret"}
    for path in ("generate", "request", "install"):
        answer = web.client.post(f"{BASE}/{path}", data=data, environ_overrides=web.environ())
        assert answer.status_code == 403
        assert "typed" in answer.text
        assert "secret" not in answer.text
