"""What tests install besides: once, into folders that are kept in the environment that they run in."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

KEPT = Path(sys.prefix) / "share" / "illgate-tests"


def keep_folder(name: str, fill: Callable[[Path], None]) -> Path:
    """The folder of this name. Where it isn't there yet, `fill` gets a new one; what it leaves half done when it fails
    is removed. Raises what `fill` raises."""
    folder = KEPT / name
    KEPT.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several processes may want it at once
        if not folder.is_dir():
            made = Path(tempfile.mkdtemp(dir=KEPT))
            try:
                fill(made)
                made.replace(folder)
            finally:
                shutil.rmtree(made, ignore_errors=True)
    return folder


def require_folder(name: str, fill: Callable[[Path], None]) -> Path:
    """As `keep_folder`; skips where a program that `fill` starts fails. Where CI is set that is a failure."""
    try:
        return keep_folder(name, fill)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{name} could not be installed: {type(error).__name__}")
