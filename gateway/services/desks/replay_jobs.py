"""Many messages of the journal carried out again, one after the other, as a stored job
(docs/decisions/0035-replay-jobs.md).

Nothing is done twice, whatever ends the gateway in between: before a message is replayed the journal is asked whether
it has been since the job began. A replay that a crash interrupted is in the journal as in progress, and is finished by
recovery; the job waits for it and takes what came of it.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

import structlog

from gateway.domain.clock import Clock
from gateway.domain.problems import OutcomeUnknown
from gateway.domain.requests.views import NotFound
from gateway.domain.sentences import write_sentence
from gateway.domain.value import copy_fields, dump_fields, replace, value_object
from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import Store, Transaction
from gateway.services.desks.journaled_messages import JournalSearch
from gateway.services.desks.message_replays import AlreadyReplayedError, MessageReplayService
from gateway.services.exchange.message_context import NotReplayableError
from gateway.services.exchange.replay_selection import ReplaySelection, select_messages
from gateway.services.outbox.keyed_work import write_once
from gateway.services.people.users import AuditOrigin
from gateway.store import audit, replay_jobs
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalFilter, JournalMessage
from gateway.store.library_store import LibraryStore
from gateway.store.nodes import Leader
from gateway.store.replay_jobs import JobStatus, ListedReplay, ReplayItem, ReplayJob, ReplayStatus
from gateway.store.schema import make_exchange_id

__all__ = ["JobStatus", "JournalFilter", "ListedReplay", "ReplayJob", "ReplayStatus"]

log = structlog.get_logger(component="replay")

MAX_MESSAGES = 5_000
"""Of one job, or of one command that replays."""

MAX_FAILURES = 3
"""One after the other; then the library can't be reached, and the rest waits."""

LOOK_SECONDS = 2.0

KEPT = timedelta(days=90)
"""So long a job that has ended can be looked at."""

MANY_FAILURES = "failures"
"""Why a job has paused by itself."""

MAX_LISTED_JOBS = 50

STATUS_OF_OUTCOME: Mapping[OutcomeClass, ReplayStatus] = {
    OutcomeClass.OK: ReplayStatus.DONE,
    OutcomeClass.FAILED: ReplayStatus.FAILED,
}
"""Everything else is a refusal."""


class JobAct(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


_ACTS: Mapping[JobAct, tuple[tuple[JobStatus, ...], JobStatus, str]] = {
    JobAct.PAUSE: ((JobStatus.RUNNING,), JobStatus.PAUSED, "replay-paused"),
    JobAct.RESUME: ((JobStatus.PAUSED,), JobStatus.RUNNING, "replay-resumed"),
    JobAct.STOP: ((JobStatus.RUNNING, JobStatus.PAUSED), JobStatus.STOPPED, "replay-stopped"),
}
"""Which jobs an act is for, what it makes of them, and its name in the audit log."""


def status_after(act: JobAct) -> JobStatus:
    """Return the status that the act gives a job."""
    return _ACTS[act][1]


class SelectionChangedError(Exception):
    """Not as many messages fit as somebody has agreed to; nothing was done."""


@value_object
class JobProgress:
    """`counts` by status; those with 0 may be missing."""

    job: ReplayJob
    counts: Mapping[ReplayStatus, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def waiting(self) -> int:
        return self.counts.get(ReplayStatus.WAITING, 0)

    @property
    def ended(self) -> int:
        """The number of messages that have an outcome."""
        return self.total - self.waiting


def _dump_search(wanted: JournalFilter) -> str:
    """Write the search of the journal's page that finds these messages; empty where the page has no field for it."""
    if wanted.note:
        return ""
    codes = {"direction": wanted.direction or "", "outcome": wanted.outcome or ""}
    search = copy_fields(JournalSearch, wanted, **codes, request=wanted.request_id, item=wanted.item_id)
    return json.dumps({name: value for name, value in dump_fields(search).items() if value}, default=str)


def load_search(job: ReplayJob) -> JournalSearch | None:
    """Load the search whose messages the job replays; None: the journal's page can't make it, or the job was begun by
    an earlier release."""
    fields = json.loads(job.search or "{}")
    moments = {name: datetime.fromisoformat(fields[name]) for name in ("since", "until") if name in fields}
    return JournalSearch(**fields | moments) if fields else None


class ReplayJobs:
    """Jobs as people begin and see them. `wake` is called when there is something to do. All methods raise
    Unavailable."""

    def __init__(self, library: LibraryStore, journal: Journal, wake: Callable[[], None] = lambda: None) -> None:
        self._library = library
        self._journal = journal
        self._wake = wake

    async def select_messages(self, wanted: JournalFilter) -> ReplaySelection:
        """Select what a job would replay. Raises TooManyMessagesError."""
        return await select_messages(self._journal, wanted, MAX_MESSAGES)

    async def begin_job(self, wanted: JournalFilter, agreed: int, by: AuditOrigin) -> ReplayJob:
        """`agreed`: how many messages somebody has seen to fit. Raises TooManyMessagesError, SelectionChangedError."""
        selection = await self.select_messages(wanted)
        ids = [message.id for message in selection.messages]
        if len(ids) != agreed or not ids:
            raise SelectionChangedError
        now = self._library.now()
        search = _dump_search(replace(wanted, until=wanted.until or now))
        job = ReplayJob(wanted.library, make_exchange_id(now), JobStatus.RUNNING, "", now, by.actor, None, search)

        def insert_job(connection: Transaction) -> None:
            replay_jobs.insert_job(connection, job, ids)
            audit.add_audit_entry(
                connection, job.library, now, by.actor, "replay-begun", job.id, str(len(ids)), by.peer
            )

        await write_once(self._library.store, insert_job, lambda _: job.id)
        log.info("replay.begun", job=job.id, messages=len(ids))
        self._wake()
        return job

    async def list_jobs(self) -> Sequence[JobProgress]:
        """Newest first."""

        def read_jobs(connection: Transaction) -> Sequence[JobProgress]:
            jobs = replay_jobs.list_jobs(connection, self._library.symbol, MAX_LISTED_JOBS)
            return [JobProgress(job, replay_jobs.count_items(connection, self._library.symbol, job.id)) for job in jobs]

        return await self._library.store.read(read_jobs)

    async def find_job(self, job_id: str) -> JobProgress:
        """Find a job; raises NotFound."""

        def read_job(connection: Transaction) -> JobProgress | None:
            job = replay_jobs.find_job(connection, self._library.symbol, job_id)
            return (
                JobProgress(job, replay_jobs.count_items(connection, self._library.symbol, job.id))
                if job is not None
                else None
            )

        progress = await self._library.store.read(read_job)
        if progress is None:
            raise NotFound("job")
        return progress

    async def list_items(
        self, job_id: str, limit: int, after: int = -1, status: ReplayStatus | None = None
    ) -> Sequence[ListedReplay]:
        """List the items in order, behind the position `after`."""
        return await self._library.store.read(
            lambda connection: replay_jobs.list_items(connection, self._library.symbol, job_id, status, after, limit)
        )

    async def change_job(self, job_id: str, act: JobAct, by: AuditOrigin) -> bool:
        """The message in progress is finished in any case. Resumed, what has failed is tried again. False: the job is
        no longer one for this act. Raises NotFound."""
        before, after, action = _ACTS[act]
        now = self._library.now()

        def change_job(connection: Transaction) -> bool:
            job = replay_jobs.find_job(connection, self._library.symbol, job_id)
            if job is None:
                raise NotFound("job")
            if job.status not in before or not replay_jobs.change_status(connection, job, after, now):
                return False
            if act is JobAct.RESUME:
                replay_jobs.release_failed_items(connection, self._library.symbol, job_id)
            audit.add_audit_entry(connection, self._library.symbol, now, by.actor, action, job_id, peer=by.peer)
            return True

        changed = await self._library.store.write(change_job)
        self._wake()
        return changed

    async def forget_old_jobs(self) -> int:
        before = self._library.now() - KEPT
        return await self._library.store.write(
            lambda connection: replay_jobs.forget_jobs(connection, self._library.symbol, before)
        )


class ReplayJobWorker:
    """One node does it, one message at a time, oldest job first."""

    def __init__(
        self,
        *,
        store: Store,
        replays: Mapping[str, MessageReplayService],
        leader: Leader,
        clock: Clock,
        woken: asyncio.Event,
    ) -> None:
        self._store = store
        self._replays = replays
        self._leader = leader
        self._clock = clock
        self._woken = woken
        self._failures: Counter[str] = Counter()
        """One after the other, by job."""

    async def run(self) -> None:
        """Run until cancelled. Raises Unavailable; a message that is in progress then is found by the next call."""
        try:
            while True:
                self._woken.clear()
                if not await self._leader.is_leader() or not await self.take_step():
                    try:
                        async with asyncio.timeout(LOOK_SECONDS):
                            await self._woken.wait()
                    except TimeoutError:
                        continue
        finally:
            await self._leader.give_up_lead()

    async def take_step(self) -> bool:
        """One message of the oldest job that isn't held up. False: there is nothing to do now. Raises Unavailable."""
        for job in await self._store.read(replay_jobs.list_running_jobs):
            if job.library not in self._replays:  # it isn't served any more
                continue
            item = await self._store.read(partial(replay_jobs.find_next_item, library=job.library, job=job.id))
            if item is None:
                await self._end_job(job)
                return True
            if await self._replay_item(job, item):
                return True
        return False

    async def _replay_item(self, job: ReplayJob, item: ReplayItem) -> bool:
        """False: it is in progress, begun by somebody else or before a crash."""
        newest = await self._find_new_replay(item)
        if newest is None:
            try:
                await self._replays[item.library].replay_message(item.message, item.replay, AuditOrigin(job.begun_by))
            except NotReplayableError as why:
                await self._record_result(job, item, ReplayStatus.LEFT_OUT, why.detail)
                return True
            except NotFound:
                await self._record_result(job, item, ReplayStatus.LEFT_OUT, write_sentence("it is no longer kept"))
                return True
            except AlreadyReplayedError:
                return True  # at the next step the journal says how
            except OutcomeUnknown as unknown:
                log.warning("replay.outcome_unknown", message=item.message, reason=str(unknown))
            newest = await self._find_new_replay(item)
        if newest is None:
            unwritten = write_sentence("the journal could not be written")
            await self._record_result(job, item, ReplayStatus.FAILED, unwritten)
        elif newest.outcome is OutcomeClass.PENDING:
            return False
        else:
            status = STATUS_OF_OUTCOME.get(newest.outcome, ReplayStatus.REFUSED)
            await self._record_result(job, item, status, newest.reason, newest.id)
        return True

    async def _find_new_replay(self, item: ReplayItem) -> JournalMessage | None:
        """One that the job doesn't know of yet."""
        newest = await self._replays[item.library].find_newest_replay(item.message)
        return newest if newest is not None and newest.id != item.replay else None

    async def _record_result(
        self, job: ReplayJob, item: ReplayItem, status: ReplayStatus, reason: str, replay: str = ""
    ) -> None:
        self._failures[job.id] = self._failures[job.id] + 1 if status is ReplayStatus.FAILED else 0
        pauses = self._failures[job.id] == MAX_FAILURES
        now = self._clock.now()

        def record_result(connection: Transaction) -> None:
            replay_jobs.record_result(connection, item, status, reason, replay, now)
            if pauses:
                replay_jobs.change_status(connection, job, JobStatus.PAUSED, now, MANY_FAILURES)

        await self._store.write(record_result)
        if pauses:
            del self._failures[job.id]
            log.warning("replay.paused", job=job.id, failures=MAX_FAILURES)

    async def _end_job(self, job: ReplayJob) -> None:
        now = self._clock.now()
        await self._store.write(lambda c: replay_jobs.change_status(c, job, JobStatus.FINISHED, now))
        self._failures.pop(job.id, None)
        log.info("replay.finished", job=job.id)
