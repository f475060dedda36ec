"""Installations in which all shipped profiles live, as those that were made when `illgate init` still copied them."""

from __future__ import annotations

import shutil
from pathlib import Path

from gateway.profiles.shipped import list_shipped_profiles


def copy_shipped_profiles(folder: Path) -> None:
    """Into the installation's folder of profiles. Partners are files there, too, in such an installation."""
    shutil.rmtree(folder / "partners", ignore_errors=True)
    for file in list_shipped_profiles().values():
        shutil.copy(file, folder / "profiles")
