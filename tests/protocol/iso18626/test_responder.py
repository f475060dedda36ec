"""What is answered to a partner's message of ISO 18626, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.iso18626.codec import NAMESPACE
from adapters.iso18626.messages import OpenCode, RequestingAgencyMessageConfirmation
from adapters.iso18626.messages.structures import AgencyId
from adapters.iso18626.responder import Iso18626Responder
from gateway.domain.library import Money
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition
from gateway.domain.requests.request import BorrowingState, LendingState, RequestFlag, Role
from gateway.domain.requests.views import ActionRequest
from gateway.store.journal import Journal
from tests.protocol.iso18626.endpoint import (
    FJORDBY,
    ROOT,
    Endpoint,
    make_template,
    run_endpoint,
    write_action,
    write_header,
    write_request,
    write_status,
)
from tests.support.broker_symbols import SUPPLIER, copy_as_broker, list_passed_on
from tests.support.yaml_files import write_yaml_file

OK = ("OK", "", "")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("iso18626-endpoint"))


@pytest.fixture(scope="session")
def is_valid(specs_folder: Path) -> Callable[[bytes, str], bool]:
    def check(body: bytes, name: str) -> bool:
        return etree.XMLSchema(file=str(specs_folder / name)).validate(etree.fromstring(body))

    return check


# --- requests --------------------------------------------------------------------------------------------


async def test_a_request_is_taken_and_confirmed(endpoint: Endpoint, is_valid: Callable[[bytes, str], bool]) -> None:
    answer = await endpoint.post(write_request("4711", "Markens grøde"))

    assert (answer.status, answer.content_type, answer.verdict) == (200, "application/xml", OK)
    assert is_valid(answer.body, "ISO-18626-v1_2.xsd")
    header = answer.confirmation.header
    assert header is not None
    assert header.requesting_agency_request_id == "4711"
    assert header.timestamp_received is not None
    assert (
        header.timestamp_received.isoformat() == "2026-03-02T07:59:00+00:00"
    )  # that of the message, not of its coming
    taken = (await endpoint.requests())["4711"]
    assert (taken.role, taken.citation.title, taken.partner.symbol) == (Role.LENDING, "Markens grøde", "NO-0030101")


async def test_the_same_message_again_changes_nothing_and_is_confirmed_again(endpoint: Endpoint) -> None:
    for _ in range(2):
        assert (await endpoint.post(write_request("4711"))).verdict == OK
    assert len(await endpoint.requests()) == 1


async def test_what_a_defect_undid_is_not_noted_in_the_journal(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repeat was found, and then its journal rows could not be made."""
    await endpoint.post(write_request("4711"))

    def fail(*_given: Any) -> str:
        raise RuntimeError("no row can be made")

    monkeypatch.setattr(Journal, "add_exchange", fail)
    answer = await endpoint.post(write_request("4711"))

    assert answer.status == 503
    notes = [row["note"] for row in await endpoint.journal() if row["direction"] == "in"]
    assert notes == ["", "An internal error occurred; the message is kept and can be replayed."]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def template_in_each_store(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> Path:
    if request.param == "sqlite":
        return template
    return make_template(tmp_path / "template", request.getfixturevalue("fresh_postgresql_url"))


async def test_a_message_that_comes_many_times_at_once_is_carried_out_once(
    template_in_each_store: Path, tmp_path: Path
) -> None:
    async with run_endpoint(template_in_each_store, tmp_path / "at-work") as endpoint:
        for message in (write_request("4711"), write_action("4711", "Cancel"), write_action("4712", "Received")):
            answers = await asyncio.gather(*(endpoint.post(message) for _ in range(6)))
            assert len({answer.body for answer in answers}) == 1

        (taken,) = (await endpoint.requests()).values()
        assert taken.state in (LendingState.CANCEL_PENDING, LendingState.CANCELLED)
        notes = [row["note"] for row in await endpoint.journal() if row["direction"] == "in"]
        assert sum("a repeat" in note for note in notes) == 15


async def test_requests_of_one_partner_that_come_at_once_are_all_taken(
    template_in_each_store: Path, tmp_path: Path
) -> None:
    ids = [str(number) for number in range(4711, 4723)]
    async with run_endpoint(template_in_each_store, tmp_path / "at-work") as endpoint:
        for write in (write_request, lambda id_: write_action(id_, "Cancel")):
            answers = await asyncio.gather(*(endpoint.post(write(id_)) for id_ in ids))
            assert [answer.verdict for answer in answers] == [OK] * len(ids)
        taken = await endpoint.requests()

    assert sorted(taken) == ids
    assert len({one.number for one in taken.values()}) == len(ids)
    assert {one.state for one in taken.values()} <= {LendingState.CANCEL_PENDING, LendingState.CANCELLED}


@pytest.mark.postgresql
async def test_two_nodes_that_get_the_same_message_carry_it_out_once(tmp_path: Path, fresh_postgresql_url: str) -> None:
    shared = await asyncio.to_thread(make_template, tmp_path / "template", fresh_postgresql_url)
    async with run_endpoint(shared, tmp_path / "one") as one, run_endpoint(shared, tmp_path / "other") as other:
        for message in (write_request("4711"), write_action("4711", "Cancel")):
            answers = await asyncio.gather(*(node.post(message) for node in (one, other)))
            assert [answer.verdict for answer in answers] == [OK, OK]

        assert len(await one.requests()) == 1
        notes = [row["note"] for row in await one.journal() if row["direction"] == "in"]
        assert sum("a repeat" in note for note in notes) == 2


async def test_what_is_asked_of_our_symbol_as_a_broker_is_passed_on(template: Path, tmp_path: Path) -> None:
    broker = copy_as_broker(template, tmp_path / "template", "ISIL:NO-FELLES")
    partner = {**FJORDBY["partner"], "brokered": "transparent"}
    dialect = {"version": "1.2", "symbols": {"ours": "ISIL:NO-FELLES"}}
    fjordby = {**FJORDBY, "partner": partner, "iso18626": dialect}
    write_yaml_file(broker / "profiles" / "fjordby.yml", fjordby)
    async with run_endpoint(broker, tmp_path / "at-work") as endpoint:
        assert (await endpoint.post(write_request("4711", "Pan", to="NO-FELLES"))).verdict == OK
        assert (await endpoint.post(write_request("4712", "Sult", to="CLK"))).verdict == OK
        own = await endpoint.post(write_request("4713", "Vær", who="CLK"), path="/iso18626/fjordby")
        assert "goes in a circle" in own.verdict[2]
        assert (await endpoint.post(write_action("4711", "Notification", "Haster", to="NO-FELLES"))).verdict == OK
        stranger = await endpoint.post(write_action("4711", "Notification", "Haster", to="NO-0030199"))
        assert stranger.verdict == (
            "ERROR",
            "UnrecognisedDataValue",
            "NO-0030199: This library has no part in the request.",
        )

        assert list_passed_on(await endpoint.list_requests()) == [("Pan", [SUPPLIER])]


async def test_a_request_in_our_own_name_is_taken_where_nothing_is_passed_on(endpoint: Endpoint) -> None:
    """Koha's messages don't name their sender truly, so one may well have our symbol."""
    assert (await endpoint.post(write_request("4711", who="CLK"), path="/iso18626/fjordby")).verdict == OK


async def test_another_request_with_the_same_id_is_refused(endpoint: Endpoint) -> None:
    await endpoint.post(write_request("4711"))

    status, kind, value = (await endpoint.post(write_request("4711", "Pan"))).verdict
    assert (status, kind) == ("ERROR", "UnrecognisedDataValue")
    assert "already" in value
    assert [one.citation.title for one in (await endpoint.requests()).values()] == ["Sult"]


async def test_what_was_not_supplied_may_be_asked_for_anew_under_its_id(endpoint: Endpoint) -> None:
    """As illmock does where it is told to keep the id. While it is open, or without that word, it is a second one."""
    retry = write_request("4711", "Pan", "<requestType>Retry</requestType>")
    await endpoint.post(write_request("4711"))
    assert (await endpoint.post(retry)).verdict[0] == "ERROR"
    (first,) = await endpoint.list_requests()
    told = ActionRequest(kind=EventKind.RETRY, details=EventDetails(reason="on-loan"), actor="staff:ada", version=None)
    await endpoint.town.act(first, told)
    assert (await endpoint.post(write_request("4711", "Victoria"))).verdict[0] == "ERROR"

    later = retry.replace("07:59:00Z", "09:00:00Z")
    for _ in range(2):
        assert (await endpoint.post(later)).verdict == OK
    assert [(one.citation.title, one.state.value) for one in await endpoint.list_requests()] == [
        ("Sult", "unfilled"),
        ("Pan", "new"),
    ]
    await endpoint.post(write_action("4711", "Cancel"))
    assert (await endpoint.list_requests())[-1].state in (LendingState.CANCEL_PENDING, LendingState.CANCELLED)


@pytest.mark.parametrize("number", ["4711", "4712"])
async def test_a_condition_is_accepted_by_a_retry(endpoint: Endpoint, number: str) -> None:
    await endpoint.post(write_request("4711"))
    (first,) = await endpoint.list_requests()
    conditions = EventDetails(conditions=(LoanCondition.LIBRARY_USE_ONLY,))
    told = ActionRequest(kind=EventKind.CONDITIONAL, details=conditions, actor="staff:ada", version=None)
    offered = await endpoint.town.act(first, told)
    before = (
        "<requestType>Retry</requestType><requestingAgencyPreviousRequestId>4711</requestingAgencyPreviousRequestId>"
    )
    retry = write_request(number, service=before).replace("07:59:00Z", "09:00:00Z")
    for _ in range(2):
        assert (await endpoint.post(retry)).verdict == OK

    (accepted,) = await endpoint.list_requests()
    assert (accepted.id, accepted.transaction, accepted.state) == (first.id, number, LendingState.WILL_SUPPLY)
    answered = (offered.answered_in, accepted.answered_in)
    assert answered == (offered.version, 0), "what it hears next is the RequestResponse to its retry"
    for id_ in ("4711", number):  # a message about the old number may be under way
        assert (await endpoint.post(write_action(id_, "Notification", f"Takk for {id_}"))).verdict == OK


def allow_cost(amount: str, currency: str) -> str:
    costs = f"<currencyCode>{currency}</currencyCode><monetaryValue>{amount}</monetaryValue>"
    return f"<billingInfo><maximumCosts>{costs}</maximumCosts></billingInfo>"


@pytest.mark.parametrize(
    ("billing", "is_yes"),
    [
        (allow_cost("12.50", "EUR"), True),
        (allow_cost("12.49", "EUR"), False),
        (allow_cost("20", "USD"), False),
        ("", False),
    ],
    ids=["enough", "less", "other-currency", "no-limit"],
)
async def test_a_retry_is_a_yes_to_a_price_that_it_allows(endpoint: Endpoint, billing: str, is_yes: bool) -> None:
    """Any other is a request like the first, at its own terms."""
    await endpoint.post(write_request("4711"))
    (first,) = await endpoint.list_requests()
    price = Money(Decimal("12.50"), "EUR")
    told = ActionRequest(kind=EventKind.CONDITIONAL, details=EventDetails(cost=price), actor="staff:ada", version=None)
    await endpoint.town.act(first, told)
    before = (
        "<requestType>Retry</requestType><requestingAgencyPreviousRequestId>4711</requestingAgencyPreviousRequestId>"
    )
    retry = write_request("4712", service=before).replace("</serviceInfo>", f"</serviceInfo>{billing}")
    assert (await endpoint.post(retry)).verdict == OK

    found = [(one.transaction, one.state.value, one.costs.agreed) for one in await endpoint.list_requests()]
    assert found == (
        [("4712", "will-supply", price)] if is_yes else [("4711", "unfilled", None), ("4712", "new", None)]
    )


async def test_a_reminder_is_a_message_to_the_request_that_is_there(endpoint: Endpoint) -> None:
    await endpoint.post(write_request("4711"))
    reminder = write_request("4711", service="<requestType>Reminder</requestType>")

    assert (await endpoint.post(reminder)).verdict == OK
    assert len(await endpoint.requests()) == 1


async def test_an_answer_tells_of_a_loan_whose_message_got_lost(endpoint: Endpoint) -> None:
    """CrossLink and Koha send nothing twice (facts 8); what comes late after all changes nothing."""
    managed = endpoint.town.gateway.managed
    draft = BorrowingDraft(citation=Citation(title="Sult"), partner="fjordby", mediated=False, override=True)
    await managed.libraries["CLK"].requests.create_borrowing(draft)
    await managed.drain_due_work()
    (asked,) = await endpoint.list_requests()
    number = asked.attempts[0].transaction

    said = write_status(number, "Loaned", "StatusRequestResponse", "2026-04-10T23:59:59Z")
    assert (await endpoint.post(said)).verdict == OK
    (shipped,) = await endpoint.list_requests()
    assert (await endpoint.post(write_status(number, "Loaned"))).verdict == OK
    (late,) = await endpoint.list_requests()
    assert (await endpoint.post(write_status(number, "Unfilled", "StatusRequestResponse"))).verdict == OK
    (contrary,) = await endpoint.list_requests()

    assert (shipped.state, shipped.terms.lender_due) == (BorrowingState.SHIPPED, date(2026, 4, 10))
    assert (late.state, late.terms) == (shipped.state, shipped.terms)
    assert (contrary.state, RequestFlag.UNREAD in contrary.flags) == (BorrowingState.SHIPPED, True)


async def test_a_request_for_a_library_that_is_not_here_is_refused(endpoint: Endpoint) -> None:
    status, kind, value = (await endpoint.post(write_request("4711", to="XYZ"))).verdict

    assert (status, kind) == ("ERROR", "UnrecognisedDataValue")
    assert "XYZ" in value
    assert not await endpoint.requests()


# --- actions ---------------------------------------------------------------------------------------------


async def test_an_action_comes_back_in_its_confirmation(endpoint: Endpoint) -> None:
    """illmock stops where it doesn't."""
    await endpoint.post(write_request("4711"))
    confirmation = (await endpoint.post(write_action("4711", "Cancel"))).confirmation

    assert isinstance(confirmation, RequestingAgencyMessageConfirmation)
    assert confirmation.action == "Cancel"
    assert (await endpoint.requests())["4711"].state in (LendingState.CANCEL_PENDING, LendingState.CANCELLED)


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        (write_action("4712", "Received"), "UnrecognisedDataValue", "requestingAgencyRequestId: 4712"),
        (write_action("4711", "Renew"), "UnsupportedActionType", "Renew: "),
        (write_action("4711", "ShippedForward"), "UnsupportedActionType", "ShippedForward: "),
        (write_action("4711", "Juggle"), "UnsupportedActionType", "Juggle: "),
        (write_action("4711", ""), "UnrecognisedDataElement", "requestingAgencyMessage/action: missing"),
        (write_action("", "Received"), "UnrecognisedDataElement", "header/requestingAgencyRequestId: missing"),
    ],
    ids=["unknown-request", "not-now", "not-done", "unknown-word", "no-action", "no-id"],
)
async def test_what_is_not_taken_is_said_in_the_words_of_the_protocol(
    endpoint: Endpoint, message: str, kind: str, words: str
) -> None:
    await endpoint.post(write_request("4711"))

    status, told, value = (await endpoint.post(message)).verdict
    assert (status, told) == ("ERROR", kind)
    assert value.startswith(words)


# --- who may -------------------------------------------------------------------------------------------


async def test_an_unknown_sender_is_refused(endpoint: Endpoint) -> None:
    status, _, value = (await endpoint.post(write_request("4711", who="SE-X"))).verdict

    assert status == "ERROR"
    assert "No profile matches this sender" in value
    assert not await endpoint.requests()


async def test_an_account_lets_its_sender_in_and_is_not_kept(endpoint: Endpoint) -> None:
    def signed(code: str) -> str:
        account = (
            f"<requestingAgencyAuthentication><accountId>fjord</accountId><securityCode>{code}</securityCode>"
            "</requestingAgencyAuthentication>"
        )
        return write_request("4711", who="NO-0030102", extra=account)

    for wrong in (signed("sesam"), write_request("4711", who="NO-0030102")):
        assert (await endpoint.post(wrong)).verdict[0] == "ERROR"
    assert not await endpoint.requests()

    assert (await endpoint.post(signed("åpen sesam"))).verdict == OK
    kept = b"".join(row["body"] for row in await endpoint.journal() if row["body"])
    assert b"sesam" not in kept
    assert b"fjord" in kept


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-ILL-Key": ""},
        {"X-ILL-Key": "fjord"},
        {"X-ILL-Key": "fjord:åpen sesam "[:-2]},
        {"X-ILL-Key": "FJORD:ÅPEN SESAM"},
        {"X-ILL-Keys": "fjord:åpen sesam"},
        {"Authorization": "fjord:åpen sesam"},
    ],
    ids=["none", "empty", "half", "shorter", "capitals", "another-name", "elsewhere"],
)
async def test_a_wrong_header_lets_nobody_in(endpoint: Endpoint, headers: dict[str, str]) -> None:
    answer = await endpoint.post(write_request("4711", who="NO-0030105"), headers=headers)
    assert answer.verdict[0] == "ERROR"
    assert not await endpoint.requests()


async def test_a_header_of_its_own_lets_a_partner_in_and_is_not_kept(endpoint: Endpoint) -> None:
    headers = {"x-ill-KEY": "fjord:åpen sesam"}
    assert (await endpoint.post(write_request("4711", who="NO-0030105"), headers=headers)).verdict == OK
    assert not [row for row in await endpoint.journal() if "sesam" in str(dict(row))]


@pytest.mark.parametrize("rest", ["<![CDATA[sesam]]></ill:securityCode>", "sesam"], ids=["cdata", "cut-off"])
def test_a_security_code_is_concealed_however_it_is_written(rest: str) -> None:
    kept = Iso18626Responder().conceal_secrets(f"<ill:accountId>fjord</ill:accountId><ill:securityCode>{rest}".encode())
    assert b"sesam" not in kept
    assert b"fjord" in kept


# --- the answer looks like the message -------------------------------------------------------------------


async def test_a_message_of_2021_is_confirmed_in_2021(
    endpoint: Endpoint, is_valid: Callable[[bytes, str], bool]
) -> None:
    message = write_request("4711", root=ROOT.replace("1.2", "2021-2")).replace("<multipleItemRequestId/>", "")
    answer = await endpoint.post(message)

    assert is_valid(answer.body, "ISO-18626-2021-2.xsd")
    assert answer.root.get(f"{{{NAMESPACE}}}version") == "2021-2"


async def test_koha_gets_its_bare_root_and_its_status(endpoint: Endpoint) -> None:
    def bare(id_: str) -> str:
        inside = f"{write_header(id_, who='NO-0030103')}<action>Received</action>"
        return f'<requestingAgencyMessage xmlns="http://example.com/ill/request">{inside}</requestingAgencyMessage>'

    request = write_request("4711", who="NO-0030103")
    assert (await endpoint.post(request)).status == 201
    answer = await endpoint.post(bare("4712"))
    assert answer.status == 400
    assert answer.root.tag == "{http://example.com/ill/request}requestingAgencyMessageConfirmation"
    assert answer.verdict[:2] == ("ERROR", "UnrecognisedDataValue")


async def test_a_message_without_namespace_is_confirmed_without(endpoint: Endpoint) -> None:
    answer = await endpoint.post(write_request("4711", root='<ISO18626Message version="1.2">'))

    assert (answer.verdict, answer.root.tag, answer.root.get("version")) == (OK, "ISO18626Message", "1.2")


@pytest.mark.parametrize(
    ("requester", "repeated"),
    [
        ("<agencyIdValue>NO-0030101</agencyIdValue>", AgencyId(type=OpenCode("ISIL"), value="NO-0030101")),
        ("<agencyIdType>ISIL</agencyIdType>", None),
        ("", None),
    ],
    ids=["no-type", "no-value", "nothing"],
)
async def test_an_agency_that_is_only_half_said_does_not_spoil_the_confirmation(
    endpoint: Endpoint, is_valid: Callable[[bytes, str], bool], requester: str, repeated: AgencyId | None
) -> None:
    whole = "<agencyIdType>ISIL</agencyIdType><agencyIdValue>NO-0030101</agencyIdValue>"
    answer = await endpoint.post(write_request("4711").replace(whole, requester))

    assert is_valid(answer.body, "ISO-18626-v1_2.xsd")
    assert answer.verdict[0] == ("OK" if repeated else "ERROR")
    header = answer.confirmation.header
    assert header is not None
    assert header.requesting_agency == repeated


# --- what isn't a message --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "status", "words"),
    [
        ("{}", "application/json", 415, "application/xml"),
        ("<ehlo/>", "application/xml", 400, "not a message of ISO 18626"),
        ("<ISO18626Message", "text/xml", 400, "not well-formed XML"),
        ("", "application/xml", 400, "empty"),
        (" " * 2_000_000, "application/xml", 413, "larger than"),
        (
            f"{ROOT}<requestConfirmation/></ISO18626Message>",
            "application/xml",
            400,
            "a confirmation is no message of its own",
        ),
    ],
    ids=["json", "other-xml", "cut", "empty", "large", "confirmation"],
)
async def test_what_is_no_message_gets_a_status_and_words(
    endpoint: Endpoint, body: str, content_type: str, status: int, words: str
) -> None:
    for path in ("/iso18626", "/iso18626/fjordby"):
        answer = await endpoint.post(body, content_type=content_type, path=path)

        assert (answer.status, answer.content_type) == (status, "text/plain")
        assert words in answer.body.decode()


async def test_any_method_but_post_is_refused(endpoint: Endpoint) -> None:
    for path in ("/iso18626", "/iso18626/fjordby"):
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
            answer = await endpoint.send(method, path, write_request("4711").encode())
            assert (answer.status, answer.allow) == (405, "POST"), method
    assert not await endpoint.requests()
    assert not await endpoint.journal()


async def test_any_octets_get_a_confirmation_or_an_error_of_http(template: Path, tmp_path: Path) -> None:
    whole = write_request("4711").encode()
    pieces = st.binary(max_size=200) | st.tuples(
        st.integers(0, len(whole)), st.integers(0, 30), st.binary(max_size=6)
    ).map(lambda cut: whole[: cut[0]] + cut[2] + whole[cut[0] + cut[1] :])
    seen: list[bytes] = []

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(pieces)
    def gather(data: bytes) -> None:
        seen.append(data)

    gather()
    async with run_endpoint(template, tmp_path) as endpoint:
        for data in seen:
            for path in ("/iso18626", "/iso18626/fjordby"):
                answer = await endpoint.post(data, path=path)
                if answer.status == 200:
                    assert answer.verdict[0] in ("OK", "ERROR"), data
                else:
                    assert answer.status in (400, 413, 415), data
