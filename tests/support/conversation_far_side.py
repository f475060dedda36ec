"""The far side of a recorded conversation, over HTTP: what it answers to a message of ours is what it answered to its
like in the recording; what it was never asked then is confirmed as it confirmed everything else.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from aiohttp import web

from tests.support.recorded_conversations import (
    RecordedAnswer,
    RecordedConversation,
    SpokenMessage,
    read_message,
    replace_numbers,
)

_CONFIRMED = """<?xml version="1.0" encoding="UTF-8"?>
<ISO18626Message xmlns="http://illtransactions.org/2013/iso18626" xmlns:i="http://illtransactions.org/2013/iso18626"
  i:version="1.2"><{element}Confirmation><confirmationHeader><supplyingAgencyId><agencyIdType>ISIL</agencyIdType>
  <agencyIdValue>{supplier}</agencyIdValue></supplyingAgencyId><requestingAgencyId><agencyIdType>ISIL</agencyIdType>
  <agencyIdValue>{requester}</agencyIdValue></requestingAgencyId><timestamp>{at}</timestamp>
  <requestingAgencyRequestId>{number}</requestingAgencyRequestId><timestampReceived>{at}</timestampReceived>
  <messageStatus>OK</messageStatus></confirmationHeader>{rest}</{element}Confirmation></ISO18626Message>"""


def group_message(spoken: SpokenMessage) -> str:
    """By what a message of ours and one of the recording are the same: not by the reason of a plain status, which is
    written anew when a broker wants it otherwise."""
    reason, _, status = spoken.word.partition(" ")
    if spoken.element == "supplyingAgencyMessage" and reason in ("RequestResponse", "StatusChange"):
        return f"{spoken.element} {status}"
    return f"{spoken.element} {spoken.word}"


@dataclass
class FarSide:
    """Takes what the gateway sends and answers as it was answered in the recording."""

    sent: list[SpokenMessage] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)
    answers: dict[str, deque[RecordedAnswer]] = field(default_factory=dict)
    recorded_numbers: deque[str] = field(default_factory=deque)

    def take_conversation(self, conversation: RecordedConversation) -> None:
        self.sent, self.numbers, self.answers = [], {}, {}
        self.recorded_numbers = deque()
        for message in conversation.messages:
            if message.is_ours:
                spoken = message.spoken
                self.answers.setdefault(group_message(spoken), deque()).append(message.answer)
                if spoken.element == "request" and spoken.number not in self.recorded_numbers:
                    self.recorded_numbers.append(spoken.number)

    async def handle(self, arrival: web.Request) -> web.StreamResponse:
        octets = await arrival.read()
        spoken = read_message(octets)
        self.sent.append(spoken)
        if spoken.element == "request" and spoken.number not in self.numbers.values() and self.recorded_numbers:
            self.numbers[self.recorded_numbers.popleft()] = spoken.number
        waiting = self.answers.get(group_message(spoken))
        if not waiting:
            return web.Response(body=self._confirm(spoken), content_type="application/xml")
        answer = waiting.popleft()
        if answer.is_lost:
            assert arrival.transport is not None
            arrival.transport.abort()
        return web.Response(
            status=answer.status,
            body=replace_numbers(answer.body, self.numbers),
            content_type="application/xml" if answer.status == 200 else "text/plain",
        )

    @staticmethod
    def _confirm(spoken: SpokenMessage) -> bytes:
        said = spoken.word.partition(" ")[0]
        rest = {
            "request": "",
            "requestingAgencyMessage": f"<action>{said}</action>",
            "supplyingAgencyMessage": f"<reasonForMessage>{said}</reasonForMessage>",
        }[spoken.element]
        return _CONFIRMED.format(
            element=spoken.element,
            supplier=spoken.supplier,
            requester=spoken.requester,
            number=spoken.number,
            at=spoken.text("timestamp"),
            rest=rest,
        ).encode()
