"""Messages of the journal, taken up again: for staff, or after a crash."""

from __future__ import annotations

from datetime import datetime

from structlog.contextvars import clear_contextvars

from gateway.domain.clock import Clock
from gateway.domain.commands import READ_ONLY
from gateway.domain.frozen import frozen
from gateway.domain.problems import MalformedMessage, Refusal, Refused
from gateway.domain.profile import Profile
from gateway.ports.protocol import OutcomeClass, Transport
from gateway.services.circulation import message_key
from gateway.services.exchange.stage import Stage
from gateway.services.hand import Hand
from gateway.services.replay import NotReplayable, Rehearsal, Replayed, arrival_of
from gateway.store.journal import Journal
from gateway.store.records import FullMessage


@frozen
class Again:
    stage: Stage
    journal: Journal
    clock: Clock

    async def replay(self, kept: FullMessage) -> Replayed:
        """Carry a message of the journal out once more, as a new exchange; its sender was admitted the first time, so
        the profile named in the journal is used. Raises NotReplayable, Unavailable."""
        hand, profile = self._kept(kept, self.clock.now(), Transport.REPLAY)
        hand.replay_of = kept.message.id
        replayed = await self._serve(hand, profile)
        if replayed.outcome is not OutcomeClass.FAILED:
            await self.journal.lay_down(kept.message.library, kept.message.id)  # where repair had set it aside
        return replayed

    async def finish(self, kept: FullMessage) -> Replayed:
        """Carry out what was interrupted, and complete its row in the journal. Raises NotReplayable."""
        hand, profile = self._kept(kept, kept.message.at, Transport(kept.message.transport))
        hand.begun = kept.begun()
        return await self._serve(hand, profile)

    async def rehearse(self, kept: FullMessage) -> Rehearsal:
        """What `replay` would do, as far as it can be told without the library. Raises NotReplayable."""
        hand, profile = self._kept(kept, self.clock.now(), Transport.REPLAY)
        talk = self.stage.address(hand, profile)
        service = hand.envelope.service
        try:
            incoming = self.stage.decode(hand, talk)
        except MalformedMessage as error:
            return Rehearsal(service, refusal=error, answer=hand.responder.refuse(hand.envelope, error, talk))
        except Refused as refused:
            refusal = Refusal.of(refused)
            return Rehearsal(service, refusal=refusal, answer=hand.responder.refuse(hand.envelope, refusal, talk))
        command = incoming.command
        if incoming.told is not None:
            taken = await self.stage.news.as_if(hand, incoming.told, talk)
            said = hand.responder.encode(hand.envelope, incoming, taken, talk)
            return Rehearsal(service, told=incoming.told, refusal=taken.refused, answer=said)
        if command is None:
            return Rehearsal(service, answer=hand.responder.encode(hand.envelope, incoming, None, talk))
        key = "" if isinstance(command, READ_ONLY) else message_key(command, profile.name)
        answer = await self.stage.commands.repeat(hand, key) if key else None
        return Rehearsal(service, command, answer=answer, carried_out_as=hand.repeat_of)

    async def _serve(self, hand: Hand, profile: Profile) -> Replayed:
        clear_contextvars()
        answer = await self.stage.serve(hand, profile)
        return Replayed(answer, hand.outcome, hand.reason, "; ".join(hand.notes))

    def _kept(self, kept: FullMessage, received: datetime, transport: Transport) -> tuple[Hand, Profile]:
        message = kept.message
        arrival = arrival_of(kept, received, transport)
        if not message.profile:
            raise NotReplayable("no profile was found for it when it came; have its sender send it again")
        profile = self.stage.profiles().by_name(message.profile)
        if profile is None or profile.abstract or arrival.protocol not in self.stage.responders:
            raise NotReplayable(f"its profile '{message.profile}' is no longer there")
        if self.stage.library_of(profile).symbol != message.library:
            raise NotReplayable(f"its profile '{message.profile}' belongs to another library now")
        return self.stage.take(arrival), profile
