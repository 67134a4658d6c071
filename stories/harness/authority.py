"""A certificate authority with an intermediate one, made with the cryptography package."""

from __future__ import annotations

import datetime
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


@dataclass
class Signed:
    """A certificate with its key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self) -> bytes:
        """The key, PKCS#8."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Authority:
    """A root and the intermediate authority that it signed."""

    def __init__(self, folder: Path, name: str = "Authority of the test"):
        self.root = signed(f"{name}: root", authority=True, days=4000)
        self.middle = signed(f"{name}: intermediate", by=self.root, authority=True, days=4000)
        self.file = folder / f"{name.replace(' ', '-').lower()}.pem"
        self.file.write_bytes(self.root.pem())

    def server(self, *hosts: str, days: float = 30) -> Signed:
        """A server's certificate."""
        return signed(hosts[0], by=self.middle, names=hosts, days=days, usage=ExtendedKeyUsageOID.SERVER_AUTH)

    def client(self, *names: str, days: float = 30) -> Signed:
        """A client's certificate."""
        return signed("a client", by=self.middle, names=names, days=days, usage=ExtendedKeyUsageOID.CLIENT_AUTH)

    def chain(self, own: Signed) -> bytes:
        """The certificate and what a client needs to find the root."""
        return own.pem() + self.middle.pem()


def signed(name: str, *, by: Signed | None = None, authority: bool = False, names=(), days: float = 90, usage=None) -> Signed:
    """A new key and its certificate, signed by `by` or by itself; it began 90 days before its end or
    a day ago, whichever is earlier."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    ends = now + days * DAY
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now - DAY, ends - 90 * DAY))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if by:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
        builder = builder.add_extension(identifier, critical=False)
    if authority:
        builder = builder.add_extension(
            x509.KeyUsage(
                digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
                key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )  # fmt: skip
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if names:
        alternatives = x509.SubjectAlternativeName([general_name(name) for name in names])
        builder = builder.add_extension(alternatives, critical=False)
    return Signed(key, builder.sign(by.key if by else key, hashes.SHA256()))


def general_name(name: str) -> x509.GeneralName:
    """A SPIFFE ID, an address or a DNS name."""
    if "://" in name:
        return x509.UniformResourceIdentifier(name)
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def put(path: Path, content: bytes, mode: int = 0o644) -> Path:
    """Write a file as those who renew certificates do: beside, then in its place."""
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    beside.chmod(mode)
    os.replace(beside, path)
    return path
