"""What is answered to a partner's APDU: facts/iso-ill-10161.md section 9.3, over real sockets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.iso_ill.codec import encode_apdu
from adapters.iso_ill.codec.declarations import EncodingStyle
from adapters.iso_ill.messages import Apdu, Cancel, Message, Renew, Shipped, StatusOrErrorReport, StatusQuery
from adapters.iso_ill.messages.codes import (
    ApduType,
    CurrentState,
    ExpiryFlag,
    GeneralProblem,
    ReportSource,
    ServiceType,
    TransactionIdProblem,
    UnableToPerform,
)
from adapters.iso_ill.messages.declaration import Encoding, External
from adapters.iso_ill.messages.request_phase import Search
from adapters.iso_ill.messages.structures import Extension, ShownCredentials
from adapters.iso_ill.messages.tracking_phase import (
    ErrorReport,
    ProviderError,
    StateTransitionProhibited,
    SupplyDetails,
)
from demo.world import START
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import LendingState, RequestFlag
from tests.protocol.iso_ill.house import FJORDBY, House, Partner, again, asked, header, running
from tests.support.broker_symbols import SUPPLIER, copy_as_broker, list_passed_on


def provider(report: Apdu | None) -> ProviderError:
    assert isinstance(report, StatusOrErrorReport), report
    assert report.error_report is not None
    assert report.error_report.source == ReportSource.PROVIDER
    assert report.error_report.provider is not None
    return report.error_report.provider


def problem_of_user(report: Apdu | None) -> Any:
    assert isinstance(report, StatusOrErrorReport), report
    assert report.error_report is not None
    return report.error_report.user


async def test_a_request_is_taken_and_reported(house: House, partner: Partner) -> None:
    report = await partner.ask(asked("G-1", "Sult"))
    assert report.error_report is None
    status = report.status_report
    assert status is not None
    assert (status.state, status.history.most_recent_service) == (CurrentState.IN_PROCESS, ApduType.ILL_REQUEST)
    assert status.history.initiator.symbol_text == "NO:FJORDBY"
    assert report.transaction_id.group_qualifier == "G-1"
    taken = (await house.requests())["G-1"]
    assert (taken.state, taken.citation.title, taken.partner.profile) == (LendingState.NEW, "Sult", "fjordby")
    assert await house.journal() == [("ILL-Request", "ok", "")]


async def test_what_is_asked_of_our_symbol_as_a_broker_is_passed_on(template: Path, tmp_path: Path) -> None:
    broker = copy_as_broker(template, tmp_path / "template", "NO:FELLES")
    fjordby = {**FJORDBY, "iso_ill": {**FJORDBY["iso_ill"], "symbols": {"ours": "NO:FELLES"}}}
    async with running(broker, tmp_path / "at-work", fjordby=fjordby) as house, house.partner() as partner:
        assert (await partner.ask(asked("G-1", "Pan", to="NO:FELLES"))).error_report is None
        assert (await partner.ask(asked("G-2", "Sult", to="CLK"))).error_report is None

        assert list_passed_on(await house.list_requests()) == [("Pan", [SUPPLIER])]


async def test_a_report_begins_with_more_than_four_printable_octets(partner: Partner) -> None:
    """yaz would wait for HTTP (facts 14)."""
    partner.say(asked("G-1"))
    assert (await partner.reader.readexactly(2))[1] & 0x80


async def test_a_repeat_is_answered_again_and_changes_nothing(house: House, partner: Partner) -> None:
    await partner.ask(asked("G-1"))
    cancel = Cancel(**header("G-1", clock=time(9, 0)))
    first = await partner.ask(cancel)
    second = await partner.ask(again(cancel, time(9, 30)))
    assert first.status_report is not None
    assert second.status_report == first.status_report
    assert (await house.requests())["G-1"].state is LendingState.CANCELLED
    assert [note for _, _, note in await house.journal()][2] == "a repeat: it was here before"


async def test_a_duplicate_of_a_silent_partner_is_dropped(template: Path, tmp_path: Path) -> None:
    async with running(template, tmp_path) as house, house.partner() as partner:
        request = asked("G-1", who="NO:STILLE")
        partner.say(request, request)
        partner.writer.write_eof()
        assert await partner.hear() is None
        assert len(await house.requests()) == 1
        assert (await house.journal())[1][2] == (
            "a repeat: it was here before; the transport brought it twice: not answered"
        )


async def test_another_request_under_the_same_transaction(house: House, partner: Partner) -> None:
    await partner.ask(asked("G-1", "Sult"))
    report = await partner.ask(asked("G-1", "Pan"))
    assert provider(report).transaction_id_problem == TransactionIdProblem.DUPLICATE_TRANSACTION_ID
    assert (await house.requests())["G-1"].citation.title == "Sult"


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Vancouver"])
@pytest.mark.parametrize("day", [date.min, date.max])
async def test_a_request_with_the_first_or_last_day_that_there_is(
    template: Path, tmp_path: Path, day: date, zone: str
) -> None:
    """99991231 is sent for "whenever"."""
    far = {**FJORDBY, "iso_ill": {**FJORDBY["iso_ill"], "wire": {"zone": zone}}}
    search = Search(need_before_date=day, expiry_flag=ExpiryFlag.NEED_BEFORE_DATE)
    async with running(template, tmp_path, fjordby=far) as house, house.partner() as partner:
        assert (await partner.ask(replace(asked("G-1"), search=search))).error_report is None
        assert (await house.requests())["G-1"].dates.need_by == day


async def test_a_request_without_an_expiry_outlasts_the_day_until_which_it_is_needed(
    house: House, partner: Partner
) -> None:
    """no-Expiry is the default of the flag (facts 4, Search-Type)."""
    search = Search(need_before_date=START.date() + timedelta(days=7))
    await partner.ask(replace(asked("G-1"), search=search))
    await partner.ask(replace(asked("G-2"), search=replace(search, expiry_flag=ExpiryFlag.NEED_BEFORE_DATE)))
    house.clock.advance(timedelta(days=9))
    await house.town.gateway.managed.drain_due_work()

    found = await house.requests()
    assert {number: one.state for number, one in found.items()} == {
        "G-1": LendingState.NEW,
        "G-2": LendingState.EXPIRED,
    }
    assert found["G-1"].dates.need_by == search.need_before_date


async def test_an_unknown_transaction(partner: Partner) -> None:
    report = await partner.ask(Renew(**header("NEVER")))
    assert provider(report).transaction_id_problem == TransactionIdProblem.UNKNOWN_TRANSACTION_ID
    assert report.error_report is not None
    assert report.error_report.correlation == "Renew NEVER 1 20260302080000"


async def test_what_the_state_does_not_allow(house: House, partner: Partner) -> None:
    await partner.ask(asked("G-1"))
    house.clock.advance(house.clock.now().resolution)
    report = await partner.ask(Renew(**header("G-1", clock=time(23, 0))))
    assert provider(report).state_transition_prohibited == StateTransitionProhibited(
        apdu=ApduType.RENEW, state=CurrentState.IN_PROCESS
    )
    assert (await house.requests())["G-1"].state is LendingState.NEW
    assert await house.denied() == ["Renew is not allowed in the state IN-PROCESS."]
    assert (await house.journal())[-1][1:] == ("refused", "Renew is not allowed in the state IN-PROCESS.")


async def test_what_comes_from_the_wrong_role(partner: Partner) -> None:
    """We are the requester of what only a responder says, and the partner calls itself the requester."""
    shipped = Shipped(**header("G-1"), service_type=ServiceType.LOAN, supply_details=SupplyDetails())
    assert provider(await partner.ask(shipped)).general_problem == GeneralProblem.MISTYPED_APDU


@pytest.mark.parametrize("version", [0, 3])
async def test_a_version_that_is_not_spoken(partner: Partner, version: int) -> None:
    report = await partner.ask(asked("G-1", protocol_version=version))
    assert provider(report).general_problem == GeneralProblem.PROTOCOL_VERSION_NOT_SUPPORTED
    assert report.transaction_id.group_qualifier == "G-1"


async def test_an_apdu_that_the_standard_does_not_have(partner: Partner) -> None:
    raw = encode_apdu(asked("G-1"))
    partner.writer.write(b"\x7e" + raw[1:])
    assert provider(await partner.hear()).general_problem == GeneralProblem.UNRECOGNIZED_APDU


async def test_an_apdu_that_can_not_be_read(partner: Partner) -> None:
    raw = encode_apdu(asked("G-1")).replace(b"20260302", b"2026x302")
    partner.writer.write(raw)
    report = await partner.hear()
    assert provider(report).general_problem == GeneralProblem.BADLY_STRUCTURED_APDU


async def test_nothing_is_reported_about_a_report(house: House, partner: Partner) -> None:
    error = ErrorReport(
        correlation="Renew",
        source=ReportSource.PROVIDER,
        provider=ProviderError(general_problem=GeneralProblem.OTHER),
    )
    partner.say(StatusOrErrorReport(**header("NEVER"), error_report=error))
    partner.writer.write(encode_apdu(StatusOrErrorReport(**header("NEVER"))).replace(b"20260302", b"2026x302"))
    assert (await partner.ask(asked("G-1"))).transaction_id.group_qualifier == "G-1"
    assert [outcome for _, outcome, _ in await house.journal()] == ["refused", "malformed", "ok"]


async def test_nothing_is_reported_about_a_message_that_has_no_place(partner: Partner) -> None:
    partner.say(Message(**header("NEVER"), note="Hvor er boka?"))
    assert (await partner.ask(asked("G-1"))).transaction_id.group_qualifier == "G-1"


async def test_an_error_report_lands_on_the_request(house: House, partner: Partner) -> None:
    await partner.ask(asked("G-1"))
    error = ErrorReport(
        correlation="ILL-Answer G-1 1",
        source=ReportSource.PROVIDER,
        provider=ProviderError(general_problem=GeneralProblem.BADLY_STRUCTURED_APDU),
    )
    partner.say(StatusOrErrorReport(**header("G-1", clock=time(9, 0)), error_report=error))
    assert (await partner.ask(StatusQuery(**header("G-1", clock=time(9, 1))))).status_report is not None
    request = (await house.requests())["G-1"]
    shown = await house.town.gateway.managed.libraries["CLK"].requests.load_view(request.id)
    news = [line.event.details.note for line in shown.history if line.event.kind is EventKind.TROUBLE]
    assert news == ["general-problem: badly-structured-apdu; about ILL-Answer G-1 1"]
    assert RequestFlag.TROUBLE in shown.request.flags, "staff look"


async def test_a_critical_extension_that_is_not_known(partner: Partner) -> None:
    unknown = External(direct_reference="1.0.10161.13.999", encoding=Encoding.SINGLE_ASN1_TYPE, value=b"\x30\x00")
    request = asked("G-1", extensions=(Extension.from_item(unknown, critical=True),))
    assert problem_of_user(await partner.ask(request)).unable_to_perform == UnableToPerform.OTHER
    plain = asked("G-2", extensions=(Extension.from_item(unknown),))
    assert (await partner.ask(plain)).error_report is None


def make_profile(**section: Any) -> dict[str, Any]:
    return {**FJORDBY, "iso_ill": {**FJORDBY["iso_ill"], **section}}


async def test_a_critical_extension_that_is_put_up_with(template: Path, tmp_path: Path) -> None:
    known = External(direct_reference="1.0.10161.13.999", encoding=Encoding.SINGLE_ASN1_TYPE, value=b"\x30\x00")
    profile = make_profile(critical_extensions=["1.0.10161.13.999"])
    async with running(template, tmp_path, fjordby=profile) as house, house.partner() as partner:
        report = await partner.ask(asked("G-1", extensions=(Extension.from_item(known, critical=True),)))

    assert report.error_report is None


@pytest.mark.parametrize(("wire", "title"), [({}, "Krak\xa2w"), ({"charset_in": "cp852"}, "Kraków")])
async def test_octets_of_an_old_system(template: Path, tmp_path: Path, wire: dict[str, Any], title: str) -> None:
    octets = encode_apdu(asked("G-1", "Kraków"), EncodingStyle(charset="cp852"))
    async with running(template, tmp_path, fjordby=make_profile(wire=wire)) as house, house.partner() as partner:
        partner.writer.write(octets)
        await partner.hear()
        requests = await house.requests()

    assert requests["G-1"].citation.title == title


async def test_strangers_are_refused_before_anything_is_done(house: House, partner: Partner) -> None:
    report = await partner.ask(asked("G-1", who="NO:FREMMED"))
    assert problem_of_user(report).security_problem == "No profile matches this sender."
    assert not await house.requests()
    assert (await house.journal())[0][1] == "rejected"


async def test_another_library_is_not_answered_for(partner: Partner) -> None:
    report = await partner.ask(asked("G-1", to="NO:ANNEN"))
    assert report.note == "Library not found."


async def test_whoever_has_signed_once_is_known_on_this_connection(house: House, partner: Partner) -> None:
    wrong = Extension.from_item(ShownCredentials("100", "lukk"))
    refused = await partner.ask(asked("G-1", who="NO:HEMMELIG", extensions=(wrong,)))
    assert problem_of_user(refused).security_problem == "The sender could not be authenticated."
    right = Extension.from_item(ShownCredentials("100", "åpen sesam"))
    assert (await partner.ask(asked("G-1", who="NO:HEMMELIG", extensions=(right,)))).error_report is None
    assert (await partner.ask(asked("G-2", who="NO:HEMMELIG"))).error_report is None
    async with house.partner() as other:
        assert problem_of_user(await other.ask(asked("G-3", who="NO:HEMMELIG"))).security_problem


async def test_parties_need_not_be_named_on_a_connection(house: House, partner: Partner) -> None:
    await partner.ask(asked("G-1"))
    nameless = replace(asked("G-2"), requester_id=None, responder_id=None)
    assert (await partner.ask(nameless)).error_report is None
    assert (await house.requests())["G-2"].partner.profile == "fjordby"


@pytest.mark.parametrize("symbol", ["FJORDBY", "no:FJORDBY", " NO : FJORDBY "])
async def test_a_symbol_with_another_spelling_or_no_authority(partner: Partner, symbol: str) -> None:
    assert (await partner.ask(asked("G-1", who=symbol))).error_report is None


async def test_who_is_not_named_as_before_is_not_taken_for_another(partner: Partner) -> None:
    await partner.ask(asked("G-1"))
    assert problem_of_user(await partner.ask(asked("G-2", who="NO:FREMMED"))).security_problem


async def test_a_message_of_the_journal_is_rehearsed_and_replayed(house: House, partner: Partner) -> None:
    await partner.ask(asked("G-1"))
    await partner.ask(Cancel(**header("G-1", clock=time(9, 0))))
    identifier = (await house.ids())[1]
    shown = await house.illgate("replay", identifier, "--dry-run")
    assert "Cancel tells of request G-1/1: cancel" in shown
    assert "It was here before: nothing would change." in shown
    assert (await house.requests())["G-1"].state is LendingState.CANCELLED
    assert "a repeat: it was here before" in await house.illgate("replay", identifier)


async def test_a_rehearsal_leaves_no_trace(house: House, partner: Partner) -> None:
    await partner.ask(asked("G-1"))
    request = (await house.requests())["G-1"]
    await house.forget_messages()
    identifier = (await house.ids())[0]
    shown = await house.illgate("replay", identifier, "--dry-run")
    assert "It would be refused: There is a request with this transaction already." in shown
    assert (await house.requests())["G-1"] == request
