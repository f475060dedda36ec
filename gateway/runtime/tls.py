"""TLS for listeners."""

from __future__ import annotations

import ssl
from pathlib import Path


def server_context(
    certificate: Path, key: Path, client_ca: Path | None = None, verify: ssl.VerifyMode = ssl.CERT_OPTIONAL
) -> ssl.SSLContext:
    """TLS 1.2 or later. With `client_ca`, client certificates signed by it are checked: those that are shown
    (CERT_OPTIONAL), or everyone must show one (CERT_REQUIRED).

    Raises OSError naming the file that can't be read or doesn't fit.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # includes ssl.SSLError, whose own words name no file
        raise OSError(f"TLS: certificate {certificate} with key {key} can't be used: {error}") from error
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except OSError as error:
            raise OSError(f"TLS: client authorities in {client_ca} can't be used: {error}") from error
        context.verify_mode = verify
    return context
