"""A question to a patron by letter: its two links, and what becomes of them. Each says one answer, and is good until
the time for the answer is over."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from gateway.domain.frozen import frozen
from gateway.domain.requests.events import Details, Kind
from gateway.domain.requests.question_links import ANSWERS, QuestionLink
from gateway.domain.requests.request import PatronQuery, Request
from gateway.domain.requests.tokens import BadLink, LinkFault
from gateway.domain.requests.views import Act, NotNow, NotThere, QuestionState, QuestionView
from gateway.services.letters import Letters, Spoken
from gateway.services.requests.acts import PATRON, Acts, load
from gateway.services.requests.front import house_of
from gateway.services.requests.house import House
from gateway.store.api.questions import question_link, question_token
from gateway.store.engine import Store


async def answer_links(house: House, request: Request) -> Mapping[str, str]:
    """Addresses that answer the request's question, by answer; none where nobody can reach us from outside, or no
    question with a time limit is open."""
    query = request.query
    if not house.public_url or query is None or query.answer_by is None:
        return {}
    expires = query.answer_by.replace(microsecond=0)
    links = [
        QuestionLink(library=house.symbol, request_id=request.id, query=query.id, answer=one, expires=expires)
        for one in ANSWERS
    ]

    def work(connection: Connection) -> list[str]:
        return [question_token(connection, link, house.now()) for link in links]

    root = f"{house.public_url.rstrip('/')}/q/"
    return {link.answer: root + token for link, token in zip(links, await house.store.write(work), strict=True)}


@frozen
class QuestionsFront:
    """`acts` by symbol of the library."""

    store: Store
    houses: Mapping[str, House]
    acts: Mapping[str, Acts]
    letters: Letters

    async def question(self, token: str) -> QuestionView:
        """Changes nothing. Raises BadLink (FORGED), Unavailable."""
        link = await self._link(token)
        house, request = await self._find(link)
        return self._view(house, link, request)

    async def answer(self, token: str) -> QuestionView:
        """As it is after the answer, which counts only the first time. Raises BadLink (FORGED), Unavailable."""
        link = await self._link(token)
        house, request = await self._find(link)
        view = self._view(house, link, request)
        if view.state is not QuestionState.OPEN:
            return view
        details = Details(query=link.query, answer=link.answer)
        act = Act(kind=Kind.PATRON_ANSWERED, details=details, actor=PATRON, version=None)
        try:
            answered = await self.acts[house.symbol].act(link.request_id, act)
        except NotNow:  # somebody was quicker
            answered = await load(house, link.request_id)
        return self._view(house, link, answered)

    async def _link(self, token: str) -> QuestionLink:
        return await self.store.read(lambda c: question_link(c, token))

    async def _find(self, link: QuestionLink) -> tuple[House, Request]:
        try:
            house = house_of(self.houses, link.library)
            return house, await load(house, link.request_id)
        except NotThere as gone:
            raise BadLink(LinkFault.FORGED) from gone

    def spoken(self, language: str) -> Spoken:
        """The words of the page in a language, empty: the usual one."""
        return self.letters.spoken(language)

    def _view(self, house: House, link: QuestionLink, request: Request) -> QuestionView:
        spoken = self.letters.spoken(request.patron.language)
        query = request.query
        over = QuestionView(state=QuestionState.OVER, answer=link.answer, language=spoken.language)
        if query is None or query.id != link.query or _ran_out(query):
            return over
        if not query.answer and (house.now() >= link.expires or not request.open):
            return over
        return QuestionView(
            state=QuestionState.ANSWERED if query.answer else QuestionState.OPEN,
            answer=query.answer or link.answer,
            language=spoken.language,
            title=request.citation.short,
            text=query.text,
            until=spoken.words.when(query.answer_by, house.zone) if query.answer_by is not None else "",
        )


def _ran_out(query: PatronQuery) -> bool:
    """Whether nobody answered, so that it counts as no."""
    return query.answered is not None and query.answer_by is not None and query.answered >= query.answer_by
