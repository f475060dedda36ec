"""Signed links that answer a question of ours: one of a letter to the patron (yes or no), or one of a letter to a
partner (`partner_answers`). Whoever holds one may answer until the time for it is over; that a question is answered
once is the services' to see to."""

from __future__ import annotations

from datetime import datetime

from gateway.domain.frozen import frozen_by_name
from gateway.domain.requests.partner_answers import ANSWERS as PARTNER_ANSWERS
from gateway.domain.requests.tokens import BadLink, LinkFault, Said, is_signed, said_by, token

ANSWERS = ("yes", "no")
"""Of patrons."""


@frozen_by_name
class QuestionLink:
    """`query`: id of the question; `answer`: one of ANSWERS, for a partner a name of `partner_answers`; `attempt`: to
    which supplier the letter went (0: to the library that borrows from us), None where it went to the patron;
    `expires`: aware UTC, in whole seconds."""

    library: str
    request_id: str
    query: str
    answer: str
    expires: datetime
    attempt: int | None = None

    @property
    def is_partners(self) -> bool:
        return self.attempt is not None


def sign_question_link(link: QuestionLink, secret: bytes) -> str:
    """The token, always the same for the same link. Raises ValueError for an answer that there isn't."""
    if not _is_answer(link):
        raise ValueError(f"'{link.answer}' is no answer to this")
    said: dict[str, str | int] = {
        "l": link.library,
        "r": link.request_id,
        "q": link.query,
        "y": link.answer,
        "e": int(link.expires.timestamp()),
    }
    if link.attempt is not None:
        said["n"] = link.attempt
    return token(said, secret)


def library_of_question_link(text: str) -> str:
    """Whose secret to check it with: what the token says, which is not believed yet. Raises BadLink."""
    return said_by(text).text("l")


def verify_question_link(text: str, secret: bytes) -> QuestionLink:
    """Signed; whether its time is over is the caller's to say. Raises BadLink (FORGED)."""
    said = said_by(text)
    if not is_signed(text, secret):
        raise BadLink(LinkFault.FORGED)
    link = QuestionLink(
        library=said.text("l"),
        request_id=said.text("r"),
        query=said.text("q"),
        answer=said.text("y"),
        expires=said.moment("e"),
        attempt=_attempt(said),
    )
    if not _is_answer(link):
        raise BadLink(LinkFault.FORGED)
    return link


def _attempt(said: Said) -> int | None:
    return said.number("n") if said.has("n") else None


def _is_answer(link: QuestionLink) -> bool:
    return link.answer in (PARTNER_ANSWERS if link.is_partners else ANSWERS)
