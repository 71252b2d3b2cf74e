"""An authority of a plant, and whatever certificates and keys people may bring; all made by the openssl program."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.conftest import need

if TYPE_CHECKING:
    from pathlib import Path

OPENSSL = shutil.which("openssl") or ""

KINDS = {
    "RSA 2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "EC P-256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "EC P-384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "Ed25519": ["-algorithm", "ED25519"],
    # What is refused.
    "RSA 1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "EC secp521r1": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "EC secp256k1": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
    "Ed448": ["-algorithm", "ED448"],
}


def openssl(*arguments: object, data: bytes = b"") -> bytes:
    """Run the program and give what it prints."""
    need(OPENSSL, "the program openssl is not installed")
    command = [OPENSSL, *map(str, arguments)]
    done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Authority:
    """A root and one that it has empowered, which signs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = self._authority("root", None)
        self.issuer = self._authority("issuer", "root")

    def _authority(self, name: str, signer: str | None) -> bytes:
        key = self.path(f"{name}.key", self.key("EC P-256"))
        options = ["-CA", self.folder / f"{signer}.pem", "-CAkey", self.folder / f"{signer}.key"] if signer else []
        certificate = openssl(
            *("req", "-x509", "-new", "-key", key, "-days", 3650, "-subj", f"/O=Plant/CN=Plant {name}"),
            *("-addext", "keyUsage=critical,keyCertSign", *options),
        )
        self.path(f"{name}.pem", certificate)
        return certificate

    def path(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def key(self, kind: str) -> bytes:
        return openssl("genpkey", *KINDS[kind])

    def encrypted(self, key: bytes, passphrase: str, *, traditional: bool = False) -> bytes:
        if traditional:
            return openssl("ec", "-aes128", "-passout", f"pass:{passphrase}", data=key)
        return openssl("pkcs8", "-topk8", "-passout", f"pass:{passphrase}", data=key)

    def request(self, key: bytes) -> bytes:
        return openssl("req", "-new", "-key", self.path("leaf.key", key), "-subj", "/CN=gateway.plant.example")

    def certificate(
        self,
        request: bytes,
        *,
        extensions: str = "subjectAltName=DNS:gateway.plant.example,IP:192.0.2.7",
        options: tuple[str, ...] = ("-days", "365"),
    ) -> bytes:
        """Sign a request."""
        return openssl(
            *("x509", "-req", "-CA", self.folder / "issuer.pem", "-CAkey", self.folder / "issuer.key"),
            *("-extfile", self.path("extensions", extensions.encode()), *options),
            data=request,
        )

    def pair(self, kind: str = "EC P-256", **how: str) -> tuple[bytes, bytes]:
        """Give a certificate and its key."""
        key = self.key(kind)
        return self.certificate(self.request(key), **how), key  # type: ignore[arg-type] # extensions alone
