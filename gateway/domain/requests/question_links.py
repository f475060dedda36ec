"""Signed links that answer a question to the patron: one says yes, the other no. Whoever holds one may answer, until
the time for it is over; that a question is answered once is the state table's to see to."""

from __future__ import annotations

from datetime import datetime

from gateway.domain.frozen import frozen_by_name
from gateway.domain.requests.tokens import BadLink, LinkFault, is_signed, said_by, token

ANSWERS = ("yes", "no")


@frozen_by_name
class QuestionLink:
    """`query`: id of the question; `answer`: a word of ANSWERS; `expires`: aware UTC, in whole seconds."""

    library: str
    request_id: str
    query: str
    answer: str
    expires: datetime


def sign(link: QuestionLink, secret: bytes) -> str:
    """The token, always the same for the same link. Raises ValueError for another answer than ANSWERS."""
    if link.answer not in ANSWERS:
        raise ValueError(f"an answer is one of {', '.join(ANSWERS)}")
    said: dict[str, str | int] = {
        "l": link.library,
        "r": link.request_id,
        "q": link.query,
        "y": link.answer,
        "e": int(link.expires.timestamp()),
    }
    return token(said, secret)


def library_of(text: str) -> str:
    """Whose secret to check it with: what the token says, which is not believed yet. Raises BadLink."""
    return said_by(text).text("l")


def verify(text: str, secret: bytes) -> QuestionLink:
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
    )
    if link.answer not in ANSWERS:
        raise BadLink(LinkFault.FORGED)
    return link
