"""The documentation site as `make docs` builds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from docsite.mermaid import MermaidNotFetchedError, fetch_mermaid
from tests.support.installed import NotInstalled
from tests.support.paths import ROOT


def build_site(folder: Path) -> str:
    """What MkDocs prints as it builds the site into this folder. Raises NotInstalled."""
    try:
        fetch_mermaid()
    except MermaidNotFetchedError as error:
        raise NotInstalled(str(error)) from error
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr
