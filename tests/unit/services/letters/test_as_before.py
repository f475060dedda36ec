"""What readers of letters get, word for word: a change of templates or catalogues that changes a letter is seen."""

from __future__ import annotations

import pytest

from tests.unit.services.letters.render_samples import SAMPLES, render_all_samples


@pytest.mark.parametrize("language", ["de", "en"])
def test_letters_read_as_they_did(language: str) -> None:
    assert render_all_samples(language).splitlines() == (SAMPLES / f"{language}.txt").read_text("utf-8").splitlines()
