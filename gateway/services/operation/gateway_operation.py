"""State of the gateway itself, for those who run it: jobs, mailboxes, queues, profiles and their examples."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from gateway.configuration.yaml_document import display_path
from gateway.domain.clock import Clock
from gateway.domain.problems import ConfigurationProblem, RefusalReason
from gateway.domain.requests.staff_views import MailboxFailure
from gateway.domain.requests.views import NotFound
from gateway.domain.value import replace, value_object
from gateway.ports.shared_store import Transaction
from gateway.profiles import LoadedProfile, ProfileStore
from gateway.profiles.shipped import list_shipped_profiles
from gateway.services.mailbox.poller import MailboxPoller, PollResult, find_poller
from gateway.services.operation.check.certificates import EndingCertificate, find_ending_certificates
from gateway.services.operation.profile_history import ProfileHistory, read_text_of_file
from gateway.services.requests.effects import LETTER
from gateway.services.requests.library_context import LibraryContext
from gateway.settings import Settings
from gateway.store import mailbox, profile_versions
from gateway.store.journal_records import TroubleCount
from gateway.store.profile_versions import ProfileVersion
from gateway.store.requests import outbox_queries, timers
from gateway.store.requests.outbox import OutboxStatus


@value_object(kw_only=True)
class BackgroundJob:
    """`name` as in the log. `every_seconds` 0: it goes on all the time. `began`: its last round, None: not yet;
    `failure`: why that round ended early, in a few words."""

    name: str
    every_seconds: float
    began: datetime | None
    failure: str = ""

    @property
    def next_round(self) -> datetime | None:
        """The time of the next round, about."""
        if self.began is None or not self.every_seconds:
            return None
        return self.began + timedelta(seconds=self.every_seconds)


ListJobs = Callable[[datetime], Sequence[BackgroundJob]]
"""As of now."""


@value_object
class MailboxState:
    """`seen`: when it was looked at last, None: never; `failure` None: it can be read; `waiting`: its mails that wait
    for staff."""

    name: str
    seen: datetime | None
    failure: MailboxFailure | None
    waiting: int


@value_object
class CheckFindings:
    """The findings of `illgate check` at a moment. `failure`: why it came to no end; then nothing is found."""

    at: datetime
    problems: tuple[ConfigurationProblem, ...] = ()
    remarks: tuple[ConfigurationProblem, ...] = ()
    failure: str = ""


class ConfigurationCheck(Protocol):
    """`illgate check`, for whoever looks at pages."""

    @property
    def findings(self) -> CheckFindings | None:
        """The findings of the last time on this node; None: there was none yet."""
        ...

    async def run(self) -> None:
        """Checks now; one at a time."""
        ...


@value_object
class QueueState:
    """The work that waits for the gateway itself: rows of the outbox, and deadlines of requests. `next_deadline` None:
    there is none. `oldest_due`: since when the row has been due that waits longest; None: none is due."""

    waiting: int
    given_up: int
    deadlines_due: int
    next_deadline: datetime | None
    oldest_due: datetime | None


LETTER_TRIES = 3
"""A letter that was tried so often in vain tells of a mail server that is away."""

QUEUE_AGE = timedelta(hours=1)
"""A message that could have gone out so long ago needs somebody."""

CASES: frozenset[str] = frozenset(
    {
        RefusalReason.UNKNOWN_PATRON,
        RefusalReason.AMBIGUOUS_PATRON,
        RefusalReason.PATRON_AUTH_FAILED,
        RefusalReason.PATRON_BLOCKED,
        RefusalReason.PATRON_EXPIRED,
        RefusalReason.LIMIT_REACHED,
        RefusalReason.DUPLICATE_PATRON,
        RefusalReason.UNKNOWN_ITEM,
        RefusalReason.AMBIGUOUS_ITEM,
        RefusalReason.UNKNOWN_RECORD,
        RefusalReason.DUPLICATE_ITEM,
        RefusalReason.ITEM_NOT_AVAILABLE,
        RefusalReason.ITEM_DOES_NOT_CIRCULATE,
        RefusalReason.ITEM_ON_LOAN,
        RefusalReason.ON_LOAN_SAME_PATRON,
        RefusalReason.REQUESTED_BY_OTHER,
        RefusalReason.NOT_CHECKED_OUT,
        RefusalReason.IN_USE,
        RefusalReason.UNKNOWN_REQUEST,
        RefusalReason.AMBIGUOUS_REQUEST,
        RefusalReason.REQUEST_CLOSED,
        RefusalReason.DUPLICATE_REQUEST,
        RefusalReason.NOT_AVAILABLE_IN_TIME,
        RefusalReason.NOT_RENEWABLE,
        RefusalReason.RENEWAL_LIMIT_REACHED,
        RefusalReason.RENEWAL_HAS_REQUESTS,
        RefusalReason.CANNOT_BE_RECALLED,
        RefusalReason.DUPLICATE_CHARGE,
    }
)
"""Reasons that are about one patron, item or request, and no fault of anybody's."""

MANY_TROUBLES = 20
"""So many of one kind need somebody, whatever the reason."""


def is_for_operator(trouble: TroubleCount) -> bool:
    """Return whether somebody has to look at messages that were not done: they are many, or what is set up may be
    wrong. A stranger's, whom nobody lets in, is no fault of anybody's."""
    return trouble.count >= MANY_TROUBLES or (bool(trouble.profile) and trouble.reason not in CASES)


@value_object
class MailFailure:
    """Letters to patrons that were tried in vain again and again. `since`: when the oldest of them was made, in UTC;
    `reason`: why one of them failed."""

    waiting: int
    since: datetime
    reason: str


@value_object
class ProfileState:
    """`file` as problems name it; `problems`: why the file as it is now is not in use; `libraries`: symbols of those of
    which it may say something, none if it names none."""

    name: str
    file: str
    loaded: LoadedProfile | None
    problems: tuple[ConfigurationProblem, ...]
    libraries: frozenset[str]


@value_object
class ProfileText:
    """`text` is the file as it is now, empty where it can't be read; `is_in_use`: it is what was read last."""

    state: ProfileState
    text: str
    is_in_use: bool
    example_problems: tuple[ConfigurationProblem, ...]
    examples: int


class CheckExamples(Protocol):
    async def __call__(self, loaded: LoadedProfile) -> Sequence[ConfigurationProblem]:
        """Decodes the examples of a profile; what doesn't come out as it expects. Nothing is changed or sent."""
        ...


class GatewayOperation:
    """`profiles`: those in use, which `history` follows; `list_jobs`: of this node."""

    def __init__(
        self,
        *,
        context: LibraryContext,
        pollers: Sequence[MailboxPoller],
        profiles: ProfileStore,
        history: ProfileHistory,
        check_examples: CheckExamples,
        check: ConfigurationCheck,
        settings: Settings,
        list_jobs: ListJobs,
        clock: Clock,
    ) -> None:
        self._context = context
        self._pollers = pollers
        self._profiles = profiles
        self._history = history
        self._check_examples = check_examples
        self._check = check
        self._settings = settings
        self._list_jobs = list_jobs
        self._clock = clock

    def list_jobs(self) -> Sequence[BackgroundJob]:
        """List the jobs of this node, by name."""
        return self._list_jobs(self._clock.now())

    # --- configuration -----------------------------------------------------------------------------------

    def list_findings(self) -> CheckFindings | None:
        """List findings without those of profiles of other libraries. None: nothing was checked yet."""
        findings = self._check.findings
        if findings is None:
            return None
        own = {profile.file for profile in self.list_profiles()}
        all_files = {loaded_profile.document.file for loaded_profile in self._profiles.current.loaded.values()}
        others = (all_files | {problem.file for problem in self._profiles.problems}) - own
        return replace(
            findings,
            problems=tuple(each for each in findings.problems if each.file not in others and self._may_see(each.file)),
            remarks=tuple(each for each in findings.remarks if each.file not in others and self._may_see(each.file)),
        )

    def _find_owners(self, file: str) -> frozenset[str]:
        """Find the symbols of the libraries of which a file that can't be read may say something."""
        owner = self._settings.find_owner_of_file(file)
        owners = (owner,) if owner is not None else self._settings.libraries
        return frozenset(library.symbol for library in owners)

    def _may_see(self, file: str) -> bool:
        """Return whether a file is in no other library's folder."""
        return self._context.symbol in self._find_owners(file)

    def is_own_problem(self, problem: ConfigurationProblem) -> bool:
        """Return whether it stands where this library alone is meant: in its entry of gateway.yml, its folder, its
        rules, or a file of a partner of its own."""
        symbols = [library.symbol for library in self._settings.libraries]
        if self._context.symbol not in symbols:
            return False  # its file has gone, and it is served as it was
        index = symbols.index(self._context.symbol)
        library = self._settings.libraries[index]
        is_entry = problem.path[:2] == ("libraries", index)
        own_files = {state.file for state in self.list_profiles() if state.libraries == {library.symbol}}
        if library.folder:
            is_in_folder = problem.file.startswith(f"{display_path(self._settings.folder / library.folder)}{os.sep}")
            return is_entry or is_in_folder or problem.file in own_files
        rules = display_path(self._settings.folder / library.requests)
        return is_entry or problem.file in own_files | {rules}

    async def check_configuration(self) -> None:
        """Check now, on this node."""
        await self._check.run()

    # --- queues ------------------------------------------------------------------------------------------

    async def measure_queues(self) -> QueueState:
        now = self._context.now()

        def measure_all(connection: Transaction) -> QueueState:
            counts = outbox_queries.count_unfinished_rows(connection)
            due, following = timers.measure_timers(connection, self._context.symbol, now)
            return QueueState(
                counts.get((self._context.symbol, OutboxStatus.WAITING), 0),
                counts.get((self._context.symbol, OutboxStatus.DEAD), 0),
                due,
                following,
                outbox_queries.find_oldest_due(connection, self._context.symbol, now),
            )

        return await self._context.store.read(measure_all)

    async def find_mail_failure(self) -> MailFailure | None:
        """None: letters to patrons go out."""
        retried = await self._context.store.read(
            lambda c: outbox_queries.list_retried_targets(c, self._context.symbol, LETTER, LETTER_TRIES)
        )
        if not retried:
            return None
        return MailFailure(sum(count for _, count, _, _ in retried), retried[0][2], retried[0][3])

    async def list_ending_certificates(self) -> Sequence[EndingCertificate]:
        """Those of the installation and of profiles of the library."""
        loaded = [profile.loaded for profile in self.list_profiles() if profile.loaded is not None]
        return await asyncio.to_thread(find_ending_certificates, self._settings, loaded, self._clock.now())

    # --- mailboxes ---------------------------------------------------------------------------------------

    async def list_mailboxes(self) -> Sequence[MailboxState]:
        """List the mailboxes of the library, by name."""
        names = sorted(poller.box.name for poller in self._list_pollers())

        def read_states(connection: Transaction) -> Sequence[MailboxState]:
            last_looks = mailbox.list_last_looks(connection, self._context.symbol)
            waiting = mailbox.count_waiting_by_mailbox(connection, self._context.symbol)
            away = {
                failure.mailbox: failure for failure in mailbox.list_mailbox_failures(connection, self._context.symbol)
            }
            return [MailboxState(name, last_looks.get(name), away.get(name), waiting.get(name, 0)) for name in names]

        return await self._context.store.read(read_states)

    async def poll_mailbox(self, name: str) -> PollResult | None:
        """Reads it at once. None: another node reads this mailbox, and has been left to. Raises NotFound, Unavailable,
        Refused."""
        return await find_poller(self._list_pollers(), name).poll_if_leader()

    def _list_pollers(self) -> Sequence[MailboxPoller]:
        return [poller for poller in self._pollers if poller.box.library == self._context.symbol]

    # --- profiles ----------------------------------------------------------------------------------------

    def list_profiles(self) -> Sequence[ProfileState]:
        """Those of the library and those without one, by name; files that could not be loaded among them. Members of a
        mesh have no file."""
        current = self._profiles.current.loaded
        versions = {
            name: entry.for_library(self._context.symbol) for name, entry in current.items() if not entry.is_generated
        }
        loaded = {name: entry for name, entry in versions.items() if entry is not None}
        by_file: dict[str, list[ConfigurationProblem]] = {}
        for problem in self._profiles.problems:
            by_file.setdefault(problem.file, []).append(problem)
        states = [
            ProfileState(
                entry.profile.name,
                entry.document.file,
                entry,
                tuple(by_file.pop(entry.document.file, ())),
                current[name].libraries,
            )
            for name, entry in loaded.items()
        ]
        others = {loaded_profile.document.file for loaded_profile in current.values()}
        states += [
            ProfileState(Path(file).stem, file, None, tuple(problems), self._find_owners(file))
            for file, problems in by_file.items()
            if file not in others and self._may_see(file)
        ]
        return sorted(states, key=lambda state: (state.name, state.file))

    def list_parents(self) -> Sequence[str]:
        """Names of what a new file may extend: profiles of the library, those without one, and shipped ones; a partner
        can't be extended."""
        own = (state.name for state in self.list_profiles() if state.loaded is not None)
        documents = self._profiles.current.own_documents
        return sorted({*list_shipped_profiles(), *(name for name in own if f"profiles/{name}" in documents)})

    def find_profile(self, name: str) -> ProfileState:
        """Find a profile; raises NotFound."""
        for state in self.list_profiles():
            if state.name == name:
                return state
        raise NotFound("profile")

    async def read_profile(self, name: str) -> ProfileText:
        """Read a profile; raises NotFound."""
        state = self.find_profile(name)
        file = state.loaded.file if state.loaded is not None else self._profiles.name_file(name)
        text = await asyncio.to_thread(read_text_of_file, file) or ""
        if state.loaded is None:
            return ProfileText(state, text, False, (), 0)
        wrong = tuple(await self._check_examples(state.loaded))
        is_in_use = self._history.find_text_in_use(state.loaded) == text
        return ProfileText(state, text, is_in_use, wrong, len(state.loaded.profile.examples))

    async def list_versions(self, name: str) -> Sequence[ProfileVersion]:
        """Newest first; of a profile of this library, or of all."""
        owners = ("", self._context.symbol)
        return await self._context.store.read(lambda c: profile_versions.list_profile_versions(c, owners, name))

    async def find_version(self, name: str, id_: str) -> ProfileVersion:
        """Find a version; raises NotFound."""
        owners = ("", self._context.symbol)
        version = await self._context.store.read(lambda c: profile_versions.find_profile_version(c, owners, name, id_))
        if version is None:
            raise NotFound("version")
        return version
