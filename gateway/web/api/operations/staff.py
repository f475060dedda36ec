"""Tasks, notices, dead letters; partners, rotas, loads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import hdrs
from pydantic import Field

from gateway.domain.requests.task_lists import BY_NAME, DEAD_LETTERS
from gateway.domain.requests.views import RequestFilter, TaskView
from gateway.services.api_keys import KeyScope
from gateway.web.api.models.inputs import EditLetter, SkipLetter
from gateway.web.api.models.staff import (
    LetterList,
    LetterOut,
    LetterWhole,
    LoadList,
    LoadOut,
    NoticeList,
    NoticeOut,
    PartnerList,
    PartnerOut,
    RotaList,
    RotaOut,
    TaskList,
    TaskOut,
)
from gateway.web.api.models.values import Identifier, Name
from gateway.web.api.operation import Answer, Call, Nothing, Operation, Parameters, Repeats, Reply
from gateway.web.api.operations.requests import LINK, LISTED, ROOT, Paging, link, listed, next_href
from gateway.web.api.problems import ProblemType

LETTERS = f"{ROOT}/dead-letters"

READ = (KeyScope.PARTNERS_READ,)


class LetterPath(Parameters):
    id: Identifier


class NoticeQuery(Paging):
    request: Identifier | None = Field(None, description="of this request only")


# --- tasks -----------------------------------------------------------------------------------------------


async def tasks(call: Call[Nothing, Nothing, None]) -> Reply:
    found = await call.parts.services.desk.tasks(call.holder.library)
    return Reply(TaskList(items=tuple(_task(one) for one in found)))


def _task(one: TaskView) -> TaskOut:
    place = LETTERS if one.name == DEAD_LETTERS else f"{ROOT}/requests?task={one.name}"
    return TaskOut(name=one.name, role=one.role, description=one.description, count=one.count, href=place)


def work_list(task: str) -> Callable[[Call[Nothing, Paging, None]], Awaitable[Reply]]:
    assert task in BY_NAME, task

    async def list_work(call: Call[Nothing, Paging, None]) -> Reply:
        return await listed(call, RequestFilter(task=task))

    return list_work


# --- notices ---------------------------------------------------------------------------------------------


async def notices(call: Call[Nothing, NoticeQuery, None]) -> Reply:
    asked = call.query
    page = await call.parts.services.desk.notices(call.holder.library, asked.request or "", asked.limit, asked.cursor)
    following = next_href(call, page.cursor)
    items = tuple(NoticeOut.model_validate(one) for one in page)
    return Reply(NoticeList(items=items, next=following), headers=link(following))


# --- dead letters ----------------------------------------------------------------------------------------


async def letters(call: Call[Nothing, Paging, None]) -> Reply:
    asked = call.query
    page = await call.parts.services.desk.dead_letters(call.holder.library, asked.limit, asked.cursor)
    following = next_href(call, page.cursor)
    items = tuple(LetterOut.model_validate(one) for one in page)
    return Reply(LetterList(items=items, next=following), headers=link(following))


async def letter(call: Call[LetterPath, Nothing, None]) -> Reply:
    found = await call.parts.services.desk.dead_letter(call.holder.library, call.path.id)
    return Reply(LetterWhole.model_validate(found))


async def release(call: Call[LetterPath, Nothing, None]) -> Reply:
    await call.parts.services.desk.release(call.holder.library, call.path.id, call.holder.actor)
    return Reply(status=204)


async def edit(call: Call[LetterPath, Nothing, EditLetter]) -> Reply:
    await call.parts.services.desk.edit(call.holder.library, call.path.id, call.body.payload, call.holder.actor)
    return Reply(status=204)


async def skip(call: Call[LetterPath, Nothing, SkipLetter]) -> Reply:
    await call.parts.services.desk.skip(call.holder.library, call.path.id, call.body.reason, call.holder.actor)
    return Reply(status=204)


DONE = Answer(204, "Done")


STAFF_OPERATIONS = (
    Operation(
        id="tasks",
        method="GET",
        path="/tasks",
        tag="Lists",
        summary="How much is on each list of staff",
        scopes=(KeyScope.TASKS_READ,),
        handler=tasks,
        answers=(Answer(200, "All lists with their counts", TaskList),),
        path_model=Nothing,
        query_model=Nothing,
    ),
    Operation(
        id="digitisation",
        method="GET",
        path="/digitisation",
        tag="Lists",
        summary="Copies to be made",
        scopes=(KeyScope.TASKS_READ,),
        handler=work_list("to-digitise"),
        answers=(LISTED,),
        path_model=Nothing,
        query_model=Paging,
    ),
    Operation(
        id="clearance",
        method="GET",
        path="/clearance",
        tag="Lists",
        summary="Copies that wait for the copyright sign-off",
        scopes=(KeyScope.TASKS_READ,),
        handler=work_list("to-clear"),
        answers=(LISTED,),
        path_model=Nothing,
        query_model=Paging,
    ),
    Operation(
        id="notices",
        method="GET",
        path="/notices",
        tag="Lists",
        summary="Notices to patrons",
        description="Which went out, which wait, which failed; never what they say.",
        scopes=(KeyScope.TASKS_READ,),
        handler=notices,
        answers=(Answer(200, "A page of notices, newest first", NoticeList, {hdrs.LINK: LINK}),),
        path_model=Nothing,
        query_model=NoticeQuery,
    ),
    Operation(
        id="listDeadLetters",
        method="GET",
        path="/dead-letters",
        tag="Dead letters",
        summary="Messages that could not be sent",
        scopes=(KeyScope.ADMIN,),
        handler=letters,
        answers=(Answer(200, "A page of messages, oldest first", LetterList, {hdrs.LINK: LINK}),),
        path_model=Nothing,
        query_model=Paging,
    ),
    Operation(
        id="showDeadLetter",
        method="GET",
        path="/dead-letters/{id}",
        tag="Dead letters",
        summary="Show one with its content",
        scopes=(KeyScope.ADMIN,),
        handler=letter,
        answers=(Answer(200, "The message", LetterWhole),),
        path_model=LetterPath,
        query_model=Nothing,
    ),
    Operation(
        id="releaseDeadLetter",
        method="POST",
        path="/dead-letters/{id}/release",
        tag="Dead letters",
        summary="Try again now",
        scopes=(KeyScope.ADMIN,),
        handler=release,
        answers=(DONE,),
        path_model=LetterPath,
        query_model=Nothing,
        repeats=Repeats.BY_KEY,
    ),
    Operation(
        id="editDeadLetter",
        method="PUT",
        path="/dead-letters/{id}/payload",
        tag="Dead letters",
        summary="Change what is to be sent",
        scopes=(KeyScope.ADMIN,),
        handler=edit,
        answers=(DONE,),
        path_model=LetterPath,
        query_model=Nothing,
        body=EditLetter,
        problems=(ProblemType.REFUSED,),
    ),
    Operation(
        id="skipDeadLetter",
        method="POST",
        path="/dead-letters/{id}/skip",
        tag="Dead letters",
        summary="Never send it; what waits behind it goes on",
        scopes=(KeyScope.ADMIN,),
        handler=skip,
        answers=(DONE,),
        path_model=LetterPath,
        query_model=Nothing,
        body=SkipLetter,
        repeats=Repeats.BY_KEY,
    ),
)


class NamePath(Parameters):
    name: Name


async def list_partners(call: Call[Nothing, Nothing, None]) -> Reply:
    found = await call.parts.services.partners.partners(call.holder.library)
    return Reply(PartnerList(items=tuple(PartnerOut.model_validate(one) for one in found)))


async def show_partner(call: Call[NamePath, Nothing, None]) -> Reply:
    found = await call.parts.services.partners.partner(call.holder.library, call.path.name)
    return Reply(PartnerOut.model_validate(found))


async def list_rotas(call: Call[Nothing, Nothing, None]) -> Reply:
    found = await call.parts.services.partners.rotas(call.holder.library)
    return Reply(RotaList(items=tuple(RotaOut.model_validate(one) for one in found)))


async def show_rota(call: Call[NamePath, Nothing, None]) -> Reply:
    found = await call.parts.services.partners.rota(call.holder.library, call.path.name)
    return Reply(RotaOut.model_validate(found))


async def loads(call: Call[Nothing, Nothing, None]) -> Reply:
    found = await call.parts.services.partners.loads(call.holder.library)
    items = tuple(LoadOut.model_validate(one) for one in found)
    return Reply(LoadList(library=call.holder.library, at=call.parts.clock.now(), items=items))


PARTNER_OPERATIONS = (
    Operation(
        id="listPartners",
        method="GET",
        path="/partners",
        tag="Partners",
        summary="List partners",
        scopes=READ,
        handler=list_partners,
        answers=(Answer(200, "All partners, by name", PartnerList),),
        path_model=Nothing,
        query_model=Nothing,
    ),
    Operation(
        id="showPartner",
        method="GET",
        path="/partners/{name}",
        tag="Partners",
        summary="Show a partner",
        scopes=READ,
        handler=show_partner,
        answers=(Answer(200, "The partner", PartnerOut),),
        path_model=NamePath,
        query_model=Nothing,
    ),
    Operation(
        id="listRotas",
        method="GET",
        path="/rotas",
        tag="Rotas",
        summary="List rotas",
        scopes=READ,
        handler=list_rotas,
        answers=(Answer(200, "All rotas, by name", RotaList),),
        path_model=Nothing,
        query_model=Nothing,
    ),
    Operation(
        id="showRota",
        method="GET",
        path="/rotas/{name}",
        tag="Rotas",
        summary="Show a rota",
        scopes=READ,
        handler=show_rota,
        answers=(Answer(200, "The rota", RotaOut),),
        path_model=NamePath,
        query_model=Nothing,
    ),
    Operation(
        id="networkLoad",
        method="GET",
        path="/network/load",
        tag="Network",
        summary="Open requests with each partner",
        description="For other gateways of a network, which rank suppliers by it.",
        scopes=(KeyScope.NETWORK_READ,),
        handler=loads,
        answers=(Answer(200, "Partners with open requests", LoadList),),
        path_model=Nothing,
        query_model=Nothing,
    ),
)
