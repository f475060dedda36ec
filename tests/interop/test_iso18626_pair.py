"""Gateways that lend to each other by ISO 18626 over real HTTP: every sequence of docs/facts/iso-18626.md 7, in the
version of 2017 and in that of 2021; all that goes over the wire is valid against the schema."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from lxml import etree
from sqlalchemy import select

from gateway.domain.requests.events import EventKind
from gateway.store.schema import message
from tests.faults.joined.installations import Template, make_template
from tests.support.iso18626_joining import Http18626
from tests.support.iso_pair import Pair, day_of
from tests.support.iso_sequences import ONLY_ISO18626, SEQUENCES, WORKFLOW

EVERY_SEQUENCE = {**SEQUENCES, **ONLY_ISO18626}

SCHEMAS = {"1.2": "ISO-18626-v1_2.xsd", "2021-2": "ISO-18626-2021-2.xsd"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("iso18626-pair"))


OF_2017 = ("loan", "cancel_no")
"""Enough for the older version, whose messages have their own tests: each side asks, agrees and refuses. The others are
long."""


@pytest.mark.parametrize(
    ("name", "version"),
    [
        *((name, "2021-2") for name in EVERY_SEQUENCE),
        *(pytest.param(name, "1.2", marks=() if name in OF_2017 else pytest.mark.long) for name in EVERY_SEQUENCE),
    ],
)
async def test_sequence(name: str, version: str, template: Template, tmp_path: Path, specs_folder: Path) -> None:
    async with Pair(template, tmp_path, Http18626({"version": version}), WORKFLOW) as pair:
        await EVERY_SEQUENCE[name](pair)
        await pair.nothing_is_left()
        bodies = await list_bodies(pair)

    schema = etree.XMLSchema(file=str(specs_folder / SCHEMAS[version]))
    assert len(bodies) >= 4
    for body in bodies:
        schema.assertValid(etree.fromstring(body))


RESHARE = {
    "version": "1.2",
    "item_ids": "packed",
    "condition_words": {"accepted": "#ReShareLoanConditionAgreeResponse#"},
    "notes": {"condition_marker": "#ReShareAddLoanCondition#", "hidden": ["#ReShare[A-Za-z]{1,60}#"]},
}
ALMA = {
    "version": "1.2",
    "completed_as": "RequestResponse",
    "sent_as": "StatusChange",
    "condition_words": {"accepted": "ACCEPT", "refused": "REJECT", "refuse_by": "notification"},
    "notes": {"own_notification": True, "condition_prefix": "Condition: ", "cost_prefix": "Cost: ", "addresses": True},
}


OF_DIALECTS = (("loan", RESHARE), ("conditional_yes", RESHARE), ("copy", ALMA), ("conditional_no", ALMA))
"""Sequences in which a dialect says something in its own way. With the other one they are long."""


@pytest.mark.parametrize(
    ("name", "dialect"),
    [
        pytest.param(
            name, dialect, marks=() if (name, dialect) in OF_DIALECTS else pytest.mark.long, id=f"{name}-{who}"
        )
        for name in ("loan", "copy", "conditional_yes", "conditional_no")
        for who, dialect in (("reshare", RESHARE), ("alma", ALMA))
    ],
)
async def test_sequence_in_a_dialect(name: str, dialect: dict[str, object], template: Template, tmp_path: Path) -> None:
    async with Pair(template, tmp_path, Http18626(dialect), WORKFLOW) as pair:
        await SEQUENCES[name](pair)
        await pair.nothing_is_left()


async def test_a_message_of_several_items_tells_which_volume_each_is(template: Template, tmp_path: Path) -> None:
    async with Pair(template, tmp_path, Http18626(RESHARE), WORKFLOW) as pair:
        first, second = (book.barcodes[0] for book in pair.books[:2])
        await pair.ask(volumes=("Bind 1", "Bind 2"))
        await pair.south(EventKind.SHIPPED, volumes=("2",), barcode=second)
        await pair.south(EventKind.SHIPPED, volumes=("1",), barcode=first)
        assert [one.theirs for one in (await pair.borrowing()).volumes] == [first, second]
        history = [line for line in await pair.towns["NORTH"].history() if '"items"' in line.document]
        assert first in history[-1].document
        assert second in history[-1].document


async def test_items_in_notes_are_named_once(template: Template, tmp_path: Path) -> None:
    dialect = {"version": "1.2", "links": "item-id", "notes": {"item_block": True}}
    async with Pair(template, tmp_path, Http18626(dialect), WORKFLOW) as pair:
        first, second = (book.barcodes[0] for book in pair.books[:2])
        await pair.ask(volumes=("Bind 1", "Bind 2"))
        await pair.south(EventKind.SHIPPED, volumes=("2",), barcode=second)
        await pair.south(EventKind.SHIPPED, volumes=("1",), barcode=first)
        await pair.south(EventKind.SHIPPED, due=date(2026, 6, 2))
        borrowed, lent = await pair.borrowing(), await pair.lending()
        bodies = [body.decode() for body in await list_bodies(pair)]

    assert [one.theirs for one in borrowed.volumes] == [first, second]
    assert all(one.call_number for one in borrowed.volumes)
    assert [one.call_number for one in borrowed.volumes] == [one.call_number for one in lent.volumes]
    assert day_of(borrowed.terms.lender_due) == date(2026, 6, 2)
    for barcode in (first, second):
        assert len({body for body in bodies if f"\n{barcode}|" in body}) == 1


async def list_bodies(pair: Pair) -> list[bytes]:
    """All messages of ISO 18626 and their confirmations, as the journals have them."""
    found: list[bytes] = []
    for town in pair.towns.values():
        query = select(message).where(message.c.protocol == "iso18626")
        rows = await town.context.store.read(lambda c, query=query: c.execute(query).mappings().all())
        found += [row["body"] for row in rows if row["body"]]
    return found
