"""The same sequences over a wire that loses APDUs, brings them twice or long after others, and breaks off, between
gateways that are killed now and then. Every APDU is acknowledged and sent again until it is; both sides must agree at
each step as if all had gone well.

ILLGATE_SEEDS makes the search longer.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from tests.faults.joined.installations import Template, make_template
from tests.support.iso_pair import Pair, Tcp
from tests.support.iso_sequences import SEQUENCES, WORKFLOW
from tests.support.iso_wires import Fate

NAMES = tuple(name for name in SEQUENCES if name != "queries")
"""A status report is not acknowledged itself: one that is lost has to be asked for again."""
SEEDS = range(int(os.environ.get("ILLGATE_SEEDS", "8")))
QUICK_SEEDS = 2
"""One for each of the modes."""
MODES = ("same-connection", "call-back")
FATES = (Fate.PASSED, Fate.PASSED, Fate.PASSED, Fate.LOST, Fate.DOUBLED, Fate.HELD, Fate.CUT)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("iso-faults"))


class Trouble:
    """Whatever chance has in store for the next step."""

    def __init__(self, pair: Pair, wire: Tcp, chance: Random) -> None:
        self._pair = pair
        self._fates = wire.fates
        self._chance = chance

    async def __call__(self) -> None:
        if self._chance.random() < 0.4:
            await self._fates.release()
        self._fates.expect(self._chance.choice(FATES) for _ in range(self._chance.randrange(5)))
        if self._chance.random() < 0.2:
            await self._pair.kill(self._chance.choice(("NORTH", "SOUTH")), self._chance.random() * 0.05)


@pytest.mark.parametrize(
    "seed", [pytest.param(one, marks=() if one < QUICK_SEEDS else pytest.mark.long) for one in SEEDS]
)
async def test_faults(seed: int, template: Template, tmp_path: Path) -> None:
    chance = Random(seed)
    wire = Tcp(MODES[seed % len(MODES)], acknowledged=True, reply_seconds=0.3)
    name = NAMES[seed * 5 % len(NAMES)]
    async with Pair(template, tmp_path, wire, WORKFLOW) as pair:
        pair.trouble = Trouble(pair, wire, chance)
        try:
            await SEQUENCES[name](pair)
            pair.trouble = None
            wire.fates.expect(())
            await wire.fates.release()
            await pair.settle()
            await pair.nothing_is_left()
        except BaseException as error:
            error.add_note("\n".join((f"{name}, {wire.mode}:", *wire.fates.story)))
            raise
