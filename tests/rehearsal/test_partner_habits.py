"""Habits of real partners that a partner who is played has: what is over it forgets, how it stands it says truly."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.iso18626.messages import SupplyingAgencyMessage
from adapters.iso18626.messages.declaration import OpenCode
from adapters.iso18626.messages.structures import MessageInfo, ReturnInfo
from gateway.domain.problems import ConfigurationError
from rehearsal.protocols.iso18626.rehearsed_elements import change_elements, check_elements
from rehearsal.scenarios.scenario import SHIPPED_SCENARIOS, PlayedRole, load_scenarios
from tests.rehearsal.world import make_template
from tests.support.recorded_conversations import read_message
from tests.support.rehearsed_conversations import load_recording, open_rehearsal

SCENARIOS = load_scenarios([SHIPPED_SCENARIOS])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("habits"))


async def test_a_supplier_forgets_what_is_over(template: Path, tmp_path: Path, samples_folder: Path) -> None:
    """illmock confirms a Cancel of it and answers nothing; the number is free again."""
    conversation = load_recording(samples_folder, "illmock/unfilled", PlayedRole.LENDING)
    cancelled = load_recording(samples_folder, "illmock/willsupply-cancel", PlayedRole.LENDING)
    scenario = SCENARIOS["unfilled-without-reason"]
    async with open_rehearsal(template, tmp_path, conversation, SCENARIOS, scenario) as rehearsal:
        assert await rehearsal.play(conversation, scenario) == []
        request, cancel = conversation.messages[0], cancelled.messages[2]
        numbers = {cancel.spoken.number: request.spoken.number, cancel.spoken.supplier_number: "1"}
        rehearsal.other.numbers |= numbers
        reply = await rehearsal.hear(cancel.octets, cancel.at)
        reply.speak()
        await rehearsal.partner.finish_speaking()
        assert reply.answer is not None
        assert read_message(reply.answer.body).text("messageStatus") == "OK"
        assert len(rehearsal.other.said) == 1

        again = await rehearsal.hear(request.octets.replace(b"of sup", b"for sup"), request.at)
        assert again.answer is not None
        assert read_message(again.answer.body).text("messageStatus") == "OK"


async def test_a_requester_forgets_what_is_over(template: Path, tmp_path: Path, samples_folder: Path) -> None:
    conversation = load_recording(samples_folder, "illmock/borrows-unfilled", PlayedRole.BORROWING)
    renewed = load_recording(samples_folder, "illmock/borrows-renew", PlayedRole.BORROWING)
    scenario = SCENARIOS["asks-loan"]
    async with open_rehearsal(template, tmp_path, conversation, SCENARIOS, scenario) as rehearsal:
        assert await rehearsal.play(conversation, scenario) == []
        sent = renewed.messages[1]
        rehearsal.other.numbers[sent.spoken.number] = read_message(rehearsal.other.said[0]).number
        reply = await rehearsal.hear(sent.octets, sent.at)
        assert reply.answer is not None
        said = read_message(reply.answer.body)
        assert (said.text("messageStatus"), said.text("errorType")) == ("ERROR", "UnrecognisedDataValue")


@pytest.mark.parametrize(
    ("name", "status"),
    [("loaned", "Loaned"), ("conditional", "WillSupply"), ("cancel-no", "WillSupply")],
)
async def test_a_refused_cancellation_says_how_it_stands(
    name: str, status: str, template: Path, tmp_path: Path, samples_folder: Path
) -> None:
    conversation = load_recording(samples_folder, "illmock/willsupply-cancel", PlayedRole.LENDING)
    scenario = SCENARIOS[name]
    request, cancel = conversation.messages[0], conversation.messages[2]
    async with open_rehearsal(template, tmp_path, conversation, SCENARIOS, scenario) as rehearsal:
        for message in (request, cancel):
            reply = await rehearsal.hear(message.octets, message.at)
            reply.speak()
            await rehearsal.partner.finish_speaking()
        answers = [read_message(one) for one in rehearsal.other.said if b"CancelResponse" in one]
    assert [(one.text("answerYesNo"), one.status) for one in answers] == [("N", status)]


# --- elements that a scenario names ----------------------------------------------------------------------


def test_elements_are_set_left_out_and_passed_over() -> None:
    message = SupplyingAgencyMessage(message_info=MessageInfo(reason_for_message="StatusChange", note="So"))
    changed = change_elements(
        message,
        {
            "messageInfo/note": None,
            "messageInfo/reasonRetry": "OnLoan",
            "deliveryInfo/sentVia": "Mail",
            "deliveryInfo/itemFormat": "Printed",
            "returnInfo/name": "Nordby",
            "serviceInfo/note": "of a request alone",
        },
    )
    assert changed.message_info == MessageInfo(reason_for_message="StatusChange", reason_retry=OpenCode("OnLoan"))
    assert changed.delivery_info is not None
    assert (changed.delivery_info.delivery_method, changed.delivery_info.item_format) == (
        OpenCode("Mail"),
        OpenCode("Printed"),
    )
    assert changed.return_info == ReturnInfo(name="Nordby")
    assert change_elements(changed, {"deliveryInfo": None}).delivery_info is None


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("messageInfo/reasonretry", "OnLoan", "no message of ISO 18626 has such an element"),
        ("messageInfo/note/words", "So", "no message of ISO 18626 has such an element"),
        ("statusInfo/dueDate", "tomorrow", "this can't stand there: tomorrow"),
        ("messageInfo/offeredCosts/monetaryValue", "much", "this can't stand there: much"),
        ("returnInfo/physicalAddress", "Main Street", "this can't stand there: Main Street"),
    ],
)
def test_an_element_that_there_is_not_is_named(path: str, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_elements({path: text})
    assert words in str(caught.value)
    assert path.rpartition("/")[2] in str(caught.value)
