"""The shipped site of Apache with mod_auth_mellon (deploy/apache-saml.conf), and an identity provider that signs."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import shutil
import socket
import subprocess
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from tests.support.certificates import Authority, Pair
from tests.support.daemon import free_port, process
from tests.support.installed import NotInstalled
from tests.support.paths import ROOT

MODULES = Path("/usr/lib/apache2/modules")
NEEDED = "mpm_event authn_core authz_core authz_user headers ssl socache_shmcb proxy proxy_http auth_mellon"
SITE = "https://ill.example.org"
PROVIDER = "https://login.example.org/saml"


class IdentityProvider:
    """Signs assertions (SAML 2.0, exclusive canonical XML, RSA with SHA-256) as a real one does."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "login")]), datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self._key.public_key())
            .serial_number(1).not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
            .sign(self._key, hashes.SHA256())
        )  # fmt: skip
        self._certificate = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()

    @property
    def metadata(self) -> str:
        return f"""<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{PROVIDER}">
<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">
<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{self._certificate}</X509Certificate>
</X509Data></KeyInfo></KeyDescriptor><SingleSignOnService
Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{PROVIDER}/sso"/>
</IDPSSODescriptor></EntityDescriptor>"""

    def answer(self, address: str, user: str) -> dict[str, str]:
        """The form that the browser brings back from the address to which it was sent."""
        query = parse_qs(urlsplit(address).query)
        request = etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15))
        now = datetime.now(UTC)
        at, until = now.strftime("%FT%TZ"), (now + timedelta(minutes=5)).strftime("%FT%TZ")
        asked, place = request.get("ID"), request.get("AssertionConsumerServiceURL") or f"{SITE}/mellon/postResponse"
        assertion = f"""<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a1" Version="2.0" \
IssueInstant="{at}"><saml:Issuer>{PROVIDER}</saml:Issuer>SIGNATURE<saml:Subject><saml:NameID>{user}</saml:NameID>\
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData \
InResponseTo="{asked}" NotOnOrAfter="{until}" Recipient="{place}"/></saml:SubjectConfirmation></saml:Subject>\
<saml:Conditions NotBefore="{at}" NotOnOrAfter="{until}"><saml:AudienceRestriction>\
<saml:Audience>{SITE}/mellon/metadata</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
<saml:AuthnStatement AuthnInstant="{at}" SessionIndex="1"><saml:AuthnContext><saml:AuthnContextClassRef>\
urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext>\
</saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="uid"><saml:AttributeValue>{user}\
</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>"""
        signed = assertion.replace("SIGNATURE", self._sign(assertion.replace("SIGNATURE", "")))
        response = f"""<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r1" Version="2.0" \
IssueInstant="{at}" InResponseTo="{asked}" Destination="{place}"><saml:Issuer \
xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{PROVIDER}</saml:Issuer><samlp:Status><samlp:StatusCode \
Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>{signed}</samlp:Response>"""
        relay = {"RelayState": query["RelayState"][0]} if "RelayState" in query else {}
        return {"SAMLResponse": base64.b64encode(response.encode()).decode(), **relay}

    def _sign(self, assertion: str) -> str:
        digest = base64.b64encode(hashlib.sha256(_canonical(assertion)).digest()).decode()
        exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
        info = f"""<SignedInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><CanonicalizationMethod \
Algorithm="{exclusive}"/><SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>\
<Reference URI="#_a1"><Transforms><Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>\
<Transform Algorithm="{exclusive}"/></Transforms><DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>\
<DigestValue>{digest}</DigestValue></Reference></SignedInfo>"""
        value = base64.b64encode(self._key.sign(_canonical(info), padding.PKCS1v15(), hashes.SHA256())).decode()
        return f"""<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">{info}<SignatureValue>{value}\
</SignatureValue></Signature>"""


def _canonical(xml: str) -> bytes:
    return etree.tostring(etree.fromstring(xml), method="c14n", exclusive=True)


@dataclass(frozen=True)
class Apache:
    port: int
    authority: Authority
    provider: IdentityProvider


@contextlib.contextmanager
def apache_before(folder: Path, upstream: int) -> Iterator[Apache]:
    """Listens with TLS before the daemon. Its site is the shipped one with other ports and paths. Raises
    NotInstalled."""
    binary = shutil.which("apache2", path="/usr/sbin")
    if binary is None or not (MODULES / "mod_auth_mellon.so").exists():
        raise NotInstalled("no Apache with mod_auth_mellon (apt-get install apache2-bin libapache2-mod-auth-mellon)")
    port, authority, provider = free_port(), Authority(folder), IdentityProvider()
    own = authority.issue("ill.example.org")
    with tempfile.TemporaryDirectory() as readable:
        mellon = Path(readable)
        _write_mellon_files(mellon, provider)
        with _run_apache(folder, binary, _adapt_site(port, upstream, own, mellon), port):
            yield Apache(port, authority, provider)


def _write_mellon_files(mellon: Path, provider: IdentityProvider) -> None:
    """Key, certificate and metadata by the program of Debian's package; Apache's user reads them."""
    metadata = ["mellon_create_metadata", f"{SITE}/mellon/metadata", f"{SITE}/mellon"]
    subprocess.run(metadata, cwd=mellon, check=True, capture_output=True, timeout=60)
    for made in mellon.glob("*ill.example.org*"):
        made.rename(mellon / f"service{ {'.xml': '.xml', '.key': '.key'}.get(made.suffix, '.cert') }")
    (mellon / "idp-metadata.xml").write_text(provider.metadata)
    for file in mellon.iterdir():
        file.chmod(0o644)
    mellon.chmod(0o755)


def _adapt_site(port: int, upstream: int, own: Pair, mellon: Path) -> str:
    site = (ROOT / "deploy" / "apache-saml.conf").read_text()
    changes = {
        "http://127.0.0.1:8080/": f"http://127.0.0.1:{upstream}/",
        "*:443": f"127.0.0.1:{port}",
        "/etc/ssl/ill.example.org.pem": str(own.certificate),
        "/etc/ssl/private/ill.example.org.key": str(own.key),
        "/etc/apache2/mellon": str(mellon),
    }
    for old, new in changes.items():
        assert old in site, f"deploy/apache-saml.conf doesn't say {old!r} any more"
        site = site.replace(old, new)
    return site


@contextlib.contextmanager
def _run_apache(folder: Path, binary: str, site: str, port: int) -> Iterator[None]:
    main, log = folder / "apache.conf", folder / "apache.log"
    modules = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in NEEDED.split())
    main.write_text(
        f"{modules}ServerName ill.example.org\nServerRoot {folder}\nPidFile {folder}/apache.pid\nUser www-data\n"
        f"Group www-data\nErrorLog {log}\nListen 127.0.0.1:{port}\n{site}"
    )
    with process([binary, "-D", "FOREGROUND", "-f", str(main)], log) as started:
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > end or started.poll() is not None:
                    raise TimeoutError(f"Apache does not listen; its log:\n{log.read_text()[-2000:]}") from None
                time.sleep(0.02)
        yield
