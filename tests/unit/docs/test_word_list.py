"""The word list of the project, where it is at hand, finds nothing in pages, letters, commands and settings but what is
listed here, and in documentation only what has a reason. It knows texts of catalogues and helps, but for the API's."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.paths import ROOT

ALLOWED: Mapping[str, str] = {
    "gateway/cli/request_commands.py: reader: --reader needs --reader-name 'SURNAME, GIVEN'": (
        "these are the names of the options themselves"
    ),
}
"""A finding without its line, and why it stays."""

MAX_ALLOWED = 40
ALLOWED_IN_DOCUMENTATION: Mapping[str, tuple[int, str]] = {
    "docs/benchmarks.md": (8, "a record of measurements, which the navigation and the search leave out"),
    "docs/staff/review.md": (11, "a record of what was wrong, which the navigation and the search leave out"),
    "docs/translating.md": (5, "German words that are English ones too: E-Mail, Stand"),
}
"""Findings in Markdown by file, and why they stay. A number only falls."""

MAX_IN_DOCUMENTATION = 60

JUDGED_ELSEWHERE = "gateway/web/api/"


@pytest.fixture
def word_list() -> Path:
    program = ROOT.parent / "shared" / "words" / "check_words.py"
    if not program.is_file():
        pytest.skip("the word list is not here (../shared/words/check_words.py)")
    return program


def list_findings(word_list: Path, kinds: str) -> list[str]:
    """Each as `FILE:LINE: RULE: TEXT`."""
    done = subprocess.run(
        [sys.executable, str(word_list), str(ROOT), "--kind", kinds], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return [line.rpartition(" → ")[0] for line in done.stdout.splitlines()]


@pytest.mark.slow  # it reads all texts by a program
def test_texts_have_no_forbidden_words_but_the_listed_ones(word_list: Path) -> None:
    found = {f"{file}:{text}" for file, _, text in (line.split(":", 2) for line in list_findings(word_list, "po,py"))}

    assert {text for text in found if not text.startswith(JUDGED_ELSEWHERE)} == ALLOWED.keys()
    assert len(ALLOWED) <= MAX_ALLOWED


@pytest.mark.slow
def test_documentation_has_no_forbidden_words_without_a_reason(word_list: Path) -> None:
    found = list_findings(word_list, "md")
    numbers = {file: number for file, (number, _) in ALLOWED_IN_DOCUMENTATION.items()}

    assert Counter(line.partition(":")[0] for line in found) == numbers, "\n".join(found)
    assert len(found) <= MAX_IN_DOCUMENTATION
