"""The word list of the project, where it is at hand, finds nothing in pages, letters, commands and settings but what is
listed here. It knows texts of catalogues and helps; those of the API are judged with the documentation."""

from __future__ import annotations

import subprocess
import sys
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
JUDGED_ELSEWHERE = "gateway/web/api/"


@pytest.fixture
def word_list() -> Path:
    program = ROOT.parent / "shared" / "words" / "check_words.py"
    if not program.is_file():
        pytest.skip("the word list is not here (../shared/words/check_words.py)")
    return program


@pytest.mark.slow  # it reads all texts by a program
def test_texts_have_no_forbidden_words_but_the_listed_ones(word_list: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(word_list), str(ROOT), "--kind", "po,py"], capture_output=True, text=True, check=False
    )
    findings = [line.partition(" → ")[0] for line in done.stdout.splitlines()]
    found = {f"{file}:{text}" for file, _, text in (line.split(":", 2) for line in findings)}

    assert done.returncode in (0, 1), done.stderr
    assert {text for text in found if not text.startswith(JUDGED_ELSEWHERE)} == ALLOWED.keys()
    assert len(ALLOWED) <= MAX_ALLOWED
