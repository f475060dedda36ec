"""Search for the owner of a client certificate: of a TLS connection of ours, or told by a proxy that has verified it.

A name is read by `cryptography` and never by patterns of our own: in `O="x,CN=partner-a"` a pattern finds a name that
nobody has.
"""

from __future__ import annotations

import base64
import hashlib
from asyncio import BaseTransport
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import structlog
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from gateway.domain.profile import normalize_alternative_name
from gateway.ports.responder import ClientCertificate
from gateway.web.trusted_proxies import TrustedProxies

log = structlog.get_logger(component="http")

VERIFIED = "X-Client-Verify"
SUBJECT = "X-Client-Subject"
"""Set by a proxy (deploy/nginx-proxy.conf) to nginx's `$ssl_client_verify` and `$ssl_client_s_dn`."""

REMEMBERED = 256
"""So many certificates are read once only: partners come again and again."""

_NAMES: Mapping[str, ObjectIdentifier] = {
    "cn": NameOID.COMMON_NAME,
    "commonName": NameOID.COMMON_NAME,
    "SN": NameOID.SURNAME,
    "GN": NameOID.GIVEN_NAME,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "street": NameOID.STREET_ADDRESS,
    "postalCode": NameOID.POSTAL_CODE,
    "title": NameOID.TITLE,
    "initials": NameOID.INITIALS,
    "pseudonym": NameOID.PSEUDONYM,
    "dnQualifier": NameOID.DN_QUALIFIER,
    "generationQualifier": NameOID.GENERATION_QUALIFIER,
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "businessCategory": NameOID.BUSINESS_CATEGORY,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "unstructuredName": NameOID.UNSTRUCTURED_NAME,
    "x500UniqueIdentifier": NameOID.X500_UNIQUE_IDENTIFIER,
    "jurisdictionC": NameOID.JURISDICTION_COUNTRY_NAME,
    "jurisdictionST": NameOID.JURISDICTION_STATE_OR_PROVINCE_NAME,
    "jurisdictionL": NameOID.JURISDICTION_LOCALITY_NAME,
    "name": ObjectIdentifier("2.5.4.41"),
    "description": ObjectIdentifier("2.5.4.13"),
    "telephoneNumber": ObjectIdentifier("2.5.4.20"),
}
"""How OpenSSL, and so nginx, abbreviates what RFC 4514 has no short name for."""


class UnreadableCertificateError(ValueError):
    """A certificate or its subject that a proxy has sent can't be read; says what is wrong and holds nothing of it."""


def connection_certificate(transport: BaseTransport | None) -> ClientCertificate | None:
    """The client certificate of a TLS connection, verified by it; None if there is none."""
    if transport is None or not transport.get_extra_info("peercert"):  # only there when it was verified
        return None
    try:
        return read_certificate(transport.get_extra_info("ssl_object").getpeercert(binary_form=True))
    except UnreadableCertificateError:  # OpenSSL takes more than a strict reader does: then nobody is known by it
        return None


@lru_cache(maxsize=REMEMBERED)
def read_certificate(der: bytes) -> ClientCertificate:
    """Read a certificate; raises UnreadableCertificateError."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        common_name = _sole_common_name(certificate.subject)
    except ValueError as error:
        raise UnreadableCertificateError("not a certificate (X.509)") from error
    return ClientCertificate(common_name, _alternative_names(certificate), hashlib.sha256(der).hexdigest())


@lru_cache(maxsize=REMEMBERED)
def read_subject(subject: str) -> ClientCertificate:
    """Read a certificate's subject alone, in the form of RFC 4514. Raises UnreadableCertificateError."""
    try:
        return ClientCertificate(_sole_common_name(x509.Name.from_rfc4514_string(subject, _NAMES)))
    except ValueError as error:
        raise UnreadableCertificateError("not a name in the form of RFC 4514") from error


def _sole_common_name(subject: x509.Name) -> str:
    """'' where there is none or more than one: which of them is meant nobody can say."""
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else ""


def _alternative_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Those of the kinds that a profile can name."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return ()
    return tuple(_normalized(names))


def _normalized(names: Iterable[x509.GeneralName]) -> Iterable[str]:
    kinds = {
        x509.DNSName: "DNS",
        x509.RFC822Name: "email",
        x509.UniformResourceIdentifier: "URI",
        x509.IPAddress: "IP",
    }
    for name in names:
        if (kind := kinds.get(type(name))) is not None and str(name.value):
            yield normalize_alternative_name(f"{kind}:{name.value}")


def decode_forwarded_certificate(text: str) -> bytes:
    """DER bytes of a certificate in a header: PEM, percent-encoded as nginx's `$ssl_client_escaped_cert`, or DER in
    base64, with or without the colons of RFC 9440. Raises UnreadableCertificateError."""
    raw = unquote_to_bytes(text.strip())
    try:
        if raw.startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(raw).public_bytes(Encoding.DER)
        return base64.b64decode(raw.removeprefix(b":").removesuffix(b":"), validate=True)
    except ValueError as error:
        raise UnreadableCertificateError("not a certificate in PEM (percent-encoded) or base64") from error


class ForwardedCertificates:
    """Client certificates that proxies have verified, by what they say in headers.

    `proxies`: whose word is taken. `header`: where they put the whole certificate; empty: they say its subject only,
    in `X-Client-Subject`. One of the two counts and never the other, since a proxy passes on what it doesn't know:
    a header that it does not set is the client's own.
    """

    def __init__(self, proxies: TrustedProxies, header: str = "") -> None:
        self._proxies = proxies
        self._header = header

    def read(self, request: web.Request) -> ClientCertificate | None:
        """None: no proxy of ours has verified one, or it can't be read."""
        peer = request.remote or ""
        if not self._proxies or not self._proxies.is_trusted(peer):
            return None
        if request.headers.getall(VERIFIED, []) != ["SUCCESS"]:
            return None
        header = self._header or SUBJECT
        values = request.headers.getall(header, [])
        try:
            if len(values) != 1:
                raise UnreadableCertificateError("missing" if not values else "there more than once")
            if self._header:
                return read_certificate(decode_forwarded_certificate(values[0]))
            return read_subject(values[0])
        except UnreadableCertificateError as error:
            log.warning("http.client_certificate_unreadable", peer=peer, header=header, problem=str(error))
            return None
