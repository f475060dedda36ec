"""Mermaid, which draws the diagrams: one version, from the npm registry, fetched once and served by the site itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "11.9.0"
KEPT = Path(sys.prefix) / "share" / "illgate-docs" / f"mermaid-{VERSION}.min.js"
MEMBER = "package/dist/mermaid.min.js"
SECONDS = 300


class MermaidNotFetchedError(Exception):
    """The message has the reason."""


def fetch_mermaid() -> Path:
    """Raises MermaidNotFetchedError."""
    if KEPT.is_file():
        return KEPT
    npm = shutil.which("npm")
    if npm is None:
        raise MermaidNotFetchedError("the diagrams need mermaid from npm: install npm (Debian: apt-get install npm)")
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT.parent) as folder:
        command = [npm, "pack", f"mermaid@{VERSION}", "--silent", "--pack-destination", folder]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=SECONDS, cwd=folder)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise MermaidNotFetchedError(f"npm could not fetch mermaid {VERSION}: {type(error).__name__}") from error
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as packed:
            member = packed.extractfile(MEMBER)
            assert member is not None, f"{MEMBER} is not a file"
            half = Path(folder) / KEPT.name
            half.write_bytes(member.read())
        half.replace(KEPT)  # several processes may fetch at once
    return KEPT
