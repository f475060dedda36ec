"""The way of a message: from what arrived to its answer, whatever its protocol."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from structlog.contextvars import bind_contextvars

from gateway.domain.commands import READ_ONLY
from gateway.domain.frozen import frozen_by_name
from gateway.domain.problems import Fault, MalformedMessage, Refusal, Refused
from gateway.domain.profile import Profile
from gateway.ports.protocol import Answer, Arrival, Conversation, Incoming, Responder
from gateway.profiles import ProfileSet
from gateway.services.exchange.admission import Admission
from gateway.services.exchange.commands import CommandWay
from gateway.services.exchange.endings import Endings
from gateway.services.exchange.news import NewsWay
from gateway.services.hand import Hand, OpenLibrary


@frozen_by_name
class Stage:
    """`libraries` by symbol, case-folded; `main`: the one of profiles that name none."""

    responders: Mapping[str, Responder]
    profiles: Callable[[], ProfileSet]
    libraries: Mapping[str, OpenLibrary]
    main: OpenLibrary
    admission: Admission
    commands: CommandWay
    news: NewsWay
    endings: Endings

    def take(self, arrival: Arrival) -> Hand:
        responder = self.responders[arrival.protocol]
        return Hand(
            arrival=arrival,
            responder=responder,
            envelope=responder.open(arrival, self.profiles().max_bytes),
            library=self.main,
            started=time.perf_counter(),
        )

    async def converse(self, hand: Hand) -> Answer:
        try:
            profile = self.admission.choose(hand)
        except Refused as refused:
            return await self.endings.refuse(hand, Refusal.of(refused))
        return await self.serve(hand, profile)

    async def serve(self, hand: Hand, profile: Profile) -> Answer:
        talk = self.address(hand, profile)
        bind_contextvars(profile=profile.name, service=hand.envelope.service)
        try:
            incoming = self.decode(hand, talk)
        except Refused as refused:
            return await self.endings.refuse(hand, Refusal.of(refused))
        except MalformedMessage as error:
            return await self.endings.malformed(hand, error)
        hand.incoming = incoming
        hand.notes += [f"not understood: {path}" for path in incoming.unknown]
        if incoming.told is not None:
            return await self.news.tell(hand, incoming, incoming.told, talk)
        if incoming.command is None or isinstance(incoming.command, READ_ONLY):
            return await self.commands.look_up(hand, incoming, talk)
        return await self.commands.act(hand, incoming, incoming.command, talk)

    def address(self, hand: Hand, profile: Profile) -> Conversation:
        """Which library is meant, under which profile."""
        hand.library = library = self.library_of(profile)
        hand.talk = Conversation(profile, library.symbol, library.zone, library.currency, hand.arrival.received)
        return hand.talk

    def library_of(self, profile: Profile) -> OpenLibrary:
        return self.libraries[profile.library.casefold()] if profile.library else self.main

    def decode(self, hand: Hand, talk: Conversation) -> Incoming:
        """Raises MalformedMessage, Refused."""
        size = len(hand.arrival.body)
        if size > talk.profile.max_bytes:
            raise MalformedMessage("message", f"larger than {talk.profile.max_bytes} bytes", Fault.TOO_LARGE)
        return hand.responder.decode(hand.envelope, talk)
