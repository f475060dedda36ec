"""Whole lives of requests between us and a library that runs CrossLink's patron requests (a process), in both roles, in
each mode and with each vendor that our entry at its broker may have: after each step our state, what our patron reads,
and its state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from _pytest.mark.structures import ParameterSet

from tests.support.brokered_lives import Entry, LifeStep, read_life
from tests.support.crosslink_library import OneLibrary, open_library
from tests.support.daemon import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

WE_BORROW = {
    "loan": """
        us ask → will-supply will-supply WILL_SUPPLY
        it ship → shipped shipped SHIPPED
        us received → received shipped/received RECEIVED
        us returned → returned going-back SHIPPED_RETURN
        it mark-received → completed not-delivered COMPLETED
    """,
    "copy": """
        us ask copy → will-supply will-supply WILL_SUPPLY
        it supply-document deliveryUrl=https://cedar.example/9.pdf → completed copy-ready COMPLETED
    """,
    "condition agreed": """
        us ask → will-supply will-supply WILL_SUPPLY
        it add-condition loanCondition=LibraryUseOnly note=Here → conditional conditional CONDITION_PENDING
        us condition-accepted → will-supply will-supply CONDITION_ACCEPTED
        it ship → shipped shipped SHIPPED
    """,
    "price agreed": """
        us ask at-most=20 → will-supply will-supply WILL_SUPPLY
        it add-condition cost=50 currency=EUR → conditional conditional CONDITION_PENDING
        us condition-accepted cost=50:EUR → will-supply will-supply CONDITION_ACCEPTED
        it ship → shipped shipped SHIPPED
    """,
    "condition refused": """
        us ask → will-supply will-supply WILL_SUPPLY
        it add-condition loanCondition=LibraryUseOnly note=Here → conditional conditional CONDITION_PENDING
        us condition-refused → requested requested CANCEL_REQUESTED
        it accept-cancel → no-supplier no-supplier CANCELLED
    """,
    "retry accepted, to its end": """
        us ask → will-supply will-supply WILL_SUPPLY
        it ask-retry reasonRetry=NotFoundAsCited itemId=b7 → conditional conditional COMPLETED_WITH_RETRY
        us condition-accepted → will-supply will-supply COMPLETED_WITH_RETRY
        it look → will-supply will-supply WILL_SUPPLY
        it ship → shipped shipped SHIPPED
        us received → received shipped/received RECEIVED
        us returned → returned going-back SHIPPED_RETURN
        it mark-received → completed not-delivered COMPLETED
    """,
    "retry declined": """
        us ask → will-supply will-supply WILL_SUPPLY
        it ask-retry reasonRetry=NotFoundAsCited itemId=b7 → conditional conditional COMPLETED_WITH_RETRY
        us condition-refused → no-supplier no-supplier COMPLETED_WITH_RETRY
    """,
    "renewal refused, then returned": """
        us ask → will-supply will-supply WILL_SUPPLY
        it ship → shipped shipped SHIPPED
        us received; loaned-to-patron → lent lent RECEIVED
        us renew → lent lent RECEIVED
        us returned-by-patron; returned → returned returned SHIPPED_RETURN
        it mark-received → completed completed COMPLETED
    """,
    "renewal refused, then lost": """
        us ask → will-supply will-supply WILL_SUPPLY
        it ship → shipped shipped SHIPPED
        us received; loaned-to-patron → lent lent RECEIVED
        us renew → lent lent RECEIVED
        us lost → lost lost RECEIVED
    """,
    "cancelled while a condition is open": """
        us ask → will-supply will-supply WILL_SUPPLY
        it add-condition loanCondition=LibraryUseOnly note=Here → conditional conditional CONDITION_PENDING
        us cancel → cancel-pending cancel-pending CANCEL_REQUESTED
        it accept-cancel → cancelled cancelled CANCELLED
    """,
    "cancelled in transit": """
        us ask → will-supply will-supply WILL_SUPPLY
        it ship → shipped shipped SHIPPED
        us cancel → shipped not-wanted SHIPPED
        us received → back going-back RECEIVED
        us returned → returned going-back SHIPPED_RETURN
        it mark-received → completed not-delivered COMPLETED
    """,
    "cancelled on the shelf": """
        us ask → will-supply will-supply WILL_SUPPLY
        it ship → shipped shipped SHIPPED
        us received → received shipped/received RECEIVED
        us cancel → received not-wanted RECEIVED
        us returned → returned going-back SHIPPED_RETURN
    """,
    "it is away": """
        us ask → will-supply will-supply WILL_SUPPLY
        it ship → shipped shipped SHIPPED
        far down → shipped shipped SHIPPED
        us received → received shipped/received SHIPPED
        far up → received shipped/received SHIPPED
        time 60 → received shipped/received SHIPPED/RECEIVED
        time 60 → received shipped/received RECEIVED
        us returned → returned going-back SHIPPED_RETURN
    """,
    "unfilled": """
        us ask → will-supply will-supply WILL_SUPPLY
        it cannot-supply reasonUnfilled=NotOnShelf → no-supplier no-supplier UNFILLED
    """,
    "cancelled": """
        us ask → will-supply will-supply WILL_SUPPLY
        us cancel → cancel-pending cancel-pending CANCEL_REQUESTED
        it accept-cancel → cancelled cancelled CANCELLED
    """,
    "cancelled in vain": """
        us ask → will-supply will-supply WILL_SUPPLY
        us cancel → cancel-pending cancel-pending CANCEL_REQUESTED
        it reject-cancel → will-supply cancel-refused WILL_SUPPLY
        it ship → shipped not-wanted SHIPPED
    """,
}
WE_LEND = {
    "loan": """
        it new → new - SUPPLIER_LOCATED
        us will-supply → will-supply - WILL_SUPPLY
        us shipped barcode=ITEM → shipped - SHIPPED
        it receive → shipped - RECEIVED
        it check-out → shipped - CHECKED_OUT
        it check-in → shipped - CHECKED_IN
        it ship-return → returned - SHIPPED_RETURNED
        us checked-in → completed - COMPLETED
    """,
    "copy": """
        it new Copy → new - SUPPLIER_LOCATED
        us located; digitised link=https://oak.example/9.pdf; cleared → cleared - SUPPLIER_LOCATED
        us copy-delivered link=https://oak.example/9.pdf → completed - COMPLETED
    """,
    "condition agreed": """
        it new → new - SUPPLIER_LOCATED
        us conditional conditions=library-use-only note=Lesesaal → conditional - CONDITION_PENDING
        it accept-condition → will-supply - WILL_SUPPLY
        us shipped barcode=ITEM → shipped - SHIPPED
        it receive → shipped - RECEIVED
    """,
    "price agreed": """
        it new → new - SUPPLIER_LOCATED
        us conditional cost=50:EUR → conditional - CONDITION_PENDING
        it accept-condition → will-supply - WILL_SUPPLY
    """,
    "retry accepted, to its end": """
        it new → new - SUPPLIER_LOCATED
        us retry reason=on-loan → unfilled - RETRY_PENDING
        it accept-retry → unfilled - RETRY_ACCEPTED
        all look → new - SENT/SUPPLIER_LOCATED
        us shipped barcode=ITEM → shipped - SHIPPED
        it receive → shipped - RECEIVED
        it check-out; check-in; ship-return → returned - SHIPPED_RETURNED
        us checked-in → completed - COMPLETED
    """,
    "retry declined": """
        it new → new - SUPPLIER_LOCATED
        us retry reason=on-loan → unfilled - RETRY_PENDING
        it reject-retry → unfilled - RETRY_REJECTED
    """,
    "overdue, recalled and returned": """
        it new → new - SUPPLIER_LOCATED
        us shipped barcode=ITEM → shipped - SHIPPED
        it receive; check-out → shipped - CHECKED_OUT
        us overdue → shipped - CHECKED_OUT
        us recall → shipped - CHECKED_OUT
        it check-in; ship-return → returned - SHIPPED_RETURNED
        us checked-in → completed - COMPLETED
    """,
    "recalled and lost": """
        it new → new - SUPPLIER_LOCATED
        us shipped barcode=ITEM → shipped - SHIPPED
        it receive; check-out → shipped - CHECKED_OUT
        us recall → shipped - CHECKED_OUT
        us lost → lost - CHECKED_OUT
    """,
    "cancelled at once": """
        it new → new - SUPPLIER_LOCATED
        it cancel-request → cancelled - CANCEL_PENDING
    """,
    "the second supplier": """
        it new of=return-ISIL:OAK::b1;return-ISIL:ASH::b2 → new - SUPPLIER_LOCATED
        us will-supply → will-supply - WILL_SUPPLY
        us unfilled reason=not-on-shelf → unfilled - SUPPLIER_LOCATED/WILL_SUPPLY
        us look → new - SUPPLIER_LOCATED/WILL_SUPPLY
        us shipped barcode=ITEM → shipped - SHIPPED
        it receive → shipped - RECEIVED
    """,
    "condition refused": """
        it new → new - SUPPLIER_LOCATED
        us conditional conditions=library-use-only note=Lesesaal → conditional - CONDITION_PENDING
        it reject-condition → cancelled/unfilled - CANCEL_PENDING
    """,
    "unfilled": """
        it new → new - SUPPLIER_LOCATED
        us unfilled reason=not-on-shelf → unfilled - UNFILLED
    """,
    "cancelled": """
        it new → new - SUPPLIER_LOCATED
        us will-supply → will-supply - WILL_SUPPLY
        it cancel-request → cancelled - CANCEL_PENDING
    """,
}
# A cancelled loan stays CANCEL_PENDING there: its broker keeps our CancelResponse, its Unfilled is then refused.
ENTRIES = [Entry(mode, vendor) for mode in ("opaque", "transparent") for vendor in ("Unknown", "Alma", "ReShare")]
LIVES = {
    **{f"we borrow: {name}": read_life(text) for name, text in WE_BORROW.items()},
    **{f"we lend: {name}": read_life(text) for name, text in WE_LEND.items()},
}
IN_EVERY_RUN = {
    ("we borrow: loan", "opaque", "Unknown"),
    ("we borrow: condition agreed", "transparent", "Unknown"),
    ("we borrow: cancelled", "transparent", "ReShare"),
    ("we borrow: retry accepted, to its end", "opaque", "Unknown"),
    ("we borrow: retry declined", "transparent", "Unknown"),
    ("we borrow: it is away", "opaque", "Unknown"),
    ("we lend: retry accepted, to its end", "opaque", "Unknown"),
    ("we lend: the second supplier", "transparent", "Unknown"),
    ("we lend: loan", "opaque", "Unknown"),
    ("we lend: loan", "transparent", "Unknown"),
    ("we lend: price agreed", "opaque", "Unknown"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def library(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OneLibrary]:
    async with open_library(tmp_path_factory.mktemp("library"), free_port()) as opened:
        yield opened


def list_steps(name: str, entry: Entry) -> tuple[LifeStep, ...]:
    """Empty where the vendor's words don't get there: a condition in an Alma's words is none to these libraries."""
    is_asked = name.startswith("we lend") and ("condition" in name or "price" in name)
    if "renewal" in name and entry.vendor == "ReShare":
        return ()  # its borrowers don't renew
    return () if entry.vendor == "Alma" and is_asked else LIVES[name]


def list_cases() -> Iterator[ParameterSet]:
    for name in LIVES:
        for entry in (entry for entry in ENTRIES if list_steps(name, entry)):
            said = (name, entry.mode, entry.vendor)
            marks = [] if said in IN_EVERY_RUN else [pytest.mark.long]
            yield pytest.param(name, entry, id=" ".join(said), marks=marks)


@pytest.mark.parametrize(("name", "entry"), [*list_cases()])
async def test_both_sides_say_the_same(
    name: str, entry: Entry, library: OneLibrary, peers_folder: Path, tmp_path: Path
) -> None:
    with library.run_peer(peers_folder, tmp_path, entry):
        await library.live(list_steps(name, entry))
