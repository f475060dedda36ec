"""Patrons made and changed by partners, and what they have to pay."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from gateway.domain.commands import CreatePatron, LookUpPatron, Named, PostFee, UpdatePatron
from gateway.domain.library import (
    Contact,
    ContactKind,
    Money,
    PatronDraft,
    PatronIdentifier,
    PersonName,
    PostalAddress,
)
from gateway.domain.problems import MessagePart, RefusalReason
from gateway.services.circulation import dispatch_command
from tests.unit.services.circulation.support import ANA, BLOCKED, CHIDI, EXPIRED, Counter, policy, who

TODAY = date(2026, 3, 10)
NAME = PersonName("Ó Súilleabháin", "Cáit")
NOTHING = PatronDraft()
EMAIL = Contact(ContactKind.EMAIL, "home", "cait@mail.example")
PHONE = Contact(ContactKind.PHONE, "home", "+353 1 555 0101")


def registers(value: str = "V-1", **draft: Any) -> CreatePatron:
    return CreatePatron(PatronDraft(**{"name": NAME, "home_library": "MAIN", **draft}), Named(value))


# --- created ---------------------------------------------------------------------------------------------


async def test_the_profile_fills_in_what_is_not_said(counter: Counter) -> None:
    command = CreatePatron(registers().draft, Named("V-1"), sender="ocl-valm")
    patron = (await counter.ask(command, agencies={"ocl-valm": "VALM"})).patron
    assert (patron.category, patron.expires, patron.temporary) == ("visitor", TODAY + timedelta(days=365), True)
    assert (patron.home_institution, patron.identifier("barcode")) == ("VALM", "V-1")


async def test_categories_and_days_of_this_partner(counter: Counter) -> None:
    rules = {"create_category": "adult", "create_days": 30, "id_types": {"inst": "external"}}
    command = CreatePatron(registers().draft, Named("77", "Inst"))
    patron = (await counter.ask(command, patrons={**rules, "rewrite": {"prefix": "V"}})).patron
    assert (patron.category, patron.expires) == ("adult", TODAY + timedelta(days=30))
    assert patron.identifier("external") == "V77"
    assert patron.home_institution == "EBU"


async def test_the_message_knows_better(counter: Counter) -> None:
    command = registers(category="student", expires=date(2027, 1, 1), home_institution="BERZ", temporary=False)
    patron = (await counter.ask(command)).patron
    assert (patron.category, patron.expires) == ("student", date(2027, 1, 1))
    assert (patron.home_institution, patron.temporary) == ("BERZ", False)


async def test_registering_twice(counter: Counter) -> None:
    first = (await counter.ask(registers())).patron
    assert (await counter.ask(registers())).patron.id == first.id
    somebody_else = registers(name=PersonName("Njoroge", "Wanjiru"))
    refused = await counter.refusal(somebody_else)
    assert (refused.reason, refused.about, refused.value) == (RefusalReason.DUPLICATE_PATRON, MessagePart.PATRON, "V-1")
    answered = await counter.ask(somebody_else, as_success={"create-patron": ["duplicate-patron"]})
    assert answered.patron.id == first.id


async def test_nobody_is_registered_without_a_name(counter: Counter) -> None:
    refused = await counter.refusal(registers(name=None))
    assert (refused.reason, refused.detail) == (RefusalReason.DATA_MISSING, "The name of the new patron is missing.")


# --- changed ---------------------------------------------------------------------------------------------


async def changed(counter: Counter, add: PatronDraft, remove: PatronDraft = NOTHING) -> Any:
    counter.clock.advance(timedelta(seconds=1))
    return (await counter.ask(UpdatePatron(who("V-1"), add, remove))).patron


async def test_contacts_are_added_replaced_and_taken_away(counter: Counter) -> None:
    await counter.ask(registers(contacts=(EMAIL, PHONE)))
    work = Contact(ContactKind.EMAIL, "work", "cait@office.example")
    assert (await changed(counter, PatronDraft(contacts=(work,)))).contacts == (EMAIL, PHONE, work)
    assert (await changed(counter, PatronDraft(contacts=(work,)))).contacts == (EMAIL, PHONE, work)
    without_role = Contact(ContactKind.EMAIL, "home")
    patron = await changed(counter, PatronDraft(), PatronDraft(contacts=(without_role, work)))
    assert patron.contacts == (PHONE,)
    address = Contact(ContactKind.POSTAL, "home", postal=PostalAddress("1 Quay", locality="Cobh"))
    moved = Contact(ContactKind.POSTAL, "home", postal=PostalAddress("2 Quay", locality="Cobh"))
    await changed(counter, PatronDraft(contacts=(address,)))
    patron = await changed(counter, PatronDraft(contacts=(moved,)), PatronDraft(contacts=(address,)))
    assert patron.contacts == (PHONE, moved)


async def test_what_is_changed_there_and_back(counter: Counter) -> None:
    await counter.ask(registers())
    for name in (PersonName("Murphy", "Cáit"), NAME, PersonName("Murphy", "Cáit")):
        assert (await changed(counter, PatronDraft(name=name))).name == name


async def test_identifiers(counter: Counter) -> None:
    await counter.ask(registers())
    card = PatronIdentifier("external", "X9")
    assert (await changed(counter, PatronDraft(identifiers=(card,)))).identifier("external") == "X9"
    gone = await changed(counter, PatronDraft(), PatronDraft(identifiers=(card,)))
    assert gone.identifier("external") is None
    last = UpdatePatron(who("V-1"), PatronDraft(), PatronDraft(identifiers=(PatronIdentifier("barcode", "V-1"),)))
    assert (await counter.refusal(last)).reason is RefusalReason.NOT_ALLOWED


async def test_what_cannot_be_taken_away(counter: Counter) -> None:
    await counter.ask(registers())
    refused = await counter.refusal(UpdatePatron(who("V-1"), PatronDraft(), PatronDraft(name=NAME)))
    assert (refused.reason, refused.detail) == (RefusalReason.NOT_ALLOWED, "The patron's name cannot be removed.")


async def test_nothing_to_change(counter: Counter) -> None:
    before = (await counter.ask(registers())).patron
    assert (await counter.ask(UpdatePatron(who("V-1"), PatronDraft(), PatronDraft()))).patron == before


async def test_the_librarys_own_patrons_are_changed_only_where_the_profile_says_so(counter: Counter) -> None:
    moves = UpdatePatron(who(ANA), PatronDraft(contacts=(EMAIL,)), PatronDraft())
    before = (await counter.ask(LookUpPatron(who(ANA)))).patron
    refused = await counter.refusal(moves)
    assert (refused.reason, refused.about) == (RefusalReason.UNAUTHORIZED_SERVICE, MessagePart.PATRON)
    assert (await counter.ask(LookUpPatron(who(ANA)))).patron == before
    assert EMAIL in (await counter.ask(moves, patrons={"changeable": "all"})).patron.contacts


@pytest.mark.parametrize(
    ("barcode", "reason"),
    [(BLOCKED, RefusalReason.PATRON_BLOCKED), (EXPIRED, RefusalReason.PATRON_EXPIRED)],
)
async def test_a_block_can_be_a_refusal_of_the_look_up(counter: Counter, barcode: str, reason: RefusalReason) -> None:
    """For partners who look at nothing else, whether or not a block stops what they ask for."""
    assert (await counter.ask(LookUpPatron(who(barcode)))).patron.blocks
    for stops in (True, False):
        rules = {"look_up_blocked": "refuse", "blocks_stop": stops}
        refused = await counter.refusal(LookUpPatron(who(barcode)), patrons=rules)
        assert (refused.reason, refused.about) == (reason, MessagePart.PATRON)
    assert (await counter.ask(LookUpPatron(who(ANA)), patrons={"look_up_blocked": "refuse"})).patron


# --- fees ------------------------------------------------------------------------------------------------


EURO = Money(Decimal("4.00"), "EUR")


@pytest.mark.parametrize(
    ("command", "rules", "type_", "amount"),
    [
        pytest.param(PostFee(who(ANA), EURO), {}, "ill-fee", "4.00", id="as shipped"),
        pytest.param(PostFee(who(ANA), EURO), {"default_type": "loan"}, "loan", "4.00", id="a type of this partner"),
        pytest.param(
            PostFee(who(ANA), EURO, "Assess", "Interlibrary Loan Fee"), {"types": {"interlibrary loan fee": "ill"}},
            "ill", "4.00", id="by its type (OCLC)",
        ),
        pytest.param(
            PostFee(who(ANA), EURO, "Charge", "ILL-fee"), {"types": {"charge": "ill"}}, "ill", "4.00", id="by action"
        ),
        pytest.param(PostFee(who(ANA), None), {"default_amount": "2.50"}, "ill-fee", "2.50", id="none (CrossLink)"),
        pytest.param(
            PostFee(who(ANA), Money(Decimal(0), "EUR")), {"default_amount": "2.50"}, "ill-fee", "2.50", id="0 (ReShare)"
        ),
        pytest.param(PostFee(who(ANA), Money(Decimal(4), "XXX")), {}, "ill-fee", "4.00", id="no currency: ours"),
    ],
)  # fmt: skip
async def test_fees(counter: Counter, command: PostFee, rules: Any, type_: str, amount: str) -> None:
    charge = (await counter.ask(command, fees=rules)).charge
    assert (charge.type, charge.amount) == (type_, Money(Decimal(amount), "EUR"))


async def test_the_profile_names_a_currency(counter: Counter) -> None:
    """Where it isn't the library's own, the library refuses: nobody's money is changed in passing."""
    refused = await counter.refusal(PostFee(who(ANA), Money(Decimal(4), "XXX")), fees={"currency": "DKK"})
    assert (refused.reason, refused.about) == (RefusalReason.INVALID_AMOUNT, MessagePart.AMOUNT)


@pytest.mark.parametrize("amount", [None, Money(Decimal("-3"), "EUR")])
async def test_amounts_that_cannot_be(counter: Counter, amount: Any) -> None:
    refused = await counter.refusal(PostFee(who(ANA), amount))
    assert (refused.reason, refused.about) == (RefusalReason.INVALID_AMOUNT, MessagePart.AMOUNT)


async def test_a_fee_is_posted_once(counter: Counter) -> None:
    def charges(**more: Any) -> PostFee:
        return PostFee(who(CHIDI), EURO, **more)

    async def posted() -> int:
        patron = (await counter.ask(LookUpPatron(who(CHIDI)))).patron
        return len(await counter.library.patron_charges(patron.id))

    told_apart = (
        charges(request=Named("1")),
        charges(request=Named("2")),
        charges(reference="A"),
        charges(title="Мост"),
        charges(title="Река"),
    )
    for command in told_apart:
        for _ in range(2):
            await counter.ask(command)
    assert await posted() == 5
    counter.clock.advance(timedelta(days=1))
    for command in told_apart:
        await counter.ask(command)
    assert await posted() == 5


async def test_without_ids_each_message_is_a_fee(counter: Counter) -> None:
    """CrossLink names the patron and nothing else (facts/ncip.md 2.5): two books on one day are two messages."""
    command = PostFee(who(CHIDI), None)
    rules = policy(fees={"default_amount": "2.50"})
    for message in ("m-1", "m-2", "m-2"):
        desk = replace(counter.desk(), policy=rules, identify_message=partial(str, message))
        await dispatch_command(command, desk)
    patron = (await counter.ask(LookUpPatron(who(CHIDI)))).patron
    assert len(await counter.library.patron_charges(patron.id)) == 2


async def test_a_fee_says_what_it_is_for(counter: Counter) -> None:
    command = PostFee(who(ANA), EURO, description="Copy", item=Named(" x-1 "), request=Named("TN-1"))
    charge = (await counter.ask(command, items={"rewrite": {"case": "upper"}})).charge
    assert (charge.description, charge.item_barcode, charge.request_id) == ("Copy", "X-1", "TN-1")
