"""Replays of many messages as jobs: what would be replayed, a job begun, looked at, paused, resumed and stopped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import Field

from gateway.ports.responder import OutcomeClass
from gateway.services.desks.replay_jobs import (
    JobAct,
    JournalFilter,
    ReplayStatus,
    SelectionChangedError,
    status_after,
)
from gateway.services.exchange.replay_selection import TooManyMessagesError
from gateway.services.people.api_keys import KeyScope
from gateway.services.people.users import AuditOrigin
from gateway.web.api.models.bases import NoParameters, ParameterModel
from gateway.web.api.models.replays import (
    ReplayedMessageList,
    ReplayedMessageOut,
    ReplayJobIn,
    ReplayJobList,
    ReplayJobOut,
    ReplaySelectionIn,
    ReplaySelectionOut,
)
from gateway.web.api.models.values import Identifier
from gateway.web.api.operation import (
    AnswerDescription,
    AnyOperation,
    Operation,
    OperationCall,
    OperationReply,
    RepeatPolicy,
)
from gateway.web.api.problems import ProblemType, api_problem, validation_problem

TAG = "Replays"
SCOPES = (KeyScope.REPLAYS,)


class JobPath(ParameterModel):
    id: Identifier


class ReplayedQuery(ParameterModel):
    status: ReplayStatus | None = None
    after: int = Field(-1, ge=-1, le=1_000_000, description="position behind which the page begins")
    limit: int = Field(100, ge=1, le=500)


async def preview_replay(call: OperationCall[NoParameters, NoParameters, ReplaySelectionIn]) -> OperationReply:
    wanted = await _make_filter(call)
    try:
        chosen = await call.library.replay_jobs.select_messages(wanted)
    except TooManyMessagesError as many:
        raise api_problem(ProblemType.REFUSED, str(many)) from many
    assert wanted.until is not None, "what comes from now on isn't meant"
    return OperationReply(ReplaySelectionOut(count=len(chosen.messages), redone=chosen.redone, until=wanted.until))


async def begin_replay_job(call: OperationCall[NoParameters, NoParameters, ReplayJobIn]) -> OperationReply:
    jobs = call.library.replay_jobs
    try:
        job = await jobs.begin_job(await _make_filter(call), call.body.agreed, AuditOrigin(call.holder.actor))
    except TooManyMessagesError as many:
        raise api_problem(ProblemType.REFUSED, str(many)) from many
    except SelectionChangedError as changed:
        raise api_problem(ProblemType.NOT_NOW, "Nothing was done: other messages match now.") from changed
    return OperationReply(ReplayJobOut.from_progress(await jobs.find_job(job.id)), 201)


async def recall_replay_job(
    call: OperationCall[NoParameters, NoParameters, ReplayJobIn], reference: str
) -> OperationReply:
    job = await call.library.replay_jobs.find_job(reference)
    return OperationReply(ReplayJobOut.from_progress(job), 201)


async def _make_filter(call: OperationCall[Any, Any, Any]) -> JournalFilter:
    """Make a filter; raises ApiProblem for nothing that is asked for: all messages are never meant."""
    if call.body.is_empty:
        raise validation_problem("body", "say which messages: profile, service, outcome, reason, since …")
    if call.body.outcome is OutcomeClass.PENDING:
        raise validation_problem("body.outcome", "messages in progress are finished by the gateway")
    search = call.body.to_search(call.parts.clock.now())
    return await call.library.journaled.make_filter(search)


async def list_replay_jobs(call: OperationCall[NoParameters, NoParameters, None]) -> OperationReply:
    jobs = await call.library.replay_jobs.list_jobs()
    return OperationReply(ReplayJobList(items=tuple(map(ReplayJobOut.from_progress, jobs))))


async def show_replay_job(call: OperationCall[JobPath, NoParameters, None]) -> OperationReply:
    job = await call.library.replay_jobs.find_job(call.path.id)
    return OperationReply(ReplayJobOut.from_progress(job))


async def list_replayed_messages(call: OperationCall[JobPath, ReplayedQuery, None]) -> OperationReply:
    jobs, asked = call.library.replay_jobs, call.query
    await jobs.find_job(call.path.id)
    replays = await jobs.list_items(call.path.id, asked.limit + 1, asked.after, asked.status)
    page = replays[: asked.limit]
    items = tuple(map(ReplayedMessageOut.from_listed, page))
    following = page[-1].item.position if len(replays) > asked.limit else None
    return OperationReply(ReplayedMessageList(items=items, next=following))


def _make_change(act: JobAct) -> Callable[[OperationCall[JobPath, NoParameters, None]], Awaitable[OperationReply]]:
    async def change_replay_job(call: OperationCall[JobPath, NoParameters, None]) -> OperationReply:
        jobs, job_id = call.library.replay_jobs, call.path.id
        is_changed = await jobs.change_job(job_id, act, AuditOrigin(call.holder.actor))
        progress = await jobs.find_job(job_id)
        if not is_changed and progress.job.status is not status_after(act):
            raise api_problem(ProblemType.NOT_NOW, f"The job is {progress.job.status}.")
        return OperationReply(ReplayJobOut.from_progress(progress))

    return change_replay_job


_JOB = AnswerDescription(200, "The job as it is now", ReplayJobOut)

_CHANGES = {
    JobAct.PAUSE: ("Pause a job", "The message in progress is finished."),
    JobAct.RESUME: ("Resume a job", "Messages that failed are replayed again."),
    JobAct.STOP: ("Stop a job for good", "Its remaining messages are not replayed."),
}

REPLAY_OPERATIONS: tuple[AnyOperation, ...] = (
    Operation(
        id="previewReplay",
        method="POST",
        path="/replay-selections",
        tag=TAG,
        summary="How many messages a job would replay",
        description="Received messages alone; replays, what was replayed well since and what is in progress are left "
        "out. Nothing is done.",
        scopes=SCOPES,
        handler=preview_replay,
        answers=(AnswerDescription(200, "The number, and the moment to which it belongs", ReplaySelectionOut),),
        path_model=NoParameters,
        query_model=NoParameters,
        body=ReplaySelectionIn,
        problems=(ProblemType.REFUSED,),
    ),
    Operation(
        id="beginReplayJob",
        method="POST",
        path="/replay-jobs",
        tag=TAG,
        summary="Replay many messages in the background",
        description="In the order in which they came. `agreed` is the number that the preview gave, `until` its "
        "moment: where another number fits by now, nothing is done.",
        scopes=SCOPES,
        handler=begin_replay_job,
        answers=(AnswerDescription(201, "The job", ReplayJobOut),),
        path_model=NoParameters,
        query_model=NoParameters,
        body=ReplayJobIn,
        repeats=RepeatPolicy.BY_KEY,
        recall=recall_replay_job,
        problems=(ProblemType.REFUSED, ProblemType.NOT_NOW),
    ),
    Operation(
        id="listReplayJobs",
        method="GET",
        path="/replay-jobs",
        tag=TAG,
        summary="Replays of many messages",
        scopes=SCOPES,
        handler=list_replay_jobs,
        answers=(AnswerDescription(200, "The newest jobs, newest first", ReplayJobList),),
        path_model=NoParameters,
        query_model=NoParameters,
    ),
    Operation(
        id="showReplayJob",
        method="GET",
        path="/replay-jobs/{id}",
        tag=TAG,
        summary="How far a job is",
        scopes=SCOPES,
        handler=show_replay_job,
        answers=(_JOB,),
        path_model=JobPath,
        query_model=NoParameters,
    ),
    Operation(
        id="listReplayedMessages",
        method="GET",
        path="/replay-jobs/{id}/messages",
        tag=TAG,
        summary="What became of each message of a job",
        scopes=SCOPES,
        handler=list_replayed_messages,
        answers=(AnswerDescription(200, "A page of messages, in order", ReplayedMessageList),),
        path_model=JobPath,
        query_model=ReplayedQuery,
    ),
    *(
        Operation(
            id=f"{act}ReplayJob",
            method="POST",
            path=f"/replay-jobs/{{id}}/{act}",
            tag=TAG,
            summary=summary,
            description=description,
            scopes=SCOPES,
            handler=_make_change(act),
            answers=(_JOB,),
            path_model=JobPath,
            query_model=NoParameters,
            problems=(ProblemType.NOT_NOW,),
        )
        for act, (summary, description) in _CHANGES.items()
    ),
)
