"""axe-core, which looks for what keeps people out: the one version that the tests are pinned to, from the npm registry.

It is fetched once, by `npm pack`, and kept in the environment that the tests run in.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from tests.support.installed import NotInstalled

VERSION = "4.14.1"
KEPT = Path(sys.prefix) / "share" / "illgate-tests" / f"axe-core-{VERSION}.js"
MEMBER = "package/axe.min.js"
SECONDS = 120

GRAVE = ("serious", "critical")


def source() -> str:
    """Raises NotInstalled."""
    if not KEPT.is_file():
        _fetch()
    return KEPT.read_text(encoding="utf-8")


def _fetch() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalled(f"axe-core {VERSION} is not here, and there is no npm to fetch it with")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"axe-core@{VERSION}", "--silent", "--pack-destination", folder]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=SECONDS, cwd=folder)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise NotInstalled(f"npm could not fetch axe-core {VERSION}: {type(error).__name__}") from error
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as packed:
            member = packed.extractfile(MEMBER)
            assert member is not None, f"{MEMBER} is no file"
            content = member.read()
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    half = KEPT.with_suffix(f".{Path(folder).name}")
    half.write_bytes(content)
    half.replace(KEPT)  # several processes may fetch at once


def grave(results: dict[str, Any]) -> list[str]:
    """Of what axe found, what is serious or worse."""
    return describe_findings([one for one in results["violations"] if one["impact"] in GRAVE])


def describe_findings(violations: list[dict[str, Any]]) -> list[str]:
    """Rule, what it says, where."""
    return [f"{one['id']} ({one['impact']}): {one['help']}: {_places(one['nodes'])}" for one in violations]


def _places(nodes: list[dict[str, Any]]) -> str:
    return ", ".join(" ".join(node["target"]) for node in nodes[:5])
