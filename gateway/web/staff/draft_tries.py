"""A draft of a profile tried with messages that its partner sent and that were refused: what would become of them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from gateway.domain.value import value_object
from gateway.ports.responder import OutcomeClass
from gateway.profiles import LoadedProfile
from gateway.services.desks.journaled_messages import JournalSearch
from gateway.services.exchange.message_context import NotReplayableError
from gateway.services.exchange.replay_selection import ReplaySelection, TooManyMessagesError
from gateway.web.staff.journal_pages import MINUTE
from gateway.web.staff.journal_reasons import describe_journal_reason
from gateway.web.staff.replay_job_pages import MAX_PREVIEWS, describe_forecast
from gateway.web.staff.staff_request import StaffRequest

TRIED = timedelta(days=7)

SHOWN_PATHS = frozenset({"pickup", "policy", "location", "kind", "details.reason"})
"""Values that are codes of libraries. Of all others, which may be a patron's, the path alone is shown."""


@value_object
class TriedGroup:
    """Messages that are alike. `reason`: why they were refused; `now`: what would become of them; `changes`: values
    that are others with the draft."""

    service: str
    reason: str
    now: str
    changes: tuple[str, ...]
    count: int


@value_object
class DraftTries:
    groups: tuple[TriedGroup, ...]
    total: int
    is_partial: bool = False
    previews: int = MAX_PREVIEWS


async def try_draft(request: StaffRequest, draft: LoadedProfile) -> DraftTries | None:
    """Try a draft; nothing is changed or sent. None: the draft is not for this library, or too many were refused."""
    own, since = draft.for_library(request.library.symbol), request.parts.clock.now() - TRIED
    if own is None:
        return None
    search = JournalSearch(profile=own.profile.name, outcome=OutcomeClass.REFUSED.value, since=since)
    try:
        selection: ReplaySelection = await request.library.replay_jobs.select_messages(
            await request.library.journaled.make_filter(search)
        )
    except TooManyMessagesError:
        return None
    counts: Counter[tuple[str, str, str, tuple[str, ...]]] = Counter()
    for message in selection.messages[:MAX_PREVIEWS]:
        changes: tuple[str, ...] = ()
        try:
            tried = await request.replays.rehearse_with_draft(message.id, own)
        except NotReplayableError as why:
            detail = request.localization.translate_sentence(why.detail)
            now = request.gettext("cannot be replayed: %(reason)s", reason=detail)
        else:
            now = describe_forecast(request, tried.result)
            changes = tuple(
                f"{path}: {before} → {after}" if path in SHOWN_PATHS else path
                for path, (before, after) in tried.changes.items()
            )
        reason = describe_journal_reason(message.reason, request.localization)
        counts[message.service, reason, now, changes] += 1
    groups = tuple(TriedGroup(*key, count) for key, count in counts.most_common())
    return DraftTries(groups, len(selection.messages), len(selection.messages) > MAX_PREVIEWS)


def find_tried_path(request: StaffRequest, name: str) -> str:
    """Find the page of the journal with the messages with which a profile is tried, to be replayed once it is saved."""
    first = (request.parts.clock.now() - TRIED).astimezone(request.context.zone)
    query = {"profile": name, "outcome": OutcomeClass.REFUSED.value, "first": f"{first:{MINUTE}}"}
    return request.path("operation", "journal", **query)
