"""Gateways that lend to each other by ISO ILL in mails (RFC 2503), through the mailboxes of a real Dovecot: every
sequence of facts/iso-ill-10161.md 9.4, with mails that come twice, in another order, or before what they are about."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest

from adapters.iso_ill.codec import decode_apdu, encode_apdu
from adapters.iso_ill.mail_format import build_apdu_mail
from adapters.iso_ill.messages import IllAnswer, IllRequest, Renew, Shipped, StatusOrErrorReport
from adapters.iso_ill.messages.codes import ApduType, CurrentState, Results, ServiceType
from adapters.iso_ill.messages.structures import DateDue, ServiceDateTime, SystemId
from adapters.iso_ill.messages.tracking_phase import ProviderError, StateTransitionProhibited, SupplyDetails
from gateway.domain.requests.events import EventKind
from gateway.ports.outgoing_mail import LetterSender
from tests.faults.joined.installations import Template, make_template
from tests.support.dovecot import Dovecot
from tests.support.iso_mail import Mail
from tests.support.iso_pair import Pair
from tests.support.iso_sequences import SEQUENCES, WORKFLOW


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("iso-mail"))


IN_EVERY_RUN = ("loan", "two_volumes", "unfilled_then_the_next_lender", "conditional_yes", "crossing_cancel", "renew")
"""Where the order of messages matters most. The others are long."""


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=() if one in IN_EVERY_RUN else pytest.mark.long) for one in SEQUENCES]
)
async def test_sequence_with_every_mail_twice_and_out_of_order(
    name: str, dovecot: Dovecot, template: Template, tmp_path: Path
) -> None:
    joining = Mail(dovecot, name.replace("_", "-"), twice=True, shuffled=random.Random(name))
    async with Pair(template, tmp_path, joining, WORKFLOW) as pair:
        await SEQUENCES[name](pair)
        await pair.nothing_is_left()
        for town in pair.towns.values():
            assert not (await town.gateway.managed.libraries[town.symbol].mails.list_mails(100, "")).rows
    assert joining.delivered


async def test_a_cancel_that_overtakes_its_request_waits_for_it(
    dovecot: Dovecot, template: Template, tmp_path: Path
) -> None:
    joining = Mail(dovecot, "overtaken", held="ILL-Request")
    async with Pair(template, tmp_path, joining, WORKFLOW) as pair:
        await pair.ask()
        await pair.north(EventKind.CANCEL)
        desk = pair.towns["SOUTH"].gateway.managed.libraries["SOUTH"].mails
        (row,) = (await desk.list_mails(100, "")).rows
        assert row.reason == "cancel: no matching request"

        joining.let_go()
        await pair.quiet()

        assert await pair.states() == ("cancel-pending", "cancel-pending")
        assert not (await desk.list_mails(100, "")).rows
        await pair.south(EventKind.CANCEL_ACCEPTED)
        assert await pair.states() == ("cancelled", "cancelled")


async def test_a_shipped_that_comes_before_the_promise(dovecot: Dovecot, template: Template, tmp_path: Path) -> None:
    joining = Mail(dovecot, "promise", held="ILL-Answer")
    async with Pair(template, tmp_path, joining, WORKFLOW) as pair:
        await pair.ask()
        await pair.south(EventKind.WILL_SUPPLY)
        await pair.south(EventKind.SHIPPED)
        assert await pair.states() == ("shipped", "shipped")

        joining.let_go()
        await pair.quiet()

        assert await pair.states() == ("shipped", "shipped")
        assert (await pair.told("NORTH"))[-1] == "partner:will-supply"
        await pair.nothing_is_left()


async def test_what_is_prohibited_is_reported_by_mail(dovecot: Dovecot, template: Template, tmp_path: Path) -> None:
    joining = Mail(dovecot, "prohibited")
    async with Pair(template, tmp_path, joining, WORKFLOW) as pair:
        await pair.ask()
        request = next(mail for mail in joining.delivered if "ILL-Request" in str(mail["Subject"]))
        asked = decode_apdu(request.get_content()).apdu
        at = asked.service_date_time.this
        later = ServiceDateTime(this=replace(at, clock=time(23, 0)))
        renew = Renew(
            protocol_version=2,
            transaction_id=asked.transaction_id,
            service_date_time=later,
            requester_id=asked.requester_id,
            responder_id=asked.responder_id,
        )
        mail = build_apdu_mail(
            encode_apdu(renew),
            to=joining.address("SOUTH"),
            sender=LetterSender(joining.address("NORTH")),
            message_id="by-hand@mail.example",
            subject="by hand",
        )
        dovecot.deliver(joining.user("SOUTH"), mail.as_bytes())
        await pair.quiet()

        assert await pair.states() == ("requested", "located")
        report = decode_apdu(joining.delivered[-1].get_content()).apdu
        assert isinstance(report, StatusOrErrorReport)
        assert report.error_report is not None
        assert report.error_report.correlation.startswith("Renew ")
        assert report.error_report.provider == ProviderError(
            state_transition_prohibited=StateTransitionProhibited(apdu=ApduType.RENEW, state=CurrentState.IN_PROCESS)
        )
        assert "us:trouble" in await pair.told("NORTH")


async def test_a_gateway_that_dies_while_it_reads(dovecot: Dovecot, template: Template, tmp_path: Path) -> None:
    """What was sent before, and what comes again when the mailbox is read anew, changes nothing twice."""
    joining = Mail(dovecot, "dies", twice=True)
    async with Pair(template, tmp_path, joining, WORKFLOW) as pair:
        await pair.ask()
        await pair.south(EventKind.WILL_SUPPLY, quiet=False)
        await pair.kill("SOUTH")
        await pair.kill("NORTH")
        await pair.quiet()
        assert await pair.states() == ("will-supply", "will-supply")
        await pair.south(EventKind.SHIPPED, quiet=False)
        await pair.kill("NORTH")
        await pair.quiet()
        assert await pair.states() == ("shipped", "shipped")
        assert (await pair.told("NORTH")).count("partner:shipped") == 1


async def test_a_request_that_was_forwarded_goes_on_with_the_new_supplier(
    dovecot: Dovecot, template: Template, tmp_path: Path
) -> None:
    joining = Mail(dovecot, "forwarded")
    async with Pair(template, tmp_path, joining, WORKFLOW) as pair:
        await pair.ask()
        asked = decode_apdu(joining.delivered[0].get_content()).apdu
        await pair.south(EventKind.FORWARDED, partner="EAST")
        assert await pair.states() == ("requested", "forwarded")
        attempt = await pair.attempt()
        assert (attempt.number, attempt.partner, attempt.symbol) == (1, "east", "EAST")

        later = replace(asked.service_date_time.this, clock=time(23, 0))
        shipped = Shipped(
            protocol_version=2,
            transaction_id=asked.transaction_id,
            service_date_time=ServiceDateTime(this=later),
            requester_id=asked.requester_id,
            responder_id=SystemId.from_symbol("EAST"),
            service_type=ServiceType.LOAN,
            supply_details=SupplyDetails(date_due=DateDue(due=date(2026, 4, 15))),
        )
        mail = build_apdu_mail(
            encode_apdu(shipped),
            to=joining.address("NORTH"),
            sender=LetterSender(joining.address("EAST")),
            message_id="shipped@mail.example",
            subject="from the east",
        )
        dovecot.deliver(joining.user("NORTH"), mail.as_bytes())
        await pair.quiet()
        assert (await pair.borrowing()).state.value == "shipped"

        await pair.north(EventKind.RECEIVED)
        assert str(joining.delivered[-1]["To"]) == joining.address("EAST")
        received = decode_apdu(joining.delivered[-1].get_content()).apdu
        assert received.transaction_id == asked.transaction_id


async def test_what_we_cannot_do_is_answered_unfilled_once(
    dovecot: Dovecot, template: Template, tmp_path: Path
) -> None:
    joining = Mail(dovecot, "unmet", twice=True)
    async with Pair(template, tmp_path, joining, WORKFLOW) as pair:
        await pair.ask()
        known = await pair.towns["SOUTH"].requests()
        request = next(mail for mail in joining.delivered if "ILL-Request" in str(mail["Subject"]))
        asked = decode_apdu(request.get_content()).apdu
        assert isinstance(asked, IllRequest)
        locations = replace(
            asked,
            service_types=(ServiceType.LOCATIONS,),
            transaction_id=replace(asked.transaction_id, group_qualifier="ANOTHER"),
        )
        for message_id in ("first", "again"):
            mail = build_apdu_mail(
                encode_apdu(locations),
                to=joining.address("SOUTH"),
                sender=LetterSender(joining.address("NORTH")),
                message_id=f"{message_id}@mail.example",
                subject=message_id,
            )
            dovecot.deliver(joining.user("SOUTH"), mail.as_bytes())
            await pair.quiet()

        answers = [
            apdu
            for mail in joining.delivered
            if isinstance(apdu := decode_apdu(mail.get_content()).apdu, IllAnswer)
            and mail["To"] == joining.address("NORTH")
        ]
        assert {one.transaction_id.group_qualifier for one in answers} == {"ANOTHER"}
        assert len({encode_apdu(one) for one in answers}) == 1, (
            "each mail is delivered twice, this one was written once"
        )
        assert answers[0].results is Results.UNFILLED
        assert answers[0].note == "Only loans and copies are supplied here."
        assert await pair.towns["SOUTH"].requests() == known
        assert not (await pair.towns["SOUTH"].gateway.managed.libraries["SOUTH"].mails.list_mails(100, "")).rows
        assert await pair.states() == ("requested", "located")
