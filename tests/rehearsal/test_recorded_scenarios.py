"""Scenarios against what real systems said: each that has a recording, message by message."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from rehearsal.scenarios.scenario import PARTNER_ROLES, SHIPPED_SCENARIOS, PlayedRole, load_scenarios
from tests.rehearsal.world import make_template
from tests.support.compared_messages import describe_message
from tests.support.recorded_conversations import list_recorded
from tests.support.rehearsed_conversations import load_recording, open_rehearsal
from tests.support.yaml_files import read_yaml_rows

SCENARIOS = load_scenarios([SHIPPED_SCENARIOS])
RECORDED = [(one.name, folder) for one in SCENARIOS.values() if one.role in PARTNER_ROLES for folder in one.recorded]
UNPLAYED = Path(__file__).with_name("unplayed_recordings.yml")

ROLES = {PlayedRole.LENDING: "supplier", PlayedRole.BORROWING: "requester"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("recorded"))


@pytest.mark.parametrize(("name", "folder"), RECORDED)
async def test_a_scenario_is_played_as_it_was_recorded(
    name: str, folder: str, template: Path, tmp_path: Path, samples_folder: Path
) -> None:
    conversation = load_recording(samples_folder, folder, SCENARIOS[name].role)
    scenario = SCENARIOS[name]
    async with open_rehearsal(template, tmp_path, conversation, SCENARIOS, scenario) as rehearsal:
        differences = await rehearsal.play(conversation, scenario)
    assert not differences, "\n".join(["", *differences])


@pytest.mark.parametrize("role", ROLES)
def test_real_systems_were_recorded_in_both_roles(role: PlayedRole, samples_folder: Path) -> None:
    """What is compared is what they said, and neither our own messages nor nothing."""
    recordings = [
        load_recording(samples_folder, folder, role) for name, folder in RECORDED if SCENARIOS[name].role is role
    ]
    systems = {one.system for one in recordings}
    assert systems >= {"illmock", "crosslink-library", "oclc-responder"}
    for one in recordings:
        said = [message for message in one.messages if f"-{ROLES[role]}-" in message.name]
        answered = [message for message in one.messages if f"-{ROLES[role]}-" not in message.name]
        assert not any(message.name.endswith(".ours") for message in said), one.folder
        assert said or answered, one.folder


def test_each_recording_is_compared_or_has_a_reason_why_not(samples_folder: Path) -> None:
    rows = read_yaml_rows(UNPLAYED)
    unplayed = Counter(folder for row in rows for folder in row["conversations"])
    compared = {folder.partition("@")[0] for _, folder in RECORDED}
    assert set(unplayed.values()) == {1}
    assert compared | set(unplayed) == set(list_recorded(samples_folder))
    assert not compared & set(unplayed)
    assert all(row["why"] for row in rows)


def test_a_difference_in_each_element_is_noticed() -> None:
    """One message, changed in one place at a time."""
    message = MESSAGE.encode()
    same = MESSAGE.replace("B-1", "B-2").replace("2026-11-30T02:41", "2026-12-01T03:00").replace("14T02", "15T02")
    assert describe_message(same.replace("117", "118").encode()) == describe_message(message)
    changes = {
        "Loaned": "Overdue",
        "StatusChange": "RequestResponse",
        "2026-12-14": "2026-12-15",
        "<itemId>117": "<itemId>http://example.com/117",
        "<sentVia>Mail</sentVia>": "",
        "<lastChange>2026-11-30T02:41:00Z</lastChange>": "",
        "#ReShareAddLoanCondition#": "",
        "|QL 1|": "||",
        "Handle it gently": "",
        "SUP1": "SUP2",
    }
    for old, new in changes.items():
        assert old in MESSAGE
        assert describe_message(MESSAGE.replace(old, new).encode()) != describe_message(message), old
    first, second = "<itemId>117</itemId>", "<sentVia>Mail</sentVia>"
    assert describe_message(MESSAGE.replace(first + second, second + first).encode()) != describe_message(message)


MESSAGE = """<ISO18626Message xmlns="http://illtransactions.org/2013/iso18626"><supplyingAgencyMessage>
<header><supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>SUP1</agencyIdValue></supplyingAgencyId>
<timestamp>2026-11-30T02:41:00Z</timestamp><requestingAgencyRequestId>B-1</requestingAgencyRequestId></header>
<messageInfo><reasonForMessage>StatusChange</reasonForMessage><note>Handle it gently#ReShareAddLoanCondition#
#MultipleItems#\n3|QL 1|Title\n#MultipleItemsEnd#</note></messageInfo><statusInfo><status>Loaned</status>
<dueDate>2026-12-14T02:41:00Z</dueDate><lastChange>2026-11-30T02:41:00Z</lastChange></statusInfo>
<deliveryInfo><dateSent>0001-01-01T00:00:00Z</dateSent><itemId>117</itemId><sentVia>Mail</sentVia></deliveryInfo>
</supplyingAgencyMessage></ISO18626Message>"""
