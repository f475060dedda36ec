"""Packages from the npm registry, in the versions of a lock file."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.support.installed import NotInstalled

LOCKS = Path(__file__).parent / "npm"
SECONDS = 300


def install_npm_packages(lock_folder: Path, folder: Path) -> None:
    """Install what a lock file names. Raises NotInstalled."""
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalled(f"there is no npm to install the packages of {lock_folder.name} with")
    for file in lock_folder.glob("package*.json"):
        shutil.copy(file, folder)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS, cwd=folder)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"npm could not install the packages of {lock_folder.name}: {error!r}") from error
