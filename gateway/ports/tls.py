"""Encryption of connections that we open, and their aborting."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from functools import lru_cache
from pathlib import Path

from gateway.domain.problems import Unavailable
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object


@value_object
class ClientTls:
    """`ca`: PEM file of the authorities to trust; None: the system's. `certificate`: PEM file with our own
    certificate and key, for those who ask for one. Certificates are always checked."""

    ca: Path | None = None
    certificate: Path | None = None

    def resolve_in_folder(self, folder: Path) -> ClientTls:
        """Resolve files that are relative to this folder."""
        return ClientTls(
            ca=folder / self.ca if self.ca is not None else None,
            certificate=folder / self.certificate if self.certificate is not None else None,
        )


def abort_transport(transport: asyncio.WriteTransport) -> None:
    """Close the connection at once; what has not been sent is lost. Does nothing if it has ended already."""
    # Python 3.11.2, as Debian 12 has it, has no protocol left in a TLS transport whose connection was lost.
    with contextlib.suppress(AttributeError):
        transport.abort()


def make_client_context(tls: ClientTls) -> ssl.SSLContext:
    """TLS 1.2 or later; certificates and names are always checked. The same one while the files stay as they are, since
    to read the system's authorities takes longer than many a message; so nobody may change it. Raises OSError naming
    what cannot be used."""
    try:
        authorities = tls.ca or ssl.get_default_verify_paths().cafile
        stamps = (stamp_file(file) if file is not None else None for file in (authorities, tls.certificate))
        return _build_client_context(tls, *stamps)
    except OSError as error:  # includes ssl.SSLError, whose own words name no file
        files = " or ".join(str(file) for file in (tls.ca, tls.certificate) if file is not None)
        raise OSError(f"TLS: {files or 'the authorities of the system'} cannot be used: {error}") from error


def require_client_context(tls: ClientTls) -> ssl.SSLContext:
    """Make a context; raises Unavailable, since nothing was sent yet."""
    try:
        return make_client_context(tls)
    except OSError as error:
        raise Unavailable(write_sentence("a TLS file cannot be used: %(report)s", report=error)) from error


FileStamp = tuple[int, int, int]


@lru_cache(maxsize=256)
def _build_client_context(
    tls: ClientTls, _authorities: FileStamp | None, _certificate: FileStamp | None
) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.certificate is not None:
        context.load_cert_chain(tls.certificate)
    return context


def stamp_file(file: Path | str) -> FileStamp:
    """Changes with the file, also where another one is moved to its place. Raises OSError."""
    stat = Path(file).stat()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
