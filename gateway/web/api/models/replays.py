"""Replays of many messages, as jobs."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, Field

from gateway.ports.responder import OutcomeClass
from gateway.services.desks.journaled_messages import JournalSearch
from gateway.services.desks.replay_jobs import MAX_MESSAGES, JobProgress, JobStatus, ListedReplay, ReplayStatus
from gateway.web.api.models.bases import InputModel, OutputModel
from gateway.web.api.models.inputs import OptionalName
from gateway.web.api.models.values import Line


class ReplaySelectionIn(InputModel):
    """Which received messages; all that are given must fit, and one at least must be given."""

    profile: OptionalName = Field("", description="of the partner")
    protocol: OptionalName = ""
    service: OptionalName = Field("", description="as the partner calls it, such as AcceptItem")
    outcome: OutcomeClass | None = None
    reason: OptionalName = Field("", description="code of the refusal, such as bad-pickup-location")
    request: Line = Field("", description="a number of a request, ours or another's")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = Field(None, description="messages that came before; a later moment counts as now")

    @property
    def is_empty(self) -> bool:
        return not self.model_dump(exclude_defaults=True)

    def to_search(self, now: datetime) -> JournalSearch:
        """Make a search; what comes from now on isn't meant."""
        return JournalSearch(
            profile=self.profile,
            protocol=self.protocol,
            service=self.service,
            outcome=self.outcome.value if self.outcome is not None else "",
            reason=self.reason,
            request=self.request,
            since=self.since,
            until=min(self.until, now) if self.until is not None else now,
        )


class ReplaySelectionOut(OutputModel):
    count: int = Field(description="how many messages would be replayed")
    redone: int = Field(description="how many more fit, but a replay has carried them out well since")
    until: datetime = Field(description="messages that came before; say the same moment when you begin the job")


class ReplayJobIn(ReplaySelectionIn):
    agreed: int = Field(ge=1, le=MAX_MESSAGES, description="how many messages were found to fit")

    @property
    def is_empty(self) -> bool:
        return not self.model_dump(exclude_defaults=True, exclude={"agreed"})


class ReplayCounts(OutputModel):
    waiting: int
    done: int
    refused: int
    failed: int
    left_out: int = Field(description="they can't be replayed")


class ReplayJobOut(OutputModel):
    id: str
    status: JobStatus
    reason: str = Field(description="why it has paused by itself: `failures`; empty: it has not")
    begun: datetime
    begun_by: str
    ended: datetime | None
    total: int
    counts: ReplayCounts

    @classmethod
    def from_progress(cls, progress: JobProgress) -> ReplayJobOut:
        job, counts = progress.job, progress.counts
        return cls(
            id=job.id,
            status=job.status,
            reason=job.reason,
            begun=job.begun,
            begun_by=job.begun_by,
            ended=job.ended,
            total=progress.total,
            counts=ReplayCounts(**{status.name.lower(): counts.get(status, 0) for status in ReplayStatus}),
        )


class ReplayJobList(OutputModel):
    items: tuple[ReplayJobOut, ...]


class ReplayedMessageOut(OutputModel):
    message: str = Field(description="its id in the message journal")
    replay: str = Field(description="id of its newest replay; empty: none that the job knows of")
    status: ReplayStatus
    reason: str = Field(description="why it was refused, failed or cannot be replayed")
    profile: str
    service: str
    at: datetime | None = Field(description="when it came; null: the journal has it no more")
    ended: datetime | None

    @classmethod
    def from_listed(cls, listed: ListedReplay) -> ReplayedMessageOut:
        item = listed.item
        return cls(
            message=item.message,
            replay=item.replay,
            status=item.status,
            reason=str(item.reason),
            profile=listed.profile,
            service=listed.service,
            at=listed.at,
            ended=item.ended,
        )


class ReplayedMessageList(OutputModel):
    items: tuple[ReplayedMessageOut, ...]
    next: int | None = Field(description="`after` of the next page; null: nothing follows")
