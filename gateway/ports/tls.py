"""How connections that we open are encrypted."""

from __future__ import annotations

from pathlib import Path

from gateway.domain.frozen import frozen


@frozen
class Tls:
    """`ca`: PEM file of the authorities to trust; None: the system's. `certificate`: PEM file with our own
    certificate and key, for those who ask for one. Certificates are always checked."""

    ca: Path | None = None
    certificate: Path | None = None

    def within(self, folder: Path) -> Tls:
        """With files that are relative to this folder."""
        return Tls(
            ca=folder / self.ca if self.ca is not None else None,
            certificate=folder / self.certificate if self.certificate is not None else None,
        )
