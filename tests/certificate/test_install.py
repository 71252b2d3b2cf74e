"""Certificates that people bring."""

from __future__ import annotations

import base64
import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.certificate import Certificate
from appliance.certificate.context import server_context
from appliance.certificate.making import self_signed
from appliance.certificate.versions import BOTH
from appliance.errors import CertificateError
from tests.certificate.authority import openssl

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.certificate.authority import Authority


@pytest.mark.parametrize("kind", ["RSA 2048", "EC P-256", "EC P-384", "Ed25519"])
def test_each_kind_of_key_that_is_strong_enough(certificate: Certificate, authority: Authority, kind: str) -> None:
    leaf, key = authority.pair(kind)
    facts = certificate.install(leaf + authority.issuer, key)
    assert facts == certificate.facts()
    assert facts.key == kind
    assert facts.subject == "CN=gateway.plant.example"
    assert facts.issuer == "CN=Plant issuer,O=Plant"
    assert facts.names == ("gateway.plant.example", "192.0.2.7")
    assert not facts.is_self_signed
    assert facts.warnings == (("most browsers cannot use an Ed25519 key",) if kind == "Ed25519" else ())
    certificate.context()


@pytest.mark.parametrize("kind", ["RSA 1024", "EC secp521r1", "EC secp256k1", "Ed448"])
def test_another_key_is_refused_by_its_name(certificate: Certificate, authority: Authority, kind: str) -> None:
    with pytest.raises(CertificateError, match=f"the private key is {kind}; RSA with 2048 to 4096 bits"):
        certificate.install(*authority.pair(kind))
    assert not certificate.exists


@pytest.mark.parametrize("order", ["in one text", "key first", "fields exchanged", "both in both", "chain upside down"])
def test_the_order_does_not_matter(certificate: Certificate, authority: Authority, folder: Path, order: str) -> None:
    leaf, key = authority.pair()
    chain = leaf + authority.issuer + authority.root
    texts = {
        "in one text": (chain + key, b""),
        "key first": (b"Bag Attributes: <none>\r\n" + key.replace(b"\n", b"\r\n") + chain, None),
        "fields exchanged": (key, chain),
        "both in both": (chain + key, chain + key),
        "chain upside down": (authority.root + authority.issuer + leaf, key),
    }[order]
    certificate.install(*texts)
    kept = (folder / "certificate.pem").read_bytes()
    found = [block + b"-----END CERTIFICATE-----\n" for block in kept.split(b"-----END CERTIFICATE-----\n")[:-1]]
    assert found[0].endswith(leaf)
    assert found[1:] == [authority.issuer, authority.root]
    ours = folder / "certificate.pem"
    openssl("verify", "-CAfile", authority.folder / "root.pem", "-untrusted", ours, "-purpose", "sslserver", ours)


@pytest.mark.parametrize("traditional", [False, True])
def test_an_encrypted_key(certificate: Certificate, authority: Authority, folder: Path, *, traditional: bool) -> None:
    leaf, key = authority.pair()
    locked = authority.encrypted(key, "sesam, öffne dich", traditional=traditional)
    for passphrase, words in ((None, "its passphrase is needed"), ("", "is needed"), ("wrong", "wrong passphrase")):
        with pytest.raises(CertificateError, match=words):
            certificate.install(leaf, locked, passphrase)
    certificate.install(leaf, locked, "sesam, öffne dich")
    assert b"ENCRYPTED" not in (folder / "certificate.pem").read_bytes()
    certificate.context()


def test_a_passphrase_for_a_key_that_needs_none(certificate: Certificate, authority: Authority) -> None:
    certificate.install(*authority.pair(), passphrase="of no use")  # noqa: S106 (no secret)


@pytest.mark.parametrize(
    ("options", "clock", "words"),
    [
        (("-days", "30"), 60, "expired on 20"),
        (("-days", "30"), -3, "not valid before 20"),
    ],
)
def test_one_out_of_its_time_is_taken_and_told(
    folder: Path, authority: Authority, options: tuple[str, ...], clock: int, words: str
) -> None:
    now = dt.datetime.now(dt.UTC) + dt.timedelta(days=clock)
    certificate = Certificate(folder, lambda: ["gateway"], now=lambda: now)
    key = authority.key("EC P-256")
    facts = certificate.install(authority.certificate(authority.request(key), options=options), key)
    (warning,) = facts.warnings
    assert words in warning
    assert f"the clock of the device says {now:%Y-%m-%d %H:%M} UTC" in warning
    certificate.context()


@pytest.mark.parametrize(
    ("extensions", "words"),
    [
        ("basicConstraints=CA:FALSE", "names no host"),
        ("subjectAltName=DNS:x\nextendedKeyUsage=clientAuth", "not meant for servers"),
    ],
)
def test_what_clients_would_refuse_is_told(
    certificate: Certificate, authority: Authority, extensions: str, words: str
) -> None:
    (warning,) = certificate.install(*authority.pair(extensions=extensions)).warnings
    assert words in warning


def _foreign_key(authority: Authority) -> tuple[bytes, bytes]:
    return authority.pair()[0], authority.key("EC P-256")


def _two_keys(authority: Authority) -> tuple[bytes, bytes]:
    leaf, key = authority.pair()
    return leaf + key, authority.key("EC P-256")


def _short_key(authority: Authority) -> tuple[bytes, bytes]:
    leaf, key = authority.pair()
    return leaf, key.replace(key.splitlines()[1] + b"\n", b"")


def _cut_off(authority: Authority) -> tuple[bytes, bytes]:
    leaf, key = authority.pair()
    return leaf, key[:-30]


def _damaged(authority: Authority) -> tuple[bytes, bytes]:
    leaf, key = authority.pair()
    return leaf.replace(leaf.splitlines()[2], b"A" * 64), key


def _damaged_chain(authority: Authority) -> tuple[bytes, bytes]:
    leaf, key = authority.pair()
    return leaf + authority.issuer.replace(authority.issuer.splitlines()[2], b"A" * 64), key


def _forged(authority: Authority) -> tuple[bytes, bytes]:
    leaf, key = authority.pair()
    last = leaf.splitlines()[-2]
    swapped = last.replace(last[:1], b"Z" if last[:1] != b"Z" else b"Y", 1)
    return leaf.replace(last, swapped) + authority.issuer, key


def _forged_self(_: Authority) -> tuple[bytes, bytes]:
    text = self_signed(["gateway"])
    last = text.splitlines()[-2]
    return text.replace(last, last.replace(last[:1], b"Z" if last[:1] != b"Z" else b"Y", 1)), b""


def _der(authority: Authority) -> tuple[bytes, bytes]:
    leaf, key = authority.pair()
    return openssl("x509", "-outform", "DER", data=leaf), key


def _pkcs12(authority: Authority) -> tuple[bytes, bytes]:
    leaf, key = authority.pair()
    both = authority.path("both.pem", leaf + key)
    return openssl("pkcs12", "-export", "-passout", "pass:x", "-in", both), b""


def _weakly_signed(authority: Authority) -> tuple[bytes, bytes]:
    key = authority.key("EC P-256")
    return authority.certificate(authority.request(key), options=("-days", "9", "-sha1")), key


def _request(authority: Authority) -> tuple[bytes, bytes]:
    key = authority.key("EC P-256")
    return authority.request(key), key


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: (b"", b""), "there is no certificate; PEM is needed"),
        (lambda a: (a.key("EC P-256"), None), 'there is no certificate, only "PRIVATE KEY"'),
        (lambda a: (a.pair()[0], None), "no private key with the certificate, and no request is open"),
        (lambda a: (a.pair()[0], b" \n"), "no private key"),
        (_foreign_key, "does not belong to the certificate"),
        (_two_keys, "there are 2 private keys"),
        (_short_key, r"private key \(.PRIVATE KEY.\) cannot be read"),
        (_cut_off, "cut off"),
        (_damaged, "certificate number 1 cannot be read"),
        (_damaged_chain, "certificate number 2 cannot be read"),
        (_forged, "the signature does not fit"),
        (_forged_self, "its own signature does not fit"),
        (_der, "binary file"),
        (_pkcs12, "binary file"),
        (_request, "a request, not a certificate"),
        (_weakly_signed, "cannot be used: .*md too weak"),
        (lambda a: (a.pair()[0] + b"#" * 65536, None), "are too many, at most 65536"),
        (lambda a: (a.pair()[0], b"-----BEGIN PRIVATE KEY-----\n" + b"A" * 9000 + b"\n-----END PRIVATE KEY-----"), "9"),
        (lambda _: (b"\xff\xfe" + "-----BEGIN CERTIFICATE-----".encode("utf-16-le"), b""), "PEM is needed"),
        (lambda _: (b"-----BEGIN CERTIFICATE\n", b""), "cut off"),
        (lambda _: (b"-----BEGIN \xff-----\n-----END \xff-----", b""), "cut off"),
    ],
)
def test_what_cannot_be_used_is_refused_and_changes_nothing(
    certificate: Certificate,
    authority: Authority,
    folder: Path,
    make: Callable[[Authority], tuple[bytes, bytes | None]],
    words: str,
) -> None:
    certificate.generate()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    told: list[int] = []
    certificate.subscribe(lambda: told.append(1))
    with pytest.raises(CertificateError, match=words) as caught:
        certificate.install(*make(authority))
    assert "\n" not in str(caught.value)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert not told


def test_a_request_for_an_authority(certificate: Certificate, authority: Authority, folder: Path) -> None:
    former = certificate.generate()
    request = certificate.request(["gateway.plant.example", "192.0.2.7"])
    assert certificate.pending_request == request
    assert certificate.facts() == former
    file = folder / "certificate-request.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    text = openssl("req", "-verify", "-noout", "-text", data=request.encode()).decode()
    assert "DNS:gateway.plant.example, IP Address:192.0.2.7" in text
    answer = authority.certificate(request.encode())
    again = Certificate(folder, lambda: ["gateway"])  # the answer comes after a restart
    facts = again.install(answer + authority.issuer)
    assert facts.subject == "CN=gateway.plant.example"
    assert again.pending_request is None
    assert not file.exists()
    again.context()


def test_an_answer_to_another_request_keeps_ours_open(certificate: Certificate, authority: Authority) -> None:
    request = certificate.request()
    with pytest.raises(CertificateError, match="does not belong"):
        certificate.install(authority.pair()[0])
    certificate.install(*authority.pair())  # with a key of its own it is no answer
    assert certificate.pending_request == request


@pytest.fixture(scope="module")
def leaf_and_key(authority: Authority) -> tuple[bytes, bytes]:
    return authority.pair(extensions="subjectAltName=DNS:x,IP:192.0.2.7\nextendedKeyUsage=serverAuth")


def _mutated(draw: st.DrawFn, data: bytes) -> bytes:
    mutated = bytearray(data)
    for _ in range(draw(st.integers(0, 3))):
        at, length = draw(st.integers(0, len(data))), draw(st.sampled_from([0, 1, 1, 1, 40]))
        mutated[at : at + length] = draw(st.binary(min_size=length == 1, max_size=1 if length == 1 else 8))
    return bytes(mutated)


def _recoded(draw: st.DrawFn, pem: bytes) -> bytes:
    """Change what the DER says, with the PEM around it right."""
    first, *middle, last = pem.splitlines()
    return b"\n".join([first, base64.b64encode(_mutated(draw, base64.b64decode(b"".join(middle)))), last, b""])


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # odd serial numbers
@pytest.mark.parametrize("mutate", [_mutated, _recoded])
@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_brought_is_refused_in_words_or_can_be_used(
    certificate: Certificate,
    folder: Path,
    leaf_and_key: tuple[bytes, bytes],
    mutate: Callable[[st.DrawFn, bytes], bytes],
    data: st.DataObject,
) -> None:
    leaf, key = leaf_and_key
    leaf = data.draw(st.composite(lambda draw: mutate(draw, leaf))())
    if data.draw(st.integers(0, 3)) == 0:
        key = data.draw(st.composite(lambda draw: mutate(draw, key))())
    try:
        facts = certificate.install(leaf, key)
    except CertificateError:
        return
    assert facts == certificate.facts()
    server_context((folder / "certificate.pem").read_bytes(), BOTH)
