"""Tasks, notices, dead letters; partners, rotas, loads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import hdrs
from pydantic import Field

from gateway.domain.requests.staff_views import TaskView
from gateway.domain.requests.task_lists import BY_NAME, DEAD_LETTERS, MAILBOXES_AWAY, UNMATCHED_MAILS
from gateway.domain.requests.views import RequestFilter
from gateway.services.people.api_keys import KeyScope
from gateway.web.api.models.bases import NoParameters, ParameterModel
from gateway.web.api.models.inputs import EditLetter, SkipLetter
from gateway.web.api.models.outputs import ROOT
from gateway.web.api.models.staff import (
    LetterList,
    LetterOut,
    LetterWhole,
    LoadList,
    LoadOut,
    MailboxFailureList,
    MailboxFailureOut,
    NoticeList,
    NoticeOut,
    NoticeWhole,
    PartnerList,
    PartnerOut,
    RotaList,
    RotaOut,
    TaskList,
    TaskOut,
)
from gateway.web.api.models.values import Identifier, Name
from gateway.web.api.operation import (
    AnswerDescription,
    Operation,
    OperationCall,
    OperationReply,
    RepeatPolicy,
    recall_nothing,
)
from gateway.web.api.operations.requests import (
    LINK,
    LISTED,
    PagingParameters,
    make_link_header,
    next_href,
    reply_with_list,
)
from gateway.web.api.problems import ProblemType

TASK_PLACES = {
    UNMATCHED_MAILS: f"{ROOT}/unmatched-mails",
    DEAD_LETTERS: f"{ROOT}/dead-letters",
    MAILBOXES_AWAY: f"{ROOT}/mailboxes-away",
}
"""Where lists are that aren't of requests."""

READ = (KeyScope.PARTNERS_READ,)


class LetterPath(ParameterModel):
    id: Identifier


class NoticePath(ParameterModel):
    id: Identifier


class NoticeQuery(PagingParameters):
    request: Identifier | None = Field(None, description="of this request only")


# --- tasks -----------------------------------------------------------------------------------------------


async def list_tasks(call: OperationCall[NoParameters, NoParameters, None]) -> OperationReply:
    views = await call.library.desk.tasks()
    return OperationReply(TaskList(items=tuple(_make_task_output(view) for view in views)))


def _make_task_output(view: TaskView) -> TaskOut:
    place = TASK_PLACES.get(view.name, f"{ROOT}/requests?task={view.name}")
    return TaskOut(
        name=view.name, role=view.role, description=view.description, count=view.count, oldest=view.oldest, href=place
    )


async def list_mailboxes_away(call: OperationCall[NoParameters, NoParameters, None]) -> OperationReply:
    failures = await call.library.desk.list_mailbox_failures()
    return OperationReply(MailboxFailureList(items=tuple(MailboxFailureOut.model_validate(box) for box in failures)))


def make_work_list_handler(
    task: str,
) -> Callable[[OperationCall[NoParameters, PagingParameters, None]], Awaitable[OperationReply]]:
    assert task in BY_NAME, task

    async def list_work(call: OperationCall[NoParameters, PagingParameters, None]) -> OperationReply:
        return await reply_with_list(call, RequestFilter(task=task))

    return list_work


# --- notices ---------------------------------------------------------------------------------------------


async def list_notices(call: OperationCall[NoParameters, NoticeQuery, None]) -> OperationReply:
    query = call.query
    page = await call.library.notices.list_notices(query.request or "", query.limit, query.cursor)
    following = next_href(call, page.cursor)
    items = tuple(NoticeOut.model_validate(notice) for notice in page)
    return OperationReply(NoticeList(items=items, next=following), headers=make_link_header(following))


async def show_notice(call: OperationCall[NoticePath, NoParameters, None]) -> OperationReply:
    letter = await call.library.notices.render_notice(call.path.id)
    return OperationReply(NoticeWhole.model_validate(letter))


# --- dead letters ----------------------------------------------------------------------------------------


async def list_dead_letters(call: OperationCall[NoParameters, PagingParameters, None]) -> OperationReply:
    asked = call.query
    page = await call.library.desk.dead_letters(asked.limit, asked.cursor)
    following = next_href(call, page.cursor)
    items = tuple(LetterOut.model_validate(letter) for letter in page)
    return OperationReply(LetterList(items=items, next=following), headers=make_link_header(following))


async def show_dead_letter(call: OperationCall[LetterPath, NoParameters, None]) -> OperationReply:
    letter = await call.library.desk.dead_letter(call.path.id)
    return OperationReply(LetterWhole.model_validate(letter))


async def release_dead_letter(call: OperationCall[LetterPath, NoParameters, None]) -> OperationReply:
    await call.library.desk.release(call.path.id, call.holder.actor)
    return OperationReply(status=204)


async def edit_dead_letter(call: OperationCall[LetterPath, NoParameters, EditLetter]) -> OperationReply:
    await call.library.desk.edit(call.path.id, call.body.payload, call.holder.actor)
    return OperationReply(status=204)


async def skip_dead_letter(call: OperationCall[LetterPath, NoParameters, SkipLetter]) -> OperationReply:
    await call.library.desk.skip(call.path.id, call.body.reason, call.holder.actor)
    return OperationReply(status=204)


DONE = AnswerDescription(204, "Done")


STAFF_OPERATIONS = (
    Operation(
        id="tasks",
        method="GET",
        path="/tasks",
        tag="Lists",
        summary="How much is on each list of staff",
        scopes=(KeyScope.TASKS_READ,),
        handler=list_tasks,
        answers=(AnswerDescription(200, "All lists with their counts", TaskList),),
        path_model=NoParameters,
        query_model=NoParameters,
    ),
    Operation(
        id="digitisation",
        method="GET",
        path="/digitisation",
        tag="Lists",
        summary="Copies to be made",
        scopes=(KeyScope.TASKS_READ,),
        handler=make_work_list_handler("to-digitise"),
        answers=(LISTED,),
        path_model=NoParameters,
        query_model=PagingParameters,
    ),
    Operation(
        id="clearance",
        method="GET",
        path="/clearance",
        tag="Lists",
        summary="Copies that wait for the copyright sign-off",
        scopes=(KeyScope.TASKS_READ,),
        handler=make_work_list_handler("to-clear"),
        answers=(LISTED,),
        path_model=NoParameters,
        query_model=PagingParameters,
    ),
    Operation(
        id="notices",
        method="GET",
        path="/notices",
        tag="Lists",
        summary="Notices to patrons",
        description="Which went out, which wait, which failed, which were not sent and why; never what they say.",
        scopes=(KeyScope.TASKS_READ,),
        handler=list_notices,
        answers=(AnswerDescription(200, "A page of notices, newest first", NoticeList, {hdrs.LINK: LINK}),),
        path_model=NoParameters,
        query_model=NoticeQuery,
    ),
    Operation(
        id="showNotice",
        method="GET",
        path="/notices/{id}",
        tag="Lists",
        summary="A notice as it is printed",
        description="With the patron's name and postal address, for one who is told in person or by post; for keys "
        "that may act on requests.",
        scopes=(KeyScope.REQUESTS_WRITE, KeyScope.LENDING),
        handler=show_notice,
        answers=(AnswerDescription(200, "The letter", NoticeWhole),),
        path_model=NoticePath,
        query_model=NoParameters,
        problems=(ProblemType.REFUSED,),
    ),
    Operation(
        id="listMailboxesAway",
        method="GET",
        path="/mailboxes-away",
        tag="Tasks",
        summary="Mailboxes that can't be read",
        description="Since when, and what the server said last. Partners' answers stay there meanwhile.",
        scopes=(KeyScope.ADMIN,),
        handler=list_mailboxes_away,
        answers=(AnswerDescription(200, "All of them, by name", MailboxFailureList),),
        path_model=NoParameters,
        query_model=NoParameters,
    ),
    Operation(
        id="listDeadLetters",
        method="GET",
        path="/dead-letters",
        tag="Dead letters",
        summary="Messages that could not be sent",
        scopes=(KeyScope.ADMIN,),
        handler=list_dead_letters,
        answers=(AnswerDescription(200, "A page of messages, oldest first", LetterList, {hdrs.LINK: LINK}),),
        path_model=NoParameters,
        query_model=PagingParameters,
    ),
    Operation(
        id="showDeadLetter",
        method="GET",
        path="/dead-letters/{id}",
        tag="Dead letters",
        summary="Show one with its content",
        scopes=(KeyScope.ADMIN,),
        handler=show_dead_letter,
        answers=(AnswerDescription(200, "The message", LetterWhole),),
        path_model=LetterPath,
        query_model=NoParameters,
    ),
    Operation(
        id="releaseDeadLetter",
        method="POST",
        path="/dead-letters/{id}/release",
        tag="Dead letters",
        summary="Try again now",
        scopes=(KeyScope.ADMIN,),
        handler=release_dead_letter,
        answers=(DONE,),
        path_model=LetterPath,
        query_model=NoParameters,
        repeats=RepeatPolicy.BY_KEY,
        recall=recall_nothing,
    ),
    Operation(
        id="editDeadLetter",
        method="PUT",
        path="/dead-letters/{id}/payload",
        tag="Dead letters",
        summary="Change what is to be sent",
        scopes=(KeyScope.ADMIN,),
        handler=edit_dead_letter,
        answers=(DONE,),
        path_model=LetterPath,
        query_model=NoParameters,
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
        handler=skip_dead_letter,
        answers=(DONE,),
        path_model=LetterPath,
        query_model=NoParameters,
        body=SkipLetter,
        repeats=RepeatPolicy.BY_KEY,
        recall=recall_nothing,
    ),
)


class NamePath(ParameterModel):
    name: Name


async def list_partners(call: OperationCall[NoParameters, NoParameters, None]) -> OperationReply:
    views = await call.library.partners.partners()
    return OperationReply(PartnerList(items=tuple(PartnerOut.model_validate(view) for view in views)))


async def show_partner(call: OperationCall[NamePath, NoParameters, None]) -> OperationReply:
    view = await call.library.partners.partner(call.path.name)
    return OperationReply(PartnerOut.model_validate(view))


async def list_rotas(call: OperationCall[NoParameters, NoParameters, None]) -> OperationReply:
    views = await call.library.partners.rotas()
    return OperationReply(RotaList(items=tuple(RotaOut.model_validate(view) for view in views)))


async def show_rota(call: OperationCall[NamePath, NoParameters, None]) -> OperationReply:
    view = await call.library.partners.rota(call.path.name)
    return OperationReply(RotaOut.model_validate(view))


async def list_loads(call: OperationCall[NoParameters, NoParameters, None]) -> OperationReply:
    loads = await call.library.partners.loads()
    items = tuple(LoadOut.model_validate(load) for load in loads)
    return OperationReply(LoadList(library=call.holder.library, at=call.parts.clock.now(), items=items))


PARTNER_OPERATIONS = (
    Operation(
        id="listPartners",
        method="GET",
        path="/partners",
        tag="Partners",
        summary="List partners",
        scopes=READ,
        handler=list_partners,
        answers=(AnswerDescription(200, "All partners, by name", PartnerList),),
        path_model=NoParameters,
        query_model=NoParameters,
    ),
    Operation(
        id="showPartner",
        method="GET",
        path="/partners/{name}",
        tag="Partners",
        summary="Show a partner",
        scopes=READ,
        handler=show_partner,
        answers=(AnswerDescription(200, "The partner", PartnerOut),),
        path_model=NamePath,
        query_model=NoParameters,
    ),
    Operation(
        id="listRotas",
        method="GET",
        path="/rotas",
        tag="Rotas",
        summary="List rotas",
        scopes=READ,
        handler=list_rotas,
        answers=(AnswerDescription(200, "All rotas, by name", RotaList),),
        path_model=NoParameters,
        query_model=NoParameters,
    ),
    Operation(
        id="showRota",
        method="GET",
        path="/rotas/{name}",
        tag="Rotas",
        summary="Show a rota",
        scopes=READ,
        handler=show_rota,
        answers=(AnswerDescription(200, "The rota", RotaOut),),
        path_model=NamePath,
        query_model=NoParameters,
    ),
    Operation(
        id="networkLoad",
        method="GET",
        path="/network/load",
        tag="Network",
        summary="Open requests with each partner",
        description="For other gateways of a network, which rank suppliers by it.",
        scopes=(KeyScope.NETWORK_READ,),
        handler=list_loads,
        answers=(AnswerDescription(200, "Partners with open requests", LoadList),),
        path_model=NoParameters,
        query_model=NoParameters,
    ),
)
