"""What can't be done for a request is answered UNFILLED at once, over real sockets, and only the journal keeps it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from adapters.iso_ill.messages import IllAnswer
from adapters.iso_ill.messages.codes import ReasonUnfilled, Results, ServiceType, Wish
from tests.protocol.iso_ill.house import asked, running


async def test_locations_alone_are_not_supplied(template: Path, tmp_path: Path) -> None:
    async with running(template, tmp_path) as house, house.partner() as partner:
        partner.say(replace(asked("G-1"), service_types=(ServiceType.LOCATIONS,)))
        answer = await partner.hear()

        assert isinstance(answer, IllAnswer)
        assert answer.results is Results.UNFILLED
        assert answer.transaction_id.group_qualifier == "G-1"
        assert answer.note == "Only loans and copies are supplied here."
        assert await house.requests() == {}
        assert await house.journal() == [("ILL-Request", "ok", "")]


async def test_a_required_message_that_is_not_sent(template: Path, tmp_path: Path) -> None:
    profile = template / "profiles" / "fjordby.yml"
    before = profile.read_text("utf-8")
    try:
        profile.write_text(
            before.replace("iso_ill:\n", "iso_ill:\n  optional_messages: {can_send_checked_in: false}\n"), "utf-8"
        )
        async with running(template, tmp_path) as house, house.partner() as partner:
            request = asked("G-2")
            wants = replace(request.optional_messages, checked_in=Wish.REQUIRES)
            partner.say(replace(request, optional_messages=wants))
            answer = await partner.hear()

            assert isinstance(answer, IllAnswer)
            assert answer.explanation is not None
            assert answer.explanation.unfilled is not None
            assert answer.explanation.unfilled.reason is ReasonUnfilled.MANDATORY_MESSAGING_NOT_SUPPORTED
            assert await house.requests() == {}
    finally:
        profile.write_text(before, "utf-8")
