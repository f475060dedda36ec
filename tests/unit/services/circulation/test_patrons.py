"""Who a message means: ids, credentials, institutions, blocks."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.domain.commands import CheckOut, Credential, LookUpPatron, Named, PatronRef, PlaceRequest
from gateway.domain.problems import MessagePart, RefusalReason
from gateway.ports.library_system import Capability
from tests.unit.services.circulation.support import (
    ANA,
    ANA_USERNAME,
    BLOCKED,
    BOOK,
    CHIDI,
    CHIDI_EXTERNAL,
    EXPIRED,
    IN_DEBT,
    PIN,
    Counter,
    Without,
    signs_in,
    who,
)

INSTITUTIONS = [{"match": r"INST-(\w+)", "patron": r"inst-\1"}, {"match": "pseudo", "patron": "inst-{agency}"}]


@pytest.mark.parametrize(
    ("sent", "rules", "found"),
    [
        pytest.param(Named(ANA), {}, ANA, id="a barcode"),
        pytest.param(Named(f"  {ANA} "), {}, ANA, id="blanks are dropped"),
        pytest.param(Named(ANA_USERNAME), {}, ANA, id="a user name: the second type in lookup_by"),
        pytest.param(Named(CHIDI_EXTERNAL), {"lookup_by": ["external"]}, CHIDI, id="only external ids"),
        pytest.param(
            Named(CHIDI_EXTERNAL, "Institution Id Number"),
            {"id_types": {"institution id number": "external"}, "lookup_by": ["barcode"]},
            CHIDI,
            id="the partner's type says where to look",
        ),
        pytest.param(Named("CP-reader01"), {"rewrite": {"strip_prefix": ["CP-"]}}, ANA, id="the prefix of USMAI"),
        pytest.param(Named("READER01"), {"rewrite": {"case": "lower"}}, ANA, id="upper case"),
        pytest.param(
            Named("7"), {"rewrite": {"pattern": "^7$", "replacement": "17", "zero_pad": 12, "prefix": "21"}}, ANA,
            id="zeros and a prefix",
        ),
    ],
)  # fmt: skip
async def test_finds_a_patron_by_id(counter: Counter, sent: Named, rules: dict[str, Any], found: str) -> None:
    result = await counter.ask(LookUpPatron(PatronRef(sent)), patrons=rules)
    assert result.patron.identifier("barcode") == found


@pytest.mark.parametrize(
    ("sent", "rules"),
    [
        (CHIDI_EXTERNAL, {"lookup_by": ["barcode", "username"]}),
        ("2199999", {}),
    ],
)
async def test_an_unknown_patron_is_named_as_sent(counter: Counter, sent: str, rules: dict[str, Any]) -> None:
    refused = await counter.refusal(LookUpPatron(who(sent)), patrons={**rules, "rewrite": {"prefix": "0"}})
    assert (refused.reason, refused.about, refused.value) == (RefusalReason.UNKNOWN_PATRON, MessagePart.PATRON, sent)


@pytest.mark.parametrize(
    ("credentials", "rules"),
    [
        pytest.param(signs_in(barcode_id=ANA, pin=PIN), {}, id="barcode and PIN"),
        pytest.param(signs_in(username=ANA_USERNAME, password=PIN), {}, id="user name and password"),
        pytest.param(signs_in(username=ANA_USERNAME), {}, id="nothing to prove it (ReShare)"),
        pytest.param(signs_in(barcode_id=ANA, pin=PIN, password=PIN), {}, id="two secrets, both right"),
        pytest.param(
            signs_in(uid=ANA_USERNAME, geheimnis=PIN),
            {"identity_types": {"uid": "username"}, "secret_types": ["geheimnis"], "secret_required": True},
            id="words of this partner",
        ),
        pytest.param(signs_in(barcode_id=f"P{ANA}"), {"rewrite": {"strip_prefix": ["P"]}}, id="rewritten as ids are"),
    ],
)
async def test_finds_a_patron_by_credentials(
    counter: Counter, credentials: tuple[Credential, ...], rules: dict[str, Any]
) -> None:
    result = await counter.ask(LookUpPatron(PatronRef(None, credentials)), patrons=rules)
    assert result.patron.identifier("barcode") == ANA


@pytest.mark.parametrize(
    ("ref", "rules", "reason", "about"),
    [
        pytest.param(
            PatronRef(None, signs_in(barcode_id=ANA, pin="0000")),
            {}, RefusalReason.PATRON_AUTH_FAILED, MessagePart.CREDENTIALS,
            id="wrong PIN",
        ),
        pytest.param(
            PatronRef(None, signs_in(barcode_id=ANA, pin=PIN, password="wrong")), {}, RefusalReason.PATRON_AUTH_FAILED,
            MessagePart.CREDENTIALS, id="one of two secrets wrong",
        ),
        pytest.param(
            PatronRef(Named(CHIDI), signs_in(barcode_id=ANA, pin=PIN)), {}, RefusalReason.PATRON_AUTH_FAILED,
            MessagePart.CREDENTIALS, id="id and credentials of two patrons",
        ),
        pytest.param(
            PatronRef(None, signs_in(barcode_id=ANA)), {"secret_required": True}, RefusalReason.PATRON_AUTH_FAILED,
            MessagePart.CREDENTIALS, id="secret required",
        ),
        pytest.param(
            PatronRef(None, signs_in(barcode_id=ANA, secret_handshake="x")), {}, RefusalReason.PATRON_AUTH_FAILED,
            MessagePart.CREDENTIALS, id="a credential that can't be checked is not ignored",
        ),
        pytest.param(
            PatronRef(None, signs_in(pin=PIN)),
            {}, RefusalReason.DATA_MISSING, MessagePart.PATRON, id="a secret and nobody",
        ),
        pytest.param(PatronRef(), {}, RefusalReason.DATA_MISSING, MessagePart.PATRON, id="nobody at all"),
    ],
)  # fmt: skip
async def test_refuses_credentials(
    counter: Counter, ref: PatronRef, rules: dict[str, Any], reason: RefusalReason, about: MessagePart
) -> None:
    refused = await counter.refusal(LookUpPatron(ref), patrons=rules)
    assert (refused.reason, refused.about) == (reason, about)
    assert PIN not in refused.value


async def test_id_and_credentials_of_one_patron_agree(counter: Counter) -> None:
    ref = PatronRef(Named(ANA_USERNAME), signs_in(barcode_id=ANA, pin=PIN))
    assert (await counter.ask(LookUpPatron(ref))).patron.identifier("barcode") == ANA


async def test_an_id_with_a_pin_is_authenticated(counter: Counter) -> None:
    """`secret_required` is about credentials: an id alone is the word of a trusted system."""
    rules = {"secret_required": True}
    assert await counter.ask(LookUpPatron(who(ANA)), patrons=rules)
    assert await counter.ask(LookUpPatron(PatronRef(Named(ANA), signs_in(pin=PIN))), patrons=rules)
    refused = await counter.refusal(LookUpPatron(PatronRef(Named(ANA), signs_in(pin="4321"))), patrons=rules)
    assert refused.reason is RefusalReason.PATRON_AUTH_FAILED


@pytest.mark.parametrize(("sent", "found"), [("INST-ebu", "EBU"), ("pseudo", "VALM")])
async def test_a_partner_library_has_an_account(counter: Counter, sent: str, found: str) -> None:
    """One rule takes the symbol from the id, the other from the sender."""
    desk = {"sender": "valm", "patrons": {"institutional": INSTITUTIONS}}
    assert (await counter.ask(LookUpPatron(who(sent)), **desk)).patron.home_institution == found


@pytest.mark.parametrize(
    ("barcode", "reason"),
    [
        (BLOCKED, RefusalReason.PATRON_BLOCKED),
        (EXPIRED, RefusalReason.PATRON_EXPIRED),
        (IN_DEBT, RefusalReason.PATRON_BLOCKED),
    ],
)
async def test_blocked_patrons_get_nothing(counter: Counter, barcode: str, reason: RefusalReason) -> None:
    for command in (CheckOut(who(barcode), Named(BOOK)), PlaceRequest(who(barcode), items=(Named(BOOK),))):
        refused = await counter.refusal(command)
        assert (refused.reason, refused.about) == (reason, MessagePart.PATRON)
        assert "34.50" not in refused.detail
        assert "lost" not in refused.detail


async def test_looking_up_a_blocked_patron_shows_the_blocks(counter: Counter) -> None:
    assert (await counter.ask(LookUpPatron(who(BLOCKED)))).patron.blocks


async def test_what_a_patron_has_is_given_when_asked_for(counter: Counter) -> None:
    bare = await counter.ask(LookUpPatron(who(IN_DEBT)))
    assert (bare.loans, bare.holds, bare.charges) == ((), (), ())
    with_charges = await counter.ask(LookUpPatron(who(IN_DEBT), charges=True))
    assert [str(charge.amount.amount) for charge in with_charges.charges] == ["34.50"]
    with_loans = await counter.ask(LookUpPatron(who(CHIDI), loans=True, holds=True))
    assert len(with_loans.loans) == 1


async def test_charges_are_left_out_where_the_system_keeps_them_to_itself(counter: Counter) -> None:
    limited = Without(counter.library, Capability.FEES_READ)
    assert (await counter.ask(LookUpPatron(who(IN_DEBT), charges=True), library=limited)).charges == ()
