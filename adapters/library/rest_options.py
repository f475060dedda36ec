"""Settings that all library systems by HTTP share. They are read long before anything is sent: without aiohttp."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from gateway.domain.circulation_policy import ProfileSection
from gateway.ports.tls import ClientTls


class RestSeconds(ProfileSection):
    """Time limits of one call."""

    connect: float = Field(5.0, gt=0, le=600, description="until there is a connection")
    look_up: float = Field(10.0, gt=0, le=600, description="for the answer to a question")
    change: float = Field(30.0, gt=0, le=600, description="for the answer to a change; then its outcome is unknown")
    idle: float = Field(
        4.0, ge=0, le=600, description="an unused connection is kept so long; less than the server keeps it"
    )


def resolve_tls(ca: str, certificate: str, folder: Path) -> ClientTls:
    """`folder`: where relative paths begin."""
    files = (Path(file) if file else None for file in (ca, certificate))
    return ClientTls(*files).resolve_in_folder(folder)
