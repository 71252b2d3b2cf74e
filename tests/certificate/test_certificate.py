"""The certificate that the device makes itself, and how it is kept."""

from __future__ import annotations

import datetime as dt
import errno
import os
import ssl
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from appliance.certificate import BOTH, Certificate
from appliance.errors import CertificateError, NotConfirmed
from tests.certificate.authority import openssl

if TYPE_CHECKING:
    from pathlib import Path


def test_one_that_is_not_there_is_never_made_unasked(certificate: Certificate, folder: Path) -> None:
    assert not certificate.exists
    assert certificate.facts() is None
    assert certificate.problem is None
    with pytest.raises(CertificateError, match="there is no certificate"):
        certificate.context()
    assert not folder.exists()


def test_it_is_made_when_asked_and_kept(certificate: Certificate, folder: Path) -> None:
    certificate.context(makes_one=True)
    file = folder / "certificate.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    first = file.read_bytes()
    certificate.context(makes_one=True)
    certificate.context()
    assert file.read_bytes() == first
    assert certificate.exists
    assert [path.name for path in folder.iterdir()] == ["certificate.pem"]


def test_what_openssl_reads_in_it(certificate: Certificate, folder: Path) -> None:
    facts = certificate.generate()
    file = folder / "certificate.pem"
    text = openssl("x509", "-in", file, "-noout", "-text").decode()
    assert "DNS:gateway, DNS:gateway.local, IP Address:192.0.2.7, IP Address:0:0:0:0:0:0:0:1" in text
    assert "TLS Web Server Authentication" in text
    assert "CA:FALSE" in text
    assert "ASN1 OID: prime256v1" in text
    fingerprint = openssl("x509", "-in", file, "-noout", "-fingerprint", "-sha256").decode()
    assert fingerprint.strip().endswith("=" + facts.sha256)
    fingerprint = openssl("x509", "-in", file, "-noout", "-fingerprint", "-sha1").decode()
    assert fingerprint.strip().endswith("=" + facts.sha1)
    # As a client that has been given it checks it: by every rule, under each of its names.
    for check in (["-verify_hostname", "gateway.local"], ["-verify_ip", "192.0.2.7"], ["-verify_ip", "::1"]):
        openssl("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", file, *check, file)


def test_its_facts(certificate: Certificate) -> None:
    facts = certificate.generate()
    assert facts == certificate.facts()
    assert facts.subject == facts.issuer == "CN=gateway"
    assert facts.is_self_signed
    assert facts.names == ("gateway", "gateway.local", "192.0.2.7", "::1")
    assert facts.key == "EC P-256"
    assert facts.warnings == ()


@pytest.mark.parametrize("clock", [dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.datetime(2036, 6, 1, tzinfo=dt.UTC)])
def test_it_is_good_for_clients_whatever_the_clock_of_the_device(folder: Path, clock: dt.datetime) -> None:
    certificate = Certificate(folder, lambda: ["gateway"], now=lambda: clock)
    facts = certificate.generate()
    assert facts.not_before <= dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    assert facts.not_after >= dt.datetime(2050, 1, 1, tzinfo=dt.UTC)
    assert bool(facts.warnings) == (clock.year == 1970)


def test_each_has_a_key_and_a_number_of_its_own(certificate: Certificate, folder: Path) -> None:
    seen = set()
    for _ in range(3):
        certificate.generate()
        seen.add(openssl("x509", "-in", folder / "certificate.pem", "-noout", "-serial", "-pubkey"))
    assert len(seen) == 3


def test_names_of_ones_own(certificate: Certificate) -> None:
    facts = certificate.generate([" meters.example ", "198.51.100.9", "meters.example"])
    assert facts.names == ("meters.example", "198.51.100.9")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "1 to 32 names, not 0"),
        ([" "], "1 to 32 names, not 0"),
        ([f"n{i}" for i in range(33)], "not 33"),
        (["two words"], '"two words" is neither a host name nor'),
        (["münchen.example"], "neither a host name"),
        (["fe80::1%eth0"], "neither a host name"),
        (["a" * 64], "neither a host name"),
        (["x." * 127 + "x"], "neither a host name"),
        (["-x"], "neither a host name"),
        (["a\nb"], "neither a host name"),
    ],
)
def test_a_name_that_no_certificate_can_have(certificate: Certificate, names: list[str], words: str) -> None:
    certificate.generate()
    before = certificate.facts()
    with pytest.raises(CertificateError, match=words):
        certificate.generate(names)
    with pytest.raises(CertificateError, match=words):
        certificate.request(names)
    assert certificate.facts() == before


def test_a_device_with_an_odd_name_has_a_certificate_all_the_same(folder: Path) -> None:
    certificate = Certificate(folder, lambda: ["zähler", "192.0.2.7"])
    assert certificate.generate().names == ("192.0.2.7",)
    Certificate(folder / "other", lambda: ["zähler"]).context(makes_one=True)


@pytest.mark.parametrize("content", [b"", b"junk", b"-----BEGIN PRIVATE KEY-----\nMIG"])
def test_a_broken_one_is_told_and_left_alone(folder: Path, content: bytes) -> None:
    folder.mkdir()
    file = folder / "certificate.pem"
    file.write_bytes(content)
    certificate = Certificate(folder, lambda: ["gateway"])
    assert certificate.exists
    assert "certificate.pem cannot be used" in str(certificate.problem)
    assert certificate.facts() is None
    with pytest.raises(CertificateError, match="cannot be used"):
        certificate.context()
    assert file.read_bytes() == content


def test_a_broken_one_is_kept_aside_when_another_is_made(folder: Path) -> None:
    folder.mkdir()
    for turn in range(6):
        (folder / "certificate.pem").write_bytes(b"a key of somebody %d" % turn)
        certificate = Certificate(folder, lambda: ["gateway"])
        certificate.context(makes_one=True)
        assert "kept as certificate.pem.aside" in str(certificate.problem)
        assert certificate.facts() is not None
    certificate.generate()  # the good one before is not kept
    assert certificate.problem is None
    kept = {path.read_bytes()[-1:] for path in folder.glob("certificate.pem.aside*")}
    assert kept == {b"0", b"1", b"2", b"5"}


def test_what_the_system_cannot_read_now_is_not_replaced(
    certificate: Certificate, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate.generate()
    before = (folder / "certificate.pem").read_bytes()

    def full(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(os, "memfd_create", full)
        with pytest.raises(CertificateError, match="Too many open files"):
            certificate.context(makes_one=True)
    assert (folder / "certificate.pem").read_bytes() == before
    certificate.context()


def test_a_disk_that_refuses_leaves_the_former(
    certificate: Certificate, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate.generate()
    before = (folder / "certificate.pem").read_bytes()
    calls = []
    certificate.subscribe(lambda: calls.append(1))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("appliance.atomic._write", full)
    with pytest.raises(CertificateError, match="No space left"):
        certificate.generate()
    assert (folder / "certificate.pem").read_bytes() == before
    assert not calls


def test_a_disk_that_does_not_confirm_has_taken_it(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    former = certificate.generate()
    from appliance import atomic

    def doubtful(path: Path, data: bytes) -> None:
        path.write_bytes(data)
        raise NotConfirmed(errno.EIO, "Input/output error")

    monkeypatch.setattr(atomic, "replace", doubtful)
    assert certificate.generate() == certificate.facts() != former


def test_subscribers_hear_of_each_change_until_they_end_it(certificate: Certificate) -> None:
    heard: list[str] = []

    def broken() -> None:
        raise RuntimeError("of no interest to the others")

    certificate.subscribe(broken)
    end = certificate.subscribe(lambda: heard.append("made" if certificate.exists else "gone"))
    certificate.context(makes_one=True)
    certificate.context(makes_one=True)
    certificate.generate()
    certificate.remove()
    certificate.remove()
    assert heard == ["made", "made", "gone"]
    end()
    certificate.generate()
    assert len(heard) == 3


def test_removing_leaves_no_key_behind(folder: Path) -> None:
    folder.mkdir()
    (folder / "certificate.pem").write_bytes(b"broken")
    (folder / ".certificate.pem.0123456789abcdef.tmp").write_bytes(b"of a process that was killed")
    certificate = Certificate(folder, lambda: ["gateway"])
    certificate.generate()
    certificate.request()
    (folder / "settings.toml").write_bytes(b"")
    certificate.remove()
    assert [path.name for path in folder.iterdir()] == ["settings.toml"]
    assert not certificate.exists
    assert certificate.pending_request is None


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("no folder")
    certificate = Certificate(tmp_path / "in the way", lambda: ["gateway"])
    with pytest.raises(CertificateError, match=r"cannot make a certificate in .*: .*(File exists|Not a directory)"):
        certificate.context(makes_one=True)
    with pytest.raises(CertificateError):
        certificate.generate()


def test_many_threads_make_one_certificate(certificate: Certificate) -> None:
    made: list[int] = []
    certificate.subscribe(lambda: made.append(1))
    threads = [threading.Thread(target=lambda: certificate.context(makes_one=True)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert made == [1]


def test_only_ciphers_with_forward_secrecy_and_authentication(certificate: Certificate) -> None:
    context = certificate.context(BOTH, makes_one=True)
    for cipher in context.get_ciphers():
        name = cipher["name"]
        assert name.startswith(("TLS_", "ECDHE-")), name
        assert "GCM" in name or "POLY1305" in name, name
        assert "PSK" not in name, name
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_device_with_a_certificate_starts_without_the_library_that_makes_one(
    certificate: Certificate, folder: Path
) -> None:
    certificate.generate()
    program = (
        "import pathlib, sys\n"
        "from appliance.certificate import Certificate\n"
        "Certificate(pathlib.Path(sys.argv[1]), list).context()\n"
        "sys.exit('cryptography' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, folder], check=False, timeout=30, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
