"""The wire between the gateways: it loses messages and acknowledgements, holds messages back and repeats old ones, and
knows what was refused on it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from adapters.loopback import codec
from adapters.loopback.channel import HUB, DeliverMessage
from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.domain.requests.events import EventKind


class Fault(Enum):
    NONE = "delivered"
    LOST = "lost before it came"
    UNANSWERED = "delivered, its acknowledgement lost"
    HELD = "held back"


@dataclass(frozen=True)
class Sent:
    """`sender` and `receiver` are symbols; `role` is the sender's; `transaction` the number of the request."""

    id: str
    kind: EventKind
    role: str
    sender: str
    receiver: str
    transaction: str
    body: bytes

    @classmethod
    def of(cls, receiver: str, body: bytes) -> Sent:
        said = json.loads(body)
        return cls(
            said["id"],
            EventKind(said["kind"]),
            said["role"],
            said["sender"]["symbol"],
            receiver,
            said["transaction"],
            body,
        )

    def __str__(self) -> str:
        return f"{self.sender} → {self.receiver} {self.kind.value} ({self.transaction})"


@dataclass(frozen=True)
class Refused:
    """What the receiver said to `sent`, at each of its repeats alike."""

    sent: Sent
    reason: str
    detail: str


class FaultyWire:
    def __init__(self, story: list[str]) -> None:
        self.plan: deque[Fault] = deque()
        """What happens to the next messages; then all goes well."""
        self.past: dict[str, Sent] = {}
        self.refused: dict[str, Refused] = {}
        self.answered: set[str] = set()
        """Ids of messages whose sender has got the acknowledgement."""
        self._story = story

    def expect(self, faults: Iterable[Fault]) -> None:
        self.plan = deque(faults)

    async def __call__(self, receiver: str, body: bytes, deliver: DeliverMessage) -> bytes:
        sent = Sent.of(receiver, body)
        self.past.setdefault(sent.id, sent)
        assert self.past[sent.id] == sent, f"{sent}: another message under the same id"
        fault = self.plan.popleft() if self.plan else Fault.NONE
        self._story.append(f"    {sent}: {fault.value}")
        match fault:
            case Fault.LOST:
                raise Unavailable("the wire is cut")
            case Fault.HELD:
                raise OutcomeUnknown("no answer")
        answer = await self._deliver(sent, deliver)
        if fault is Fault.UNANSWERED:
            raise OutcomeUnknown("no answer")
        self.answered.add(sent.id)
        return answer

    async def again(self, choice: int) -> None:
        """One of all messages that were ever sent comes (once more), whatever came since."""
        sent = tuple(self.past.values())[choice % len(self.past)]
        self._story.append(f"    {sent}: comes (again)")
        await self._deliver(sent, HUB.find_member(sent.receiver))

    async def _deliver(self, sent: Sent, deliver: DeliverMessage) -> bytes:
        answer = await deliver(sent.body)
        taken = codec.decode_acknowledgement(answer)
        if taken.refused is not None:
            refused = Refused(sent, taken.refused.reason.value, taken.refused.detail)
            self._story.append(f"      refused: {refused.detail}")
            assert self.refused.setdefault(sent.id, refused) == refused, "a repeat got another answer"
        else:
            assert sent.id not in self.refused, f"{sent}: refused at first, taken when it was repeated"
        return answer
