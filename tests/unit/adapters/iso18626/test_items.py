"""Items that are lent, in each form in which partners write and read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from adapters.iso18626.codec import NAMESPACE, decode_message, encode_message
from adapters.iso18626.dialect import Iso18626Dialect, ItemIdForm
from adapters.iso18626.mapping.events_received import event_of_message
from adapters.iso18626.mapping.identities import MappingContext
from adapters.iso18626.mapping.messages_sent import message_of_event
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import EventDetails, EventKind, ShippedItem
from gateway.domain.requests.request import (
    ItemCandidate,
    LendingState,
    LibraryParty,
    Request,
    Role,
    Volume,
    VolumeState,
)
from gateway.ports.partner_channel import PartnerMessage
from tests.protocol.iso18626.habit_rows.messages import write_status
from tests.support.requests import lending

NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
LENDER, BORROWER = LibraryParty(symbol="NO-0030101"), LibraryParty(symbol="DE-Brt1")
PLAIN, PLAIN_2021 = Iso18626Dialect(), Iso18626Dialect(version="2021-2")
PACKED = Iso18626Dialect(item_ids="packed")
COMMAS = Iso18626Dialect(item_ids="commas")
JOINED = Iso18626Dialect(item_ids="joined")
BLOCK = Iso18626Dialect.model_validate({"notes": {"item_block": True}})

LOCATED = lending(
    LendingState.SHIPPED,
    citation=Citation(title="Sult", call_number="cited"),
    item_barcode="30100-88",
    candidates=(
        ItemCandidate(bib_id="1", title="Mysterier", barcode="30100-11", call_number="P 1", confidence=60, how="title"),
        ItemCandidate(bib_id="2", title="Sult, og mer", barcode="30100-88", call_number="P 2|b", confidence=9, how="x"),
    ),
    volumes=(Volume("1", state=VolumeState.SHIPPED),),
)
OF_TWO = lending(
    LendingState.SHIPPED,
    citation=Citation(title="Sult"),
    volumes=(
        Volume("1", "Bd. 1", VolumeState.SHIPPED, "30100-88", call_number="P 2"),
        Volume("2", "Bd. 2", VolumeState.SHIPPED, "30100-89"),
    ),
)


def write(
    request: Request,
    dialect: Iso18626Dialect,
    told: tuple[str, ...] = (),
    kind: EventKind = EventKind.SHIPPED,
    refused_before: bool = False,
    **details: Any,
) -> etree._Element:
    """The octets of Loaned, parsed."""
    message = PartnerMessage(
        id="1",
        kind=kind,
        at=NOW,
        sender=LENDER,
        receiver=BORROWER,
        role=Role.LENDING,
        transaction="4711",
        details=EventDetails(**details),
        request=request,
        items_told=told,
        refused_before=refused_before,
    )
    context = MappingContext(library_zone=ZoneInfo("Europe/Oslo"), currency="NOK", dialect=dialect)
    return etree.fromstring(encode_message(message_of_event(message, context), dialect.schema_version).data)


def texts(root: etree._Element, name: str) -> list[str]:
    return [element.text or "" for element in root.iter(f"{{{NAMESPACE}}}{name}")]


def read(dialect: Iso18626Dialect, *item_ids: str, note: str = "") -> EventDetails:
    named = "".join(f"<itemId>{one}</itemId>" for one in item_ids)
    behind = f"<deliveryInfo><dateSent>2026-11-26T12:00:00Z</dateSent>{named}</deliveryInfo>"
    message = decode_message(write_status("Loaned", note=note, behind=behind).encode()).message
    context = MappingContext(library_zone=ZoneInfo("Europe/Oslo"), currency="NOK", dialect=dialect)
    return event_of_message(message, context, "digest").details


# --- written ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "item_ids", "notes"),
    [
        (PLAIN, ["30100-88"], []),
        (PACKED, ["Sult, og mer##P 2|b##30100-88"], []),
        (COMMAS, ["30100-88,P 2|b,Sult, og mer"], []),
        (JOINED, ["30100-88"], []),
        (BLOCK, ["30100-88"], ["#MultipleItems#\n30100-88|P 2\\|b|Sult, og mer\n#MultipleItemsEnd#"]),
    ],
    ids=["plain", "packed", "commas", "joined", "block"],
)
@pytest.mark.parametrize("typed", ["", "30100-88"], ids=["located", "typed"])
def test_what_was_lent_is_named_as_the_catalogue_has_it(
    dialect: Iso18626Dialect, item_ids: list[str], notes: list[str], typed: str
) -> None:
    root = write(LOCATED, dialect, barcode=typed)

    assert (texts(root, "itemId"), texts(root, "note")) == (item_ids, notes)


def test_another_copy_than_the_located_one_has_its_own_call_number() -> None:
    shipped = replace(LOCATED, item_barcode="30100-99", volumes=(Volume("1", call_number="P 9"),))

    assert texts(write(shipped, PACKED, barcode="30100-99"), "itemId") == ["Sult##P 9##30100-99"]


@pytest.mark.parametrize(
    ("dialect", "item_ids", "notes"),
    [
        (PLAIN_2021, ["30100-88", "30100-89"], []),
        (PACKED, ["multivol:Bd. 1##P 2##30100-88###multivol:Bd. 2####30100-89"], []),
        (COMMAS, ["multivol:30100-88,P 2,Sult, Bd. 1,multivol:30100-89,,Sult, Bd. 2"], []),
        (JOINED, ["30100-88,30100-89"], []),
        (BLOCK, [], ["#MultipleItems#\n30100-88|P 2|Sult, Bd. 1\n30100-89||Sult, Bd. 2\n#MultipleItemsEnd#"]),
    ],
    ids=["2021", "packed", "commas", "joined", "block"],
)
def test_several_are_named_one_by_one(dialect: Iso18626Dialect, item_ids: list[str], notes: list[str]) -> None:
    root = write(OF_TWO, dialect)

    assert (texts(root, "itemId"), texts(root, "note")) == (item_ids, notes)


def test_signs_that_part_a_form_are_not_said_in_it() -> None:
    odd = replace(LOCATED, candidates=(), citation=Citation(title="A##B\nC"), volumes=(Volume("1", call_number="P,2"),))

    assert texts(write(odd, PACKED), "itemId") == ["A B C##P,2##30100-88"]
    assert texts(write(odd, COMMAS), "itemId") == ["30100-88,P 2,A##B C"]


def test_a_block_stands_behind_all_words_and_beside_a_delivery() -> None:
    """A broker takes the sign before it away, and dies of a block without deliveryInfo."""
    root = write(LOCATED, BLOCK, note="Vorsicht; brüchig")

    assert texts(root, "note")[0].startswith("Vorsicht; brüchig\n#MultipleItems#\n")
    assert len(texts(root, "dateSent")) == 1


def test_a_second_volume_does_not_repeat_the_first() -> None:
    """A CrossLink library adds what it is told twice."""
    root = write(OF_TWO, BLOCK, ("30100-88",), volumes=("2",), barcode="30100-89")

    assert texts(root, "note") == ["volume 2 of 2: Bd. 2\n#MultipleItems#\n30100-89||Sult, Bd. 2\n#MultipleItemsEnd#"]
    assert texts(root, "itemId") == ["30100-89"]
    assert texts(write(OF_TWO, JOINED, ("30100-88",)), "itemId") == ["30100-88,30100-89"]


@pytest.mark.parametrize("kind", [EventKind.SHIPPED, EventKind.DUE_DATE_CHANGED])
def test_a_corrected_date_does_not_repeat_the_items(kind: EventKind) -> None:
    root = write(LOCATED, BLOCK, ("30100-88",), kind, due=date(2026, 12, 24), barcode="30100-88")

    assert texts(root, "reasonForMessage") == ["Notification"]
    assert texts(root, "note") == ["The due date is now 2026-12-24."]
    assert texts(root, "dueDate") == ["2026-12-24T23:59:59Z"]
    assert not texts(root, "itemId")
    again = write(LOCATED, PLAIN, ("30100-88",), due=date(2026, 12, 24))
    assert (texts(again, "reasonForMessage"), texts(again, "itemId")) == (["StatusChange"], ["30100-88"])


@pytest.mark.parametrize("form", ["commas", "joined"])
def test_behind_a_broker_that_makes_blocks_of_item_ids_each_is_named_once(form: ItemIdForm) -> None:
    """As an Alma or a ReShare that CrossLink's libraries borrow from."""
    once = Iso18626Dialect(item_ids=form, items_once=True)
    first = write(LOCATED, once)
    assert (texts(first, "status"), len(texts(first, "itemId"))) == (["Loaned"], 1)

    again = write(LOCATED, once, ("30100-88",), due=date(2026, 12, 24))
    assert texts(again, "reasonForMessage") == ["Notification"]
    assert (texts(again, "itemId"), texts(again, "note")) == ([], ["The due date is now 2026-12-24."])

    (second,) = texts(write(OF_TWO, once, ("30100-88",), volumes=("2",), barcode="30100-89"), "itemId")
    assert "30100-89" in second
    assert "30100-88" not in second
    assert texts(write(LOCATED, once, refused_before=True), "itemId") == []


def test_another_item_in_place_of_the_first_is_told_in_words() -> None:
    """A CrossLink library would await both, and give both the same number."""
    root = write(LOCATED, BLOCK, ("30100-88",), barcode="30100-99", due=date(2026, 12, 24))

    assert texts(root, "reasonForMessage") == ["Notification"]
    assert texts(root, "note") == ["The due date is now 2026-12-24.; the item is now 30100-99"]
    assert not texts(root, "itemId")


def test_what_was_refused_and_is_sent_again_does_not_name_the_items_twice() -> None:
    """Pieces of a Loaned that a CrossLink library has refused stay there."""
    root = write(LOCATED, BLOCK, barcode="30100-88", refused_before=True)
    assert (texts(root, "status"), texts(root, "note"), texts(root, "itemId")) == (["Loaned"], [], [])
    assert len(texts(root, "dateSent")) == 1

    root = write(LOCATED, PLAIN, barcode="30100-88", refused_before=True)
    assert texts(root, "itemId") == ["30100-88"], "who reads the itemId takes it for what it is"


def test_a_supplier_s_item_goes_on_to_the_other_side_as_it_was_named() -> None:
    brokered = lending(LendingState.SHIPPED, citation=Citation(title="Sult"))
    said = ShippedItem("30100-88", "Sult, og mer", "P 2")

    assert texts(write(brokered, PACKED, items=(said,)), "itemId") == ["Sult, og mer##P 2##30100-88"]
    assert texts(write(brokered, COMMAS, items=(said,)), "itemId") == ["30100-88,P 2,Sult, og mer"]
    bare = write(brokered, COMMAS, items=(ShippedItem("30100-88", "", "P 2"),))
    assert texts(bare, "itemId") == ["30100-88,P 2,Sult"]


def test_a_piece_without_a_barcode_is_named_where_more_than_that_is_said() -> None:
    brokered = lending(LendingState.SHIPPED, citation=Citation(title="Sult"))
    nameless = (ShippedItem("", "Bd. 1", "P 2"),)

    assert texts(write(brokered, PLAIN, items=nameless), "itemId") == []
    assert texts(write(brokered, JOINED, items=nameless), "itemId") == []
    assert texts(write(brokered, BLOCK, items=nameless), "note") == ["#MultipleItems#\n|P 2|Bd. 1\n#MultipleItemsEnd#"]


# --- read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item_id", "items"),
    [
        ("30100-88", [("30100-88", "", "")]),
        ("vol. 1##QL737 .C2##30100-88", [("30100-88", "vol. 1", "QL737 .C2")]),
        ("####30100-88", [("30100-88", "", "")]),
        ("multivol:a##b##1###multivol:c##d##2", [("1", "a", "b"), ("2", "c", "d")]),
        ("multivol:a####1###multivol:c##d##", [("1", "a", ""), ("", "c", "d")]),
        ("1,b,a", [("1", "a", "b")]),
        ("1,b,a, og mer, i to bind", [("1", "a, og mer, i to bind", "b")]),
        ("1,,", [("1", "", "")]),
        ("multivol:1,b,a,multivol:2,d,c", [("1", "a", "b"), ("2", "c", "d")]),
        ("multivol:1,,,multivol:,,c", [("1", "", ""), ("", "c", "")]),
        ("1,2", [("1,2", "", "")]),
    ],
)
@pytest.mark.parametrize("dialect", [PLAIN, PACKED, COMMAS, BLOCK], ids=["plain", "packed", "commas", "block"])
def test_items_are_unpacked_whatever_we_write(
    dialect: Iso18626Dialect, item_id: str, items: list[tuple[str, str, str]]
) -> None:
    details = read(dialect, item_id)

    named = [(one.barcode, one.label, one.call_number) for one in details.items]
    assert named == items or (not named and items == [(details.barcode, "", "")])
    assert details.barcode == (items[0][0] if len(items) == 1 else "")


def test_barcodes_of_alma_are_no_title() -> None:
    details = read(JOINED, "30100-88,30100-89,30100-90")

    assert [one.barcode for one in details.items] == ["30100-88", "30100-89", "30100-90"]


def test_a_piece_without_a_barcode_has_none() -> None:
    details = read(BLOCK, note="#MultipleItems#\n||Sult\n#MultipleItemsEnd#")

    assert (details.barcode, details.items) == ("", ())
    assert read(PLAIN, ",,Sult").barcode == ""


@pytest.mark.parametrize(
    ("item_id", "line"),
    [
        ("30100-88", "30100-88|P 2|Sult"),
        ("vol. 1##P 2##30100-88", "vol. 1##P 2##30100-88"),
        ("30100-88,P 2,Sult", "30100-88|P 2|Sult"),
    ],
    ids=["unknown", "reshare", "reshare-with-commas"],
)
def test_a_block_and_an_item_id_are_one_item(item_id: str, line: str) -> None:
    details = read(BLOCK, item_id, note=f"Supplier: ELM#MultipleItems#\n{line}\n#MultipleItemsEnd#")

    assert [(one.barcode, one.call_number) for one in details.items] == [("30100-88", "P 2")]
    assert (details.barcode, details.note) == ("30100-88", "Supplier: ELM")


def test_two_blocks_of_the_same_items_are_one() -> None:
    block = "#MultipleItems#\n1|P 2|Sult\n#MultipleItemsEnd#"
    details = read(BLOCK, note=f"brüchig\n{block}\n{block}")

    assert ([one.barcode for one in details.items], details.note) == (["1"], "brüchig")


def test_an_open_block_stays_words() -> None:
    assert read(BLOCK, "30100-88", note="#MultipleItems#\n1|P 2|Sult").barcode == "30100-88"


def test_escaped_bars_are_of_the_field() -> None:
    details = read(BLOCK, note="#MultipleItems#\n1|P\\|2|A\\\\B\\|\n#MultipleItemsEnd#")

    assert details.items == (ShippedItem("1", "A\\B|", "P|2"),)
