"""Making and checking links that answer a question of ours."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from gateway.domain.requests.question_links import (
    QuestionLink,
    library_of_question_link,
    sign_question_link,
    verify_question_link,
)
from gateway.domain.requests.tokens import BadLink, LinkFault
from gateway.store.api.secrets import QUESTION_LINKS, read_secret, secret


def question_token(connection: Connection, link: QuestionLink, now: datetime) -> str:
    """For `/q/TOKEN`. The library's secret is made when it is needed first, so this needs a transaction that may
    write."""
    return sign_question_link(link, secret(connection, link.library, QUESTION_LINKS, now))


def question_link(connection: Connection, token: str) -> QuestionLink:
    """What a token of ours says. Raises BadLink."""
    key = read_secret(connection, library_of_question_link(token), QUESTION_LINKS)
    if key is None:  # no question was ever asked by such a library
        raise BadLink(LinkFault.FORGED)
    return verify_question_link(token, key)
