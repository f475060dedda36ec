"""Signatures of reports: Ed25519 over the octets of the file, so that whoever gets one can see that nobody has changed
it since.

The key is the library's own: it comes from a secret in the store, and is the same for all its reports. Nothing secret
leaves it; whoever verifies needs the public key alone (docs/rehearsing.md).
"""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from gateway.domain.clock import Clock
from gateway.domain.value import value_object
from gateway.ports.shared_store import Store, Transaction
from gateway.store.api_access import CONFORMANCE_TRIALS, get_or_create_secret

CONFORMANCE_REPORTS = "conformance-reports"

KEY_BYTES = 32


@value_object
class SignedFile:
    """`signature`: 64 octets; `public_key`: PEM."""

    signature: bytes
    public_key: bytes


class ReportSigner:
    """A signer with the key of one library."""

    def __init__(self, secret: bytes) -> None:
        seed = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"illgate conformance reports").derive(secret)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    def sign_octets(self, octets: bytes) -> SignedFile:
        public_key = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return SignedFile(self._key.sign(octets), public_key)


def write_signed_file(file: Path, octets: bytes, signer: ReportSigner) -> None:
    """The file, and beside it its signature (`.sig`) and the public key (`.pub`). Raises OSError."""
    signed = signer.sign_octets(octets)
    signature, public_key = _list_companions(file)
    file.write_bytes(octets)
    signature.write_bytes(signed.signature)
    public_key.write_bytes(signed.public_key)


def is_file_as_signed(file: Path) -> bool:
    """Check a file by what stands beside it. Raises OSError for what isn't there, ValueError for a key that is none."""
    signature, public_key = _list_companions(file)
    return is_signature_valid(file.read_bytes(), SignedFile(signature.read_bytes(), public_key.read_bytes()))


def _list_companions(file: Path) -> tuple[Path, Path]:
    return file.with_name(f"{file.name}.sig"), file.with_name(f"{file.name}.pub")


async def load_trial_secret(store: Store, library: str, clock: Clock) -> bytes:
    """Load the secret by which the daemon knows the numbers of trials; made when it is asked for first. Raises
    Unavailable."""

    def load_secret(connection: Transaction) -> bytes:
        return get_or_create_secret(connection, library, CONFORMANCE_TRIALS, clock.now())

    return await store.write(load_secret)


async def load_report_signer(store: Store, library: str, clock: Clock) -> ReportSigner:
    """The key is made when it is asked for first. Raises Unavailable."""

    def load_secret(connection: Transaction) -> bytes:
        return get_or_create_secret(connection, library, CONFORMANCE_REPORTS, clock.now())

    return ReportSigner(await store.write(load_secret))


def is_signature_valid(octets: bytes, signed: SignedFile) -> bool:
    """Check a signature; raises ValueError for what is no public key of Ed25519."""
    try:
        key = load_pem_public_key(signed.public_key)
    except UnsupportedAlgorithm as error:
        raise ValueError("not a public key of Ed25519") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not a public key of Ed25519")
    try:
        key.verify(signed.signature, octets)
    except InvalidSignature:
        return False
    return True
