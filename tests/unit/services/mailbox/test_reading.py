"""A mail is read in its partner's format: what was understood, how, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from gateway.domain.problems import MalformedMessage
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from gateway.ports.incoming_mail import IncomingMail, MailEvent, MailInterpretation, ParsedMail
from gateway.services.mailbox.mail_reader import MailReading, read_as_partner

BERGEN = Profile(name="bergen")
PROMISE = MailEvent(kind=EventKind.WILL_SUPPLY, role=Role.BORROWING, transaction="B-7", explained=("a line has TBS",))
NO = MailEvent(kind=EventKind.UNFILLED, role=Role.BORROWING)


@dataclass
class OneFormat:
    """Plain mail that is understood as it is said here."""

    understood: MailInterpretation | MalformedMessage
    name: str = "letters"

    def recognises(self, mail: IncomingMail, profile: Profile) -> bool:
        return True

    def decode(self, mail: IncomingMail, profile: Profile) -> MailInterpretation:
        assert (mail.text, profile) == ("TBS", BERGEN)
        if isinstance(self.understood, MalformedMessage):
            raise self.understood
        return self.understood


def read(understood: MailInterpretation | MalformedMessage) -> MailReading:
    mail = IncomingMail(id="m", sender="a@bergen.example", text="TBS", received=datetime(2026, 3, 2, tzinfo=UTC))
    return read_as_partner(ParsedMail(mail=mail, digest="d"), BERGEN, {"letters": OneFormat(understood)})


@pytest.mark.parametrize(
    ("understood", "lines"),
    [
        (MailInterpretation(), ("format letters: 0 events",)),
        (
            MailInterpretation((PROMISE,), ("N/A",)),
            ("format letters: 1 event", "  a line has TBS", "  event: will supply of B-7", "  not understood: N/A"),
        ),
        (
            MailInterpretation((PROMISE, NO)),
            ("format letters: 2 events", "  a line has TBS", "  event: will supply of B-7", "  event: unfilled"),
        ),
    ],
)
def test_it_is_told_how_a_mail_was_understood(understood: MailInterpretation, lines: tuple[str, ...]) -> None:
    reading = read(understood)

    assert (reading.understood, reading.explained[1:]) == (understood, lines)
    assert (reading.problem, reading.malformed, reading.format) == ("", False, "letters")


def test_what_is_wrong_with_a_mail_is_its_problem_and_the_last_line() -> None:
    reading = read(MalformedMessage("line 3", "there is no end"))

    assert (reading.malformed, reading.understood) == (True, MailInterpretation())
    assert reading.problem == "letters: line 3: there is no end"
    assert reading.explained == ("sender: bergen, set manually", "format letters: line 3: there is no end")
