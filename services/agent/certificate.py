"""The agent's own certificate, made at its first start: whom others see when bytes are encrypted.

Nobody vouches for it and no name or date in it means anything: its SHA-256 fingerprint goes to the
scheduler with every beat, and who connects accepts exactly the certificate that it was told of.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from services.agent.identity import Refused
from services.runtime.tokens import write_private

FILE = "certificate.pem"
NAME = "haulage agent"
END_OF_TIME = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # As RFC 5280 (4.1.2.5) writes it.


class Certificate(Struct, frozen=True):
    """`path` holds the private key and the certificate; `fingerprint` is 64 hex characters."""

    path: Path
    fingerprint: str


def kept_or_made(folder: Path) -> Certificate:
    """That of an agent whose directory this is. Raises Refused."""
    path = folder / FILE
    if not path.exists():
        write_private(path, _made(datetime.now(UTC)))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)
        found = path.read_text()
        encoded = ssl.PEM_cert_to_DER_cert(found[found.index(ssl.PEM_HEADER) :])
    except (OSError, ValueError) as error:
        message = f"{path} holds no key and certificate: put it back or remove the file"
        raise Refused(f"{message} ({error})") from error
    return Certificate(path, fingerprint_of(encoded))


def fingerprint_of(encoded: bytes) -> str:
    """`encoded` is a certificate in DER."""
    return sha256(encoded).hexdigest()


def _made(now: datetime) -> bytes:
    """Imported here: it is needed once in an agent's life."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(END_OF_TIME)
    in_pem = serialization.Encoding.PEM
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    certificate = builder.sign(key, hashes.SHA256())
    return key.private_bytes(in_pem, *private) + certificate.public_bytes(in_pem)
