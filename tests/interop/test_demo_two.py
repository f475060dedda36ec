"""The rehearsal of two libraries (`make demo-two`) runs to its end, with everything in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo import two


async def test_the_story_of_two_libraries_is_told_to_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = await two.play(tmp_path)
    told = capsys.readouterr().out
    assert "All in order" in told
    assert "rota: bare-shelves   skipped  does not appear to hold it" in told
    assert "overloaded" in told
    to_ana = world.mail.subjects("@")
    assert any(subject.startswith("Ready to collect") for subject in to_ana)
    assert any(subject.startswith("Copy ready: 序章") for subject in to_ana)
