"""Suppliers of a rota looked up ahead, a few at once."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.policy import OnlyOwning
from gateway.domain.requests.request import RotaLine, ServiceType
from gateway.ports.catalogue import HoldingAnswer, HoldingsReport
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.suppliers import HoldingsLookup, look_up_holdings
from tests.support.profile_sets import make_profile_set
from tests.support.requests import borrowing
from tests.unit.services.searching.support import house, profile

NAMES = ("aar", "bern", "chur", "dal", "elv", "fjell")


class Told:
    """A catalogue that knows what each partner has, and says it when it is `free` to."""

    def __init__(self, **said: HoldingsReport) -> None:
        self._said = said
        self.free: dict[str, asyncio.Event] = {}
        self.began: list[str] = []
        self.let_go: list[str] = []

    async def holds(
        self, citation: Citation, partner: Profile, service: ServiceType = ServiceType.LOAN
    ) -> HoldingsReport:
        self.began.append(partner.name)
        try:
            if partner.name in self.free:
                await self.free[partner.name].wait()
        except asyncio.CancelledError:
            self.let_go.append(partner.name)
            raise
        await asyncio.sleep(0)
        return self._said.get(partner.name, HoldingsReport(HoldingAnswer.NOT, "no hits", 0.25))


def town(catalogue: Told, ahead: int = 3) -> LibraryContext:
    partners = [profile(name, partner={"symbols": [name.upper()]}) for name in NAMES]
    return replace(house(make_profile_set(*partners), {"ahead": ahead}), catalogue=catalogue)


async def looked_up(
    catalogue: Told, rule: OnlyOwning = OnlyOwning.UNKNOWN_TOO, ahead: int = 3, names: Iterable[str] = NAMES
) -> tuple[HoldingsLookup, ...]:
    lines = [RotaLine(name) for name in names]
    return await look_up_holdings(town(catalogue, ahead), borrowing(), lines, rule, lambda one: not one.why_not)


async def test_up_to_the_first_that_owns_it() -> None:
    catalogue = Told(chur=HoldingsReport(HoldingAnswer.OWNS, "isbn agrees", 0.5))

    found = await looked_up(catalogue)

    assert [one.line.partner for one in found] == ["aar", "bern", "chur"]
    assert [one.why_not for one in found] == ["does not appear to hold it (no hits (0.25 s))"] * 2 + [""]
    assert "fjell" not in catalogue.began


async def test_the_first_of_the_rota_is_taken_though_a_later_one_answers_before_it() -> None:
    owns = HoldingsReport(HoldingAnswer.OWNS, "isbn agrees")
    catalogue = Told(aar=owns, bern=owns)
    catalogue.free["aar"] = asyncio.Event()
    asked = asyncio.create_task(looked_up(catalogue))
    while "chur" not in catalogue.began:  # noqa: ASYNC110 - every step of the loop lets it begin
        await asyncio.sleep(0)
    catalogue.free["aar"].set()

    assert [one.line.partner for one in await asked] == ["aar"]


async def test_no_more_at_once_than_the_rules_say_and_the_rest_is_let_go() -> None:
    catalogue = Told(aar=HoldingsReport(HoldingAnswer.OWNS, "isbn agrees"))
    catalogue.free = {name: asyncio.Event() for name in NAMES[1:]}

    await looked_up(catalogue, ahead=4)

    assert catalogue.began == ["aar", "bern", "chur", "dal"]
    assert catalogue.let_go == ["bern", "chur", "dal"]


async def test_eight_do_not_wait_one_after_the_other() -> None:
    catalogue = Told()
    catalogue.free = {name: asyncio.Event() for name in NAMES}
    asked = asyncio.create_task(looked_up(catalogue, ahead=6))
    while len(catalogue.began) < len(NAMES):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0)
    for event in catalogue.free.values():
        event.set()
    assert len(await asked) == len(NAMES)


@pytest.mark.parametrize(
    ("holdings", "rule", "why_not"),
    [
        (HoldingsReport(HoldingAnswer.OWNS, "x"), OnlyOwning.YES, ""),
        (HoldingsReport(HoldingAnswer.NOT, "x"), OnlyOwning.UNKNOWN_TOO, "does not appear to hold it (x)"),
        (HoldingsReport(HoldingAnswer.NOT_LENT, "x"), OnlyOwning.UNKNOWN_TOO, "holds it but does not lend it (x)"),
        (HoldingsReport(HoldingAnswer.UNKNOWN, "x"), OnlyOwning.UNKNOWN_TOO, ""),
        (HoldingsReport(HoldingAnswer.UNKNOWN, "x"), OnlyOwning.YES, "not known whether it holds it (x)"),
        (
            HoldingsReport(HoldingAnswer.UNKNOWN, "x", skip=True),
            OnlyOwning.UNKNOWN_TOO,
            "its catalogue cannot be searched (x)",
        ),
    ],
)
async def test_why_one_is_not_asked(holdings: HoldingsReport, rule: OnlyOwning, why_not: str) -> None:
    (found,) = await looked_up(Told(aar=holdings), rule, names=["aar"])
    assert found.why_not == why_not


async def test_nobody_is_looked_up_where_the_rota_says_so() -> None:
    catalogue = Told()
    assert await looked_up(catalogue, OnlyOwning.NO) == (HoldingsLookup(RotaLine("aar"), None),)
    assert catalogue.began == []


async def test_a_defect_of_a_catalogue_is_not_hidden() -> None:
    class Broken(Told):
        async def holds(self, *_arguments: Any, **_named: Any) -> HoldingsReport:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await looked_up(Broken())
