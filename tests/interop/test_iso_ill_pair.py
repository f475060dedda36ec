"""Gateways that lend to each other by ISO ILL over real TCP: every sequence of facts/iso-ill-10161.md 9.4, on one
connection and on call-back connections."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.joined.installations import Template, make_template
from tests.support.iso_pair import Pair, Tcp
from tests.support.iso_sequences import SEQUENCES, WORKFLOW


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("iso-pair"))


CALLED_BACK = ("loan", "cancel_no")
"""Enough for the second mode, which carries the same APDUs: each side asks, agrees and refuses. The others are long."""


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *((name, "same-connection") for name in SEQUENCES),
        *(pytest.param(name, "call-back", marks=() if name in CALLED_BACK else pytest.mark.long) for name in SEQUENCES),
    ],
)
async def test_sequence(name: str, mode: str, template: Template, tmp_path: Path) -> None:
    async with Pair(template, tmp_path, Tcp(mode), WORKFLOW) as pair:
        await SEQUENCES[name](pair)
        await pair.nothing_is_left()
