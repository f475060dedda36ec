"""Mails that fit no request: looked at, put to a request, dismissed."""

from __future__ import annotations

from aiohttp import hdrs

from gateway.web.api.models.bases import NoParameters, ParameterModel
from gateway.web.api.models.mails import AnswerMail, AssignMail, UnmatchedMailList, UnmatchedMailOut, UnmatchedMailWhole
from gateway.web.api.models.values import Identifier
from gateway.web.api.operation import (
    AnswerDescription,
    Operation,
    OperationCall,
    OperationReply,
    RepeatPolicy,
    recall_nothing,
)
from gateway.web.api.operations.requests import (
    CHANGED,
    LINK,
    WRITE,
    PagingParameters,
    changed_reply,
    make_link_header,
    next_href,
    require_change_scope,
)
from gateway.web.api.problems import ProblemType

TAG = "Mails"


class MailPath(ParameterModel):
    id: Identifier


async def list_unmatched_mails(call: OperationCall[NoParameters, PagingParameters, None]) -> OperationReply:
    asked = call.query
    page = await call.library.mails.list_mails(asked.limit, asked.cursor)
    following = next_href(call, page.cursor)
    items = tuple(UnmatchedMailOut.from_row(row) for row in page.rows)
    return OperationReply(UnmatchedMailList(items=items, next=following), headers=make_link_header(following))


async def show_unmatched_mail(call: OperationCall[MailPath, NoParameters, None]) -> OperationReply:
    opened = await call.library.mails.open_mail(call.path.id)
    return OperationReply(UnmatchedMailWhole.from_opened(opened))


async def assign_unmatched_mail(call: OperationCall[MailPath, NoParameters, AssignMail]) -> OperationReply:
    library, holder = call.library, call.holder
    meant = await library.requests.find_request(call.body.request)
    await require_change_scope(call, meant.id)
    changed = await library.mails.assign_mail(call.path.id, meant.id, holder.actor, call.body.meaning)
    return changed_reply(changed)


async def recall_assignment(call: OperationCall[MailPath, NoParameters, AssignMail], _reference: str) -> OperationReply:
    return changed_reply(await call.library.requests.find_request(call.body.request))


async def answer_unmatched_mail(call: OperationCall[MailPath, NoParameters, AnswerMail]) -> OperationReply:
    await call.library.mails.answer_mail(call.path.id, call.body.text.strip(), call.holder.actor)
    return OperationReply(status=204)


async def dismiss_unmatched_mail(call: OperationCall[MailPath, NoParameters, None]) -> OperationReply:
    await call.library.mails.dismiss_mail(call.path.id, call.holder.actor)
    return OperationReply(status=204)


MAIL_OPERATIONS = (
    Operation(
        id="listUnmatchedMails",
        method="GET",
        path="/unmatched-mails",
        tag=TAG,
        summary="Mails that fit no request",
        description="With senders and subjects: for keys that may act on requests.",
        scopes=WRITE,
        handler=list_unmatched_mails,
        answers=(AnswerDescription(200, "A page of mails, newest first", UnmatchedMailList, {hdrs.LINK: LINK}),),
        path_model=NoParameters,
        query_model=PagingParameters,
    ),
    Operation(
        id="showUnmatchedMail",
        method="GET",
        path="/unmatched-mails/{id}",
        tag=TAG,
        summary="One of them, beside the requests that it may be about",
        scopes=WRITE,
        handler=show_unmatched_mail,
        answers=(AnswerDescription(200, "The mail", UnmatchedMailWhole),),
        path_model=MailPath,
        query_model=NoParameters,
    ),
    Operation(
        id="assignUnmatchedMail",
        method="POST",
        path="/unmatched-mails/{id}/assign",
        tag=TAG,
        summary="Say which request a mail is about",
        description="What it says happens to that request, or becomes a note of it. Whoever assigns it has read it.",
        scopes=WRITE,
        handler=assign_unmatched_mail,
        answers=(CHANGED,),
        path_model=MailPath,
        query_model=NoParameters,
        body=AssignMail,
        repeats=RepeatPolicy.BY_KEY,
        recall=recall_assignment,
        problems=(ProblemType.REFUSED,),
    ),
    Operation(
        id="answerUnmatchedMail",
        method="POST",
        path="/unmatched-mails/{id}/answer",
        tag=TAG,
        summary="Answer its sender by mail",
        description="Then nothing else is to be done: it is off the list. What machines wrote is not answered.",
        scopes=WRITE,
        handler=answer_unmatched_mail,
        answers=(AnswerDescription(204, "The answer goes out"),),
        path_model=MailPath,
        query_model=NoParameters,
        body=AnswerMail,
        repeats=RepeatPolicy.BY_KEY,
        recall=recall_nothing,
        problems=(ProblemType.REFUSED,),
    ),
    Operation(
        id="dismissUnmatchedMail",
        method="POST",
        path="/unmatched-mails/{id}/dismiss",
        tag=TAG,
        summary="It needs nothing",
        description="It stays in the folder of the mailbox.",
        scopes=WRITE,
        handler=dismiss_unmatched_mail,
        answers=(AnswerDescription(204, "Done"),),
        path_model=MailPath,
        query_model=NoParameters,
        repeats=RepeatPolicy.BY_KEY,
        recall=recall_nothing,
    ),
)
