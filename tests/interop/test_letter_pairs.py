"""Two gateways lend to each other by letters: what their people do at home they also say by link or by code, and after
every step both sides agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.joined.installations import Template, make_template
from tests.support.dovecot import Dovecot
from tests.support.joined_ways import BY_PEOPLE, UNSAYABLE, play_pair
from tests.support.letter_sequences import LETTER_SEQUENCES

IN_EVERY_RUN = ("conditional_yes", "crossing_cancel", "lost_by_the_lender")
"""test_mail_pairs.py plays a loan, a copy, a cancellation and two volumes."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("letters"))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(one, marks=() if one in IN_EVERY_RUN else pytest.mark.long)
        for one in LETTER_SEQUENCES
        if one not in UNSAYABLE[BY_PEOPLE]
    ],
)
async def test_a_sequence_by_letters(name: str, dovecot: Dovecot, template: Template, tmp_path: Path) -> None:
    await play_pair("letters", name, template, tmp_path, dovecot)
