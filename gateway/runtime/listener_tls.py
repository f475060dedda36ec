"""TLS of listeners: certificate, key and client authorities from files, taken anew when the files change.

A certificate lives for weeks, and so does the daemon: whoever renews it (certbot, a cron job) puts new files in place
and does nothing else. Connections that are open go on as they began.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, Self

import structlog

from gateway.ports.tls import FileStamp, stamp_file

log = structlog.get_logger(component="tls")


def make_server_context(
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
        raise OSError(f"TLS: certificate {certificate} with key {key} cannot be used: {error}") from error
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except OSError as error:
            raise OSError(f"TLS: client authorities in {client_ca} cannot be used: {error}") from error
        context.verify_mode = verify
    return context


class RenewableServerContext(ssl.SSLContext):
    """A context that a listener gives to asyncio: each connection is encrypted by the one that is current when it
    begins.

    A new context, not new files in the old one: there an authority that is gone would still be trusted, and so would
    the sessions that its clients can resume.
    """

    def __new__(cls, *_files: object, **_options: object) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(
        self, certificate: Path, key: Path, client_ca: Path | None = None, verify: ssl.VerifyMode = ssl.CERT_OPTIONAL
    ) -> None:
        """Read the files; raises OSError naming the one that can't be read or doesn't fit."""
        self._certificate = certificate
        self._key = key
        self._client_ca = client_ca
        self._verify = verify
        self._seen = self._stamp_files()
        self._current = self._read_files()
        self.verify_mode = self._current.verify_mode
        self.problem = ""
        """Why the files as they are now are not in use; empty: they are."""

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:
        """Wrap a connection; asyncio asks for each."""
        return self._current.wrap_bio(*arguments, **named)

    def take_changed_files(self) -> bool:
        """Reads the files anew where one of them has changed. False: they cannot be used as they are (`problem` says
        why), and what was read before stays in use. Files that change one after the other are looked at again."""
        stamps = self._stamp_files()
        if stamps == self._seen:
            return not self.problem
        self._seen = stamps
        try:
            self._current = self._read_files()
        except OSError as error:
            self.problem = str(error)
            log.error("tls.certificate_not_renewed", file=str(self._certificate), problem=self.problem)
            return False
        self.problem = ""
        log.info("tls.certificate_renewed", file=str(self._certificate))
        return True

    def _read_files(self) -> ssl.SSLContext:
        return make_server_context(self._certificate, self._key, self._client_ca, self._verify)

    def _stamp_files(self) -> tuple[FileStamp | None, ...]:
        files = (self._certificate, self._key, self._client_ca)
        return tuple(_stamp_if_there(file) for file in files if file is not None)


def _stamp_if_there(file: Path) -> FileStamp | None:
    """None for one that is not there (now): what follows from that says who reads it."""
    try:
        return stamp_file(file)
    except OSError:
        return None


def list_tls_notes(context: ssl.SSLContext | None) -> tuple[str, ...]:
    """List what /readyz notes of a listener that works."""
    return (context.problem,) if isinstance(context, RenewableServerContext) and context.problem else ()
