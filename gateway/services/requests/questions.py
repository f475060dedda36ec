"""Questions of ours that are answered by links of a letter: to a patron here, to a partner in `partner_questions`. Each
link says one answer, and is good until the time for the answer is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from gateway.domain.frozen import frozen
from gateway.domain.requests.events import Details, Kind
from gateway.domain.requests.question_links import ANSWERS, QuestionLink
from gateway.domain.requests.request import PatronQuery, Request
from gateway.domain.requests.tokens import BadLink, LinkFault
from gateway.domain.requests.views import Act, NotNow, NotThere, QuestionState, QuestionView
from gateway.services.letters import Letters, Spoken
from gateway.services.requests.acts import PATRON, Acts, require_request
from gateway.services.requests.front import house_of
from gateway.services.requests.house import House
from gateway.services.requests.partner_questions import PartnerQuestions
from gateway.store.api.questions import question_link, question_token
from gateway.store.engine import Store
from gateway.store.journal import Journal


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
    journal: Journal
    houses: Mapping[str, House]
    acts: Mapping[str, Acts]
    letters: Letters

    async def question(self, token: str) -> QuestionView:
        """Changes nothing. Raises BadLink (FORGED), Unavailable."""
        link, house = await self._link(token)
        try:
            if link.is_partners:
                return await PartnerQuestions(house, self.journal, self.letters).question(link)
            return self._view(house, link, await require_request(house, link.request_id))
        except NotThere as gone:
            raise BadLink(LinkFault.FORGED) from gone

    async def answer(self, token: str, form: Mapping[str, str]) -> QuestionView:
        """As it is after the answer, which counts only the first time; open still where the form has faults. Raises
        BadLink (FORGED), Unavailable, Refused."""
        link, house = await self._link(token)
        try:
            if link.is_partners:
                return await PartnerQuestions(house, self.journal, self.letters).answer(link, form)
            return await self._patrons_answer(house, link)
        except NotThere as gone:
            raise BadLink(LinkFault.FORGED) from gone

    def spoken(self, language: str) -> Spoken:
        """The words of the page in a language, empty: the usual one."""
        return self.letters.spoken(language)

    async def _link(self, token: str) -> tuple[QuestionLink, House]:
        link = await self.store.read(lambda c: question_link(c, token))
        try:
            return link, house_of(self.houses, link.library)
        except NotThere as gone:
            raise BadLink(LinkFault.FORGED) from gone

    # --- patrons -----------------------------------------------------------------------------------------

    async def _patrons_answer(self, house: House, link: QuestionLink) -> QuestionView:
        view = self._view(house, link, await require_request(house, link.request_id))
        if view.state is not QuestionState.OPEN:
            return view
        details = Details(query=link.query, answer=link.answer)
        act = Act(kind=Kind.PATRON_ANSWERED, details=details, actor=PATRON, version=None)
        try:
            answered = await self.acts[house.symbol].act(link.request_id, act)
        except NotNow:  # somebody was quicker
            answered = await require_request(house, link.request_id)
        return self._view(house, link, answered)

    def _view(self, house: House, link: QuestionLink, request: Request) -> QuestionView:
        spoken = self.letters.spoken(request.patron.language)
        query = request.query
        over = QuestionView(state=QuestionState.OVER, asked=PATRON, answer=link.answer, language=spoken.language)
        if query is None or query.id != link.query or _ran_out(query):
            return over
        if not query.answer and (house.now() >= link.expires or not request.open):
            return over
        return replace(
            over,
            state=QuestionState.ANSWERED if query.answer else QuestionState.OPEN,
            given=query.answer,
            rows=((spoken.words.pages["request"], request.citation.short),),
            text=query.text,
            until=spoken.words.when(query.answer_by, house.zone) if query.answer_by is not None else "",
        )


def _ran_out(query: PatronQuery) -> bool:
    """Whether nobody answered, so that it counts as no."""
    return query.answered is not None and query.answer_by is not None and query.answered >= query.answer_by
