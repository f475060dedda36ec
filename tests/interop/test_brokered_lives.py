"""Whole lives of requests through CrossLink's broker as a process, in each mode and with each vendor's entry: after
each step the borrower's state, what the patron reads, and the lender's state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from _pytest.mark.structures import ParameterSet

from tests.support.brokered_lives import Broker, Entry, LifeStep, TwoLibraries, open_two_libraries, read_life
from tests.support.daemon import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

# A broker says WillSupply for ExpectToSupply to an entry of vendor Alma: before anybody has looked.
LIVES = {
    name: read_life(text)
    for name, text in {
        "loan": """
            oak ask → requested/will-supply * new
            elm will-supply → will-supply will-supply will-supply
            elm shipped barcode=ITEM → shipped shipped shipped
            oak received → received shipped/received shipped
            oak returned → returned going-back returned
            elm checked-in → completed not-delivered completed
        """,
        "copy": """
            oak ask copy → requested/will-supply * new
            elm located; digitised link=https://elm.example/c/1.pdf; cleared → requested/will-supply * cleared
            elm copy-delivered link=https://elm.example/c/1.pdf → completed copy-ready completed
        """,
        "condition agreed": """
            oak ask → requested/will-supply * new
            elm conditional conditions=library-use-only note=Lesesaal → conditional conditional conditional
            oak condition-accepted → will-supply will-supply will-supply
            elm shipped barcode=ITEM → shipped shipped shipped
        """,
        "condition refused": """
            oak ask → requested/will-supply * new
            elm conditional conditions=library-use-only note=Lesesaal → conditional conditional conditional
            oak condition-refused → no-supplier no-supplier cancelled/unfilled
        """,
        "condition refused, then the next": """
            oak ask of=return-ISIL:ELM::b1;return-ISIL:ASH::b2 → requested/will-supply * new -
            elm conditional conditions=library-use-only note=Lesesaal → conditional conditional conditional -
            oak condition-refused → requested/will-supply * cancelled/unfilled new
            ash shipped barcode=ITEM → shipped shipped * shipped
        """,
        "price": """
            oak ask at-most=20 → requested/will-supply * new
            elm conditional cost=50:EUR → conditional conditional conditional
            oak condition-accepted cost=50:EUR → will-supply will-supply will-supply
            elm shipped barcode=ITEM → shipped shipped shipped
        """,
        "retry": """
            oak ask → requested/will-supply * new
            elm retry reason=on-loan → * * unfilled
        """,
        "retry accepted, to its end": """
            oak ask → requested/will-supply * new
            elm retry reason=on-loan → conditional conditional unfilled
            oak condition-accepted → requested requested/will-supply new
            elm will-supply → will-supply will-supply will-supply
            elm shipped barcode=ITEM → shipped shipped shipped
            oak received → received shipped/received shipped
            oak returned → returned going-back returned
            elm checked-in → completed not-delivered completed
        """,
        "retry declined": """
            oak ask → requested/will-supply * new
            elm retry reason=on-loan → conditional conditional unfilled
            oak condition-refused → no-supplier no-supplier unfilled
        """,
        "retry declined, then the next": """
            oak ask of=return-ISIL:ELM::b1;return-ISIL:ASH::b2 → requested/will-supply * new -
            elm retry reason=on-loan → conditional conditional unfilled -
            oak condition-refused → requested/will-supply * unfilled new
            ash shipped barcode=ITEM → shipped shipped unfilled shipped
        """,
        "cancelled while a retry is open": """
            oak ask → requested/will-supply * new
            elm retry reason=on-loan → conditional conditional unfilled
            oak cancel → cancelled cancelled unfilled
        """,
        "price declined": """
            oak ask at-most=20 → requested/will-supply * new
            elm conditional cost=50:EUR → conditional conditional conditional
            oak condition-refused → no-supplier no-supplier cancelled/unfilled
        """,
        "cancelled in transit": """
            oak ask → requested/will-supply * new
            elm shipped barcode=ITEM → shipped shipped shipped
            oak cancel; cancel → shipped not-wanted shipped
            oak received → back going-back shipped
            oak returned → returned going-back returned
            elm checked-in → completed not-delivered completed
        """,
        "cancelled on the shelf": """
            oak ask → requested/will-supply * new
            elm shipped barcode=ITEM → shipped shipped shipped
            oak received → received shipped/received shipped
            oak cancel → received not-wanted shipped
            oak returned → returned going-back returned
            elm checked-in → completed not-delivered completed
        """,
        "not cancelled by who has it": """
            oak ask → requested/will-supply * new
            elm shipped barcode=ITEM → shipped shipped shipped
            oak received → received shipped/received shipped
            oak loaned-to-patron → lent lent shipped
            oak cancel! → lent lent shipped
        """,
        "cancelled as the parcel leaves": """
            oak ask → requested/will-supply * new
            elm will-supply → will-supply will-supply will-supply
            far down → will-supply will-supply will-supply
            oak cancel → cancel-pending cancel-pending will-supply
            elm shipped barcode=ITEM → shipped not-wanted shipped
            far up → shipped not-wanted shipped
            time 60 → shipped not-wanted shipped
            oak received; returned → returned going-back shipped/returned
            time 60 → returned going-back returned
            elm checked-in → completed not-delivered completed
        """,
        "cancelled at the second supplier": """
            oak ask of=return-ISIL:ELM::b1;return-ISIL:ASH::b2 → requested/will-supply * new -
            elm unfilled reason=not-on-shelf → requested/will-supply * unfilled new
            ash will-supply → will-supply will-supply unfilled will-supply
            oak cancel → cancelled cancelled unfilled cancelled
        """,
        "renewed and returned": """
            oak ask → requested/will-supply * new
            elm shipped barcode=ITEM → shipped shipped shipped
            oak received → received shipped/received shipped
            oak loaned-to-patron → lent lent shipped
            oak renew → lent lent shipped
            oak returned-by-patron → back back shipped
            oak returned → returned returned returned
            elm checked-in → completed completed completed
        """,
        "borrower away": """
            oak ask → requested/will-supply * new
            elm will-supply → will-supply will-supply will-supply
            near down → will-supply will-supply will-supply
            elm shipped barcode=ITEM → will-supply will-supply shipped
            near up → will-supply will-supply shipped
            time 60 → * * shipped
            time 60 → shipped shipped shipped
            oak received; returned → returned going-back returned
            near down → returned going-back returned
            elm checked-in → returned going-back completed
            near up → returned going-back completed
            time 60 → * * completed
            time 60 → completed not-delivered completed
        """,
        "cancelled at once": """
            oak ask → requested/will-supply * new
            oak cancel → cancelled cancelled cancelled
        """,
        "cancelled after the promise": """
            oak ask → requested/will-supply * new
            elm will-supply → will-supply will-supply will-supply
            oak cancel → cancelled cancelled cancelled
        """,
        "cancelled while a condition is open": """
            oak ask → requested/will-supply * new
            elm conditional conditions=library-use-only note=Lesesaal → conditional conditional conditional
            oak cancel → cancelled cancelled cancelled/unfilled
        """,
        "renewed and recalled": """
            oak ask → requested/will-supply * new
            elm shipped barcode=ITEM → shipped shipped shipped
            oak received → received shipped/received shipped
            oak loaned-to-patron → lent lent shipped
            oak renew → lent lent shipped
            elm recall → lent recalled shipped
            oak returned-by-patron → back back shipped
            oak returned → returned returned returned
            elm checked-in → completed completed completed
        """,
        "renewed and lost": """
            oak ask → requested/will-supply * new
            elm shipped barcode=ITEM → shipped shipped shipped
            oak received → received shipped/received shipped
            oak loaned-to-patron → lent lent shipped
            oak renew → lent lent shipped
            elm lost → lost lost lost
        """,
        "unfilled, then the next": """
            oak ask of=return-ISIL:ELM::b1;return-ISIL:ASH::b2 → requested/will-supply * new -
            elm will-supply → will-supply will-supply will-supply -
            elm unfilled reason=not-on-shelf → requested/will-supply * unfilled new
            ash shipped barcode=ITEM → shipped shipped unfilled shipped
        """,
        "unfilled by all": """
            oak ask of=return-ISIL:ELM::b1;return-ISIL:ASH::b2 → requested/will-supply * new -
            elm unfilled reason=not-on-shelf → requested/will-supply * unfilled new
            ash unfilled reason=on-loan → no-supplier no-supplier unfilled unfilled
        """,
        "lender away": """
            oak ask → requested/will-supply * new
            elm shipped barcode=ITEM → shipped shipped shipped
            far down → shipped shipped shipped
            oak received; returned → returned going-back shipped
            far up → returned going-back shipped
            time 60 → returned going-back shipped/returned
            time 60 → returned going-back returned
            elm checked-in → completed not-delivered completed
        """,
    }.items()
}
MODES = ("opaque", "transparent", "translucent")
ENTRIES = [(Entry(mode, vendor), Entry(mode)) for mode in MODES for vendor in ("Unknown", "Alma", "ReShare")] + [
    (Entry(mode), Entry(mode, vendor)) for mode in MODES for vendor in ("Alma", "ReShare")
]
IN_EVERY_RUN = {
    ("loan", "opaque", "Unknown", "Unknown"),
    ("loan", "transparent", "ReShare", "Unknown"),
    ("copy", "opaque", "Alma", "Unknown"),
    ("condition agreed", "transparent", "Unknown", "Unknown"),
    ("price", "opaque", "Unknown", "Unknown"),
    ("cancelled after the promise", "translucent", "Unknown", "Unknown"),
    ("renewed and recalled", "opaque", "Unknown", "Unknown"),
    ("retry accepted, to its end", "opaque", "Unknown", "Unknown"),
    ("retry declined, then the next", "transparent", "Unknown", "Unknown"),
    ("cancelled as the parcel leaves", "opaque", "Unknown", "Unknown"),
    ("borrower away", "transparent", "ReShare", "Unknown"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def libraries(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TwoLibraries]:
    async with open_two_libraries(tmp_path_factory.mktemp("lives"), free_port()) as opened:
        yield opened


TURNED_DOWN = ("condition refused, then the next", "retry declined, then the next")
RENEWALS = ("renewed and recalled", "renewed and lost", "renewed and returned")


def list_steps(name: str, oak: Entry, elm: Entry) -> tuple[LifeStep, ...]:
    """As far as mode and vendor let it go; empty: not at all."""
    steps = LIVES[name]
    if name in RENEWALS and oak.vendor == "ReShare":
        return ()  # its borrowers don't renew
    if name in ("condition agreed", "price") and elm.vendor == "Alma":
        # the broker takes the marker of the yes out of what an Alma lender gets, and nothing is left in its note
        return tuple(
            replace(step, outcome="will-supply will-supply conditional")
            if step.act.startswith("condition-acc")
            else step
            for step in steps
        )
    is_said_by_cancel = oak.vendor != "Alma" or name.startswith("retry")
    if name in TURNED_DOWN and oak.mode == "translucent" and is_said_by_cancel:
        # the supplier isn't named before it ships: a Cancel can be addressed to the broker alone, which ends it all
        return (*steps[:2], replace(steps[2], outcome="no-supplier no-supplier cancelled/unfilled -"))
    return steps


def list_cases() -> Iterator[ParameterSet]:
    for name in LIVES:
        for oak, elm in (entries for entries in ENTRIES if list_steps(name, *entries)):
            said = (name, oak.mode, oak.vendor, elm.vendor)
            marks = [] if said in IN_EVERY_RUN else [pytest.mark.long]
            yield pytest.param(name, oak, elm, id=" ".join(said), marks=marks)


@pytest.mark.parametrize(("name", "oak", "elm"), [*list_cases()])
async def test_both_sides_say_the_same(
    name: str, oak: Entry, elm: Entry, libraries: TwoLibraries, peers_folder: Path, tmp_path: Path
) -> None:
    with Broker(peers_folder, tmp_path, libraries, oak, elm):
        await libraries.live(list_steps(name, oak, elm))
