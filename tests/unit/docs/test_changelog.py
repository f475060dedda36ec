"""CHANGELOG.md: its newest version is the one that is built, and a reader finds the same parts in each."""

from __future__ import annotations

import re
import tomllib

from tests.support.paths import ROOT

PARTS = ["Added", "Changed", "Fixed", "Security", "Upgrade"]


def test_every_version_has_its_parts_in_their_order() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.split(r"^## ", text, flags=re.MULTILINE)[1:]

    for version in versions:
        headings = re.findall(r"^### (.+)$", version, re.MULTILINE)
        assert headings == [part for part in PARTS if part in headings], version.partition("\n")[0]
    newest = versions[0].split()[0]
    assert newest == tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def test_no_line_stands_there_twice() -> None:
    lines = [line for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines() if line.startswith("- ")]

    assert len(lines) == len(set(lines))
