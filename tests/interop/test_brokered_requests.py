"""Three gateways: one asks, one brokers, one lends, with another protocol on either side of the broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.joined.installations import Template, make_template
from tests.support.brokered_sequences import SEQUENCES, WORKFLOW
from tests.support.brokered_trio import Trio, TwoWays
from tests.support.iso18626_joining import Http18626
from tests.support.iso_pair import Joining, Tcp


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("brokered"))


def join_ways(name: str) -> Joining:
    iso18626 = Http18626({"version": "2021-2"})
    if name == "iso18626 to iso-ill":
        return TwoWays(iso18626, Tcp("call-back"))
    return TwoWays(Tcp("call-back"), iso18626)


@pytest.mark.parametrize("name", SEQUENCES)
async def test_iso_18626_to_iso_ill(name: str, template: Template, tmp_path: Path) -> None:
    async with Trio(template, tmp_path, join_ways("iso18626 to iso-ill"), WORKFLOW) as trio:
        await SEQUENCES[name](trio)
        await trio.nothing_is_left()


@pytest.mark.long
@pytest.mark.parametrize("name", SEQUENCES)
async def test_iso_ill_to_iso_18626(name: str, template: Template, tmp_path: Path) -> None:
    async with Trio(template, tmp_path, join_ways("iso-ill to iso18626"), WORKFLOW) as trio:
        await SEQUENCES[name](trio)
        await trio.nothing_is_left()
