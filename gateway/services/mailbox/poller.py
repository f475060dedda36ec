"""Reads one mailbox: look, fetch in batches, take each mail, and only then move it.

One node reads a mailbox however many run. Should two do it for a moment, the place of each mail (UIDVALIDITY and UID)
is kept once, and the later of the two finds what the first did.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

import structlog

from gateway.domain.clock import Clock
from gateway.domain.problems import ConfigurationError, Refused, Unavailable
from gateway.domain.requests.views import NotFound
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.incoming_mail import MailboxClient, MailboxServer, OpenMailbox
from gateway.ports.shared_store import Store
from gateway.services.mailbox.mail_records import MailboxInfo
from gateway.services.mailbox.processor import MailProcessor
from gateway.store import mailbox
from gateway.store.mailbox import MailOutcome, MailPosition
from gateway.store.nodes import Leader

log = structlog.get_logger(component="mailbox")

FIRST_PAUSE = 2.0
MAX_RETRY_SECONDS = 600.0


@value_object(kw_only=True)
class PollingOptions:
    """`folders`: where mails go by what became of them; an empty one: they stay and are marked. `poll_seconds`:
    longest time between two looks; `max_bytes`: larger mails are set aside by their header alone."""

    folders: Mapping[MailOutcome, str]
    batch: int = 50
    max_bytes: int = 30_000_000
    poll_seconds: float = 60.0


@value_object(kw_only=True)
class PollResult:
    """The number of mails by outcome; `again`: were taken before and only had to be moved."""

    taken: Mapping[MailOutcome, int]
    again: int = 0

    @property
    def count(self) -> int:
        return sum(self.taken.values())


class MailboxPoller:
    def __init__(
        self,
        *,
        box: MailboxInfo,
        server: MailboxServer,
        rounds: PollingOptions,
        client: MailboxClient,
        processor: MailProcessor,
        store: Store,
        leader: Leader,
        clock: Clock,
    ) -> None:
        self.box = box
        self._server = server
        self._rounds = rounds
        self._client = client
        self._processor = processor
        self._store = store
        self._leader = leader
        self._clock = clock
        self._worked = False
        self._polling = asyncio.Lock()

    async def run(self) -> None:
        """Run until cancelled. What fails is tried again, after longer and longer pauses."""
        pause = FIRST_PAUSE
        try:
            while True:
                try:
                    if await self._leader.is_leader():
                        await self._poll_while_leader()
                    again, pause = self._rounds.poll_seconds, FIRST_PAUSE
                except (Unavailable, Refused, ConfigurationError) as error:  # the last: its password isn't there
                    if self._worked:  # the connection was good for a while
                        pause, self._worked = FIRST_PAUSE, False
                    log.warning("mailbox.unreachable", mailbox=self.box.name, reason=str(error), again_in=pause)
                    await self._record_failure(error)
                    again, pause = pause, min(pause * 2, MAX_RETRY_SECONDS)
                await asyncio.sleep(again)
        finally:
            with suppress(Unavailable):
                await self._leader.give_up_lead()

    async def _poll_while_leader(self) -> None:
        """Returns when another node has the place. Raises Unavailable, Refused."""
        opened = await self._client.open(self._server)
        is_known_good = False  # a failure may be recorded, by us or by the node that was leader before
        try:
            while await self._leader.is_leader():
                await self.poll_mails(opened)
                if not is_known_good:
                    await self._forget_failure()
                    is_known_good = True
                self._worked = True
                await opened.wait(self._rounds.poll_seconds)
        finally:
            await opened.close()

    async def poll_once(self) -> PollResult:
        """One round, for commands. Raises Unavailable, Refused."""
        try:
            return await self._open_and_poll()
        finally:
            await self._leader.give_up_lead()

    async def poll_if_leader(self) -> PollResult | None:
        """One round at once, while `run` goes on in this process. None: another node has the place. Raises Unavailable,
        Refused."""
        if not await self._leader.is_leader():
            return None
        try:
            return await self._open_and_poll()
        except (Unavailable, Refused, ConfigurationError) as error:
            await self._record_failure(error)
            raise

    async def _open_and_poll(self) -> PollResult:
        opened = await self._client.open(self._server)
        try:
            polled = await self.poll_mails(opened)
            await self._forget_failure()
            return polled
        finally:
            await opened.close()

    async def probe_mailbox(self) -> tuple[int, float, bool]:
        """Signs in and looks: how many mails wait, in how many seconds, and whether the server has IDLE. Nothing
        changes. Raises Unavailable, Refused."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        opened = await self._client.open(self._server)
        try:
            look = await opened.list_messages()
            return len(look.uids), loop.time() - began, await opened.supports_idle()
        finally:
            await opened.close()

    async def poll_mails(self, opened: OpenMailbox) -> PollResult:
        """All that waits, after the round of another that is under way in this process. Raises Unavailable."""
        async with self._polling:
            return await self._poll_all(opened)

    async def _poll_all(self, opened: OpenMailbox) -> PollResult:
        look = await opened.list_messages()
        await self._record_mailbox_state(look.uid_validity, max(look.uids, default=0))
        taken = dict.fromkeys(MailOutcome, 0)
        again = 0
        for batch in _split_batches(look.uids, self._rounds.batch):
            if not await self._leader.is_leader():
                break
            known_outcomes = await self._read_known_outcomes(look.uid_validity, batch)
            again += len(known_outcomes)
            new = [uid for uid in batch if uid not in known_outcomes]
            fresh = await self._process_mails(opened, look.uid_validity, new)
            for outcome in fresh.values():
                taken[outcome] += 1
            await self._move_mails(opened, {**known_outcomes, **fresh})
        return PollResult(taken=taken, again=again)

    async def _record_failure(self, error: Unavailable | Refused | ConfigurationError) -> None:
        """Record a failure for operators: `/readyz`, metrics and `illgate task list` of all nodes."""
        box, now = self.box, self._clock.now()
        reason = str(error) if isinstance(error, ConfigurationError) else error.detail
        with suppress(Unavailable):  # the store is away too: that is told by itself, and the next failure is recorded
            await self._store.write(lambda c: mailbox.record_mailbox_failure(c, box.library, box.name, reason, now))

    async def _forget_failure(self) -> None:
        box = self.box
        await self._store.write(lambda c: mailbox.forget_mailbox_failure(c, box.library, box.name))

    # --- the steps of a round ----------------------------------------------------------------------------

    async def _record_mailbox_state(self, uid_validity: int, highest: int) -> None:
        box, now = self.box, self._clock.now()
        before = await self._store.write(
            lambda c: mailbox.record_mailbox_state(c, box.library, box.name, uid_validity, highest, now)
        )
        if before is not None:
            log.warning("mailbox.uidvalidity_changed", mailbox=box.name, uid_validity=uid_validity, before=before)

    async def _read_known_outcomes(self, uid_validity: int, uids: Sequence[int]) -> Mapping[int, MailOutcome]:
        box = self.box
        return await self._store.read(lambda c: mailbox.find_outcomes(c, box.library, box.name, uid_validity, uids))

    async def _process_mails(
        self, opened: OpenMailbox, uid_validity: int, uids: Sequence[int]
    ) -> Mapping[int, MailOutcome]:
        """Process mails; never more than `max_bytes` are in memory at once."""
        if not uids:
            return {}
        sizes = await opened.sizes(uids)
        done: dict[int, MailOutcome] = {}
        for chunk in _split_by_size(uids, sizes, self._rounds.max_bytes):
            contents = {self._mail_position(uid_validity, mail.uid): mail.content for mail in await opened.fetch(chunk)}
            taken = await self._processor.process_all(self.box, contents)
            done |= {spot.uid: outcome for spot, outcome in taken.items()}
        for uid, size in sizes.items():
            if size > self._rounds.max_bytes:
                head = await opened.head(uid)
                why = write_sentence(
                    "too large: %(count)s bytes; the mailbox's max_bytes is %(most)s",
                    count=size,
                    most=self._rounds.max_bytes,
                )
                done[uid] = await self._processor.set_aside(self.box, self._mail_position(uid_validity, uid), head, why)
        return done

    async def _move_mails(self, opened: OpenMailbox, outcomes: Mapping[int, MailOutcome]) -> None:
        for outcome in MailOutcome:
            uids = sorted(uid for uid, mail_outcome in outcomes.items() if mail_outcome is outcome)
            if uids:
                await opened.move(uids, self._rounds.folders[outcome])

    def _mail_position(self, uid_validity: int, uid: int) -> MailPosition:
        return MailPosition(self.box.library, self.box.name, uid_validity, uid)


def find_poller(pollers: Iterable[MailboxPoller], name: str) -> MailboxPoller:
    """Find a poller; raises NotFound."""
    for poller in pollers:
        if poller.box.name == name:
            return poller
    raise NotFound("mailbox")


def _split_batches(uids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(uids), size):
        yield uids[start : start + size]


def _split_by_size(uids: Sequence[int], sizes: Mapping[int, int], most: int) -> Iterator[list[int]]:
    """Mails that fit into `most` bytes together; those that don't fit alone are left out."""
    chunk: list[int] = []
    total = 0
    for uid in uids:
        size = sizes.get(uid)
        if size is None or size > most:
            continue
        if chunk and total + size > most:
            yield chunk
            chunk, total = [], 0
        chunk.append(uid)
        total += size
    if chunk:
        yield chunk
