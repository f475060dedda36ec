"""The files as they are shipped: profiles that partners extend, and what `illgate init` begins with."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import gateway


def find_shipped_folder() -> Path:
    """The folder with gateway.yml, requests.yml and profiles/ as shipped: in a wheel, or else in the source tree."""
    package = Path(gateway.__file__).parent
    inside = package / "shipped"
    return inside if inside.is_dir() else package.parent


@cache
def list_shipped_profiles() -> dict[str, Path]:
    """The files of shipped profiles by name. They live for nobody: a partner extends one."""
    return {file.stem: file for file in sorted((find_shipped_folder() / "profiles").glob("*.yml"))}


def list_sample_partners() -> list[Path]:
    """The files of the partners that `illgate init` gives to the sample library."""
    return sorted((find_shipped_folder() / "profiles" / "sample-partners").glob("*.yml"))


def is_as_shipped(name: str, file: Path) -> bool:
    """Return whether a file is the unchanged copy of a shipped profile."""
    shipped = list_shipped_profiles().get(name)
    return shipped is not None and file.is_file() and file.read_bytes() == shipped.read_bytes()
