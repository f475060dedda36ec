"""Installations in which shipped profiles live, as those that were made when `illgate init` still copied them."""

from __future__ import annotations

import shutil
from pathlib import Path

from gateway.profiles.shipped import list_shipped_profiles


def copy_shipped_profiles(folder: Path, *names: str) -> None:
    """Into the installation's folder of profiles, all or those named. Partners are files there, too, in such an
    installation."""
    shutil.rmtree(folder / "partners", ignore_errors=True)
    for name, file in list_shipped_profiles().items():
        if not names or name in names:
            shutil.copy(file, folder / "profiles")
