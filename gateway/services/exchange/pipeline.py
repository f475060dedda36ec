"""One message in, one answer out: open, admit, decode, handle, encode, journal; the Exchange and its Replayer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from structlog.contextvars import bind_contextvars, clear_contextvars

from gateway.domain.clock import Clock, FixedClock
from gateway.domain.commands import READ_ONLY, PlaceRequest
from gateway.domain.partner_identifiers import translate_agency
from gateway.domain.problems import MalformationKind, MalformedMessage, Refusal, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.sentences import sentence_of_text, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.guarded_library import ExchangeLibrary
from gateway.ports.responder import (
    DecodedMessage,
    ExchangeContext,
    MessageAddress,
    OutcomeClass,
    RawMessage,
    Responder,
    ResponderAnswer,
    TransportKind,
)
from gateway.profiles import LoadedProfile, ProfileSet
from gateway.services.circulation import idempotency_key
from gateway.services.circulation.profiled_values import list_profiled_values
from gateway.services.exchange.admission import Secrets, SenderAdmission
from gateway.services.exchange.handlers import (
    CommandBroker,
    CommandHandler,
    DefectReporter,
    Link,
    log_defect,
)
from gateway.services.exchange.message_context import (
    MessageContext,
    MessageEnding,
    MessageOutcomes,
    NotReplayableError,
    RehearsalResult,
    ReplayResult,
    SenderRefused,
    end_refused,
    rebuild_arrival,
)
from gateway.services.exchange.message_example import MessageExample, make_example
from gateway.services.exchange.notification_handler import NotificationHandler, PartnerInboxPort
from gateway.services.exchange.peer_tokens import PeerTokenVerifier
from gateway.services.exchange.value_trace import ValueTrace, ValueTracer
from gateway.services.people.patron_authentication import PatronAuthenticator
from gateway.services.requests.library_context import TAKES_NO_REQUESTS
from gateway.store.journal import Journal
from gateway.store.journal_records import OFFICE, FullMessage, JournalMessage

HELD_BACK = "This library cannot be reached at the moment. Please send the message again later."

CLOSED = write_sentence("This library is closed.")

FULL_SHARE = write_sentence("Too many messages for this library at once. Please send the message again later.")


@value_object(kw_only=True)
class Pipeline:
    """`libraries`: those that are served now, by symbol. `names`: symbols of all libraries by what addresses call them,
    case-folded. `is_closed`: whether one that isn't served never will be."""

    names: Mapping[str, str]
    responders: Mapping[str, Responder]
    profiles: Callable[[], ProfileSet]
    libraries: Mapping[str, ExchangeLibrary]
    is_closed: Callable[[str], bool]
    admission: SenderAdmission
    commands: CommandHandler
    news: NotificationHandler
    endings: MessageOutcomes

    def open_message(self, arrival: RawMessage) -> MessageContext:
        responder = self.responders[arrival.protocol]
        return MessageContext(
            arrival=arrival,
            responder=responder,
            envelope=responder.open(arrival, self.profiles().max_bytes),
            owner=self.find_owner(arrival),
            started=time.perf_counter(),
        )

    def find_owner(self, arrival: RawMessage) -> str:
        """Find the symbol of the library that an address names, itself or by its profile, whoever sends there; the only
        one is meant by each. OFFICE: it names none."""
        if arrival.library:
            return arrival.library
        if len(self.libraries) == 1 and len(set(self.names.values())) <= 1:
            return next(iter(self.libraries.values())).symbol
        symbols = self.profiles().list_libraries_at(arrival.profile)
        return min(symbols) if len(symbols) == 1 else OFFICE

    def find_address(self, first: str, second: str) -> MessageAddress:
        """Tell a library from a profile in the path of an address, `/FIRST/SECOND`. A profile that is called as a
        library is goes first: it was there before addresses named libraries."""
        library = self.names.get(first.casefold(), "") if first.isascii() else ""
        if not library or self.profiles().has_address(first):
            return MessageAddress("", first)
        return MessageAddress(library, second)

    async def process(self, message: MessageContext) -> MessageEnding:
        try:
            profile = await self.admission.choose_profile(message)
        except SenderRefused as refused:
            named = await self.news.report_stranger(message)
            if named is None:
                return await self.endings.refuse_message(message, refused)
            message = replace(message, owner=named.library)
            return await self.endings.refuse_message(message, refused, named.request_id)
        except Refused as refused:
            return await self.endings.refuse_message(message, refused)
        return await self.handle(message, profile)

    async def handle(self, message: MessageContext, profile: Profile) -> MessageEnding:
        if profile.library and profile.library not in self.libraries:
            return await self.refuse_held_back(message, profile)
        message = self.select_library(message, profile)
        bind_contextvars(profile=profile.name, service=message.envelope.service)
        if not message.arrival.take_share(message.library.symbol):
            return await self.endings.refuse_message(message, Refused(RefusalReason.TEMPORARY_FAILURE, FULL_SHARE))
        try:
            incoming = self.decode_within_limit(message)
        except Refused as refused:
            return await self.endings.refuse_message(message, refused)
        except MalformedMessage as error:
            return await self.endings.reject_malformed(message, error)
        message = replace(message, incoming=incoming)
        if incoming.told is not None:
            return await self.news.handle_notification(message, incoming.told)
        if isinstance(incoming.command, PlaceRequest) and not message.library.takes_requests:
            return await self.endings.refuse_message(
                message, Refused(RefusalReason.UNSUPPORTED_SERVICE, TAKES_NO_REQUESTS)
            )
        if incoming.command is None or isinstance(incoming.command, READ_ONLY):
            return await self.commands.handle_query(message, incoming.command)
        return await self.commands.handle_command(message, incoming.command)

    async def refuse_held_back(self, message: MessageContext, profile: Profile) -> MessageEnding:
        """Refuse what is for a library that can't be served now, in the words of the protocol; it can be replayed,
        unless the library is closed."""
        exchange = ExchangeContext(profile, profile.library, UTC, "", message.arrival.received)
        message = replace(message, owner=profile.library, exchange=exchange)
        refusal, outcome = Refusal(RefusalReason.TEMPORARY_FAILURE, HELD_BACK), OutcomeClass.FAILED
        if self.is_closed(profile.library):
            refusal, outcome = Refusal(RefusalReason.UNSUPPORTED_SERVICE, CLOSED), OutcomeClass.REFUSED
        ending = end_refused(message, refusal, message.write_refusal(refusal), outcome)
        return await self.endings.record_ending(ending)

    def select_library(self, message: MessageContext, profile: Profile) -> MessageContext:
        """Select which library is meant, under which profile."""
        library = self.library_of_profile(profile)
        exchange = ExchangeContext(profile, library.symbol, library.zone, library.currency, message.arrival.received)
        return replace(message, owner=library.symbol, addressee=library, exchange=exchange)

    def library_of_profile(self, profile: Profile) -> ExchangeLibrary:
        if profile.library:
            return self.libraries[profile.library]
        return next(iter(self.libraries.values()))  # profiles are checked: there is one library

    def decode_within_limit(self, message: MessageContext) -> DecodedMessage:
        """Decode it. Raises MalformedMessage, Refused."""
        exchange = message.exchange
        assert exchange is not None, "a profile is chosen first"
        if len(message.arrival.body) > exchange.profile.max_bytes:
            raise MalformedMessage(
                "message", f"larger than {exchange.profile.max_bytes} bytes", MalformationKind.TOO_LARGE
            )
        return message.responder.decode(message.envelope, exchange)


OTHER_SERVICE = "other"


@value_object
class ExchangeRecord:
    """The facts known of a finished exchange, for metrics. `profile` is empty or one of ours (`lib01/NAME` for a
    library's own partner), `service` empty, one of the protocol's or `other`: nothing that a sender may choose without
    end."""

    protocol: str
    profile: str
    service: str
    outcome: OutcomeClass
    seconds: float


class MessageExchange:
    def __init__(
        self,
        *,
        responders: Mapping[str, Responder],
        profiles: Callable[[], ProfileSet],
        libraries: Mapping[str, ExchangeLibrary],
        journal: Journal,
        clock: Clock,
        authenticator: PatronAuthenticator,
        secrets: Secrets,
        library_seconds: float,
        observe: Callable[[ExchangeRecord], None] = lambda _done: None,
        link: Link | None = None,
        broker: CommandBroker | None = None,
        partner_inbox: PartnerInboxPort | None = None,
        report_defect: DefectReporter = log_defect,
        is_closed: Callable[[str], bool] = lambda _symbol: False,
        names: Mapping[str, str] | None = None,
    ) -> None:
        """`authenticator` checks the PINs that messages carry. `library_seconds`: longest time for one use case.
        `link`, `broker` and `partner_inbox`: where it manages requests. `report_defect` logs and counts. `is_closed`:
        whether a library that isn't served never will be. `names`: symbols of libraries by the names that addresses may
        have, case-folded; None: addresses name profiles alone. `libraries` and `names` may change."""
        if not libraries:
            raise ValueError("an exchange needs a library")
        endings = MessageOutcomes(journal, clock)
        self._stage = Pipeline(
            names=names if names is not None else {},
            responders=responders,
            profiles=profiles,
            libraries=libraries,
            is_closed=is_closed,
            admission=SenderAdmission(profiles, secrets, PeerTokenVerifier(clock)),
            commands=CommandHandler(
                journal=journal,
                clock=clock,
                endings=endings,
                authenticator=authenticator,
                library_seconds=library_seconds,
                link=link,
                broker=broker,
                report_defect=report_defect,
            ),
            news=NotificationHandler(
                journal=journal,
                clock=clock,
                endings=endings,
                partner_inbox=partner_inbox,
                report_defect=report_defect,
            ),
            endings=endings,
        )
        self._again = Replayer(self._stage, journal, clock)
        self._observe = observe
        self._profiles = profiles

    async def handle(self, arrival: RawMessage) -> ResponderAnswer:
        """Handle a message; never raises for anything that it holds."""
        message = self._stage.open_message(arrival)
        clear_contextvars()
        ending = await self._stage.process(message)
        seconds = time.perf_counter() - message.started
        exchange = ending.message.exchange
        profile = self._profiles().find_key(exchange.profile) if exchange is not None else ""
        self._observe(ExchangeRecord(arrival.protocol, profile, _known_service(message), ending.outcome, seconds))
        return ending.answer

    def find_address(self, first: str, second: str = "") -> MessageAddress:
        """See `Pipeline.find_address`."""
        return self._stage.find_address(first, second)

    def find_library(self, address: MessageAddress) -> str:
        """Find the symbol of the library that an address means; empty: there is no such profile, or only the message
        tells for which of several libraries it is."""
        if address.library or not address.profile:
            return address.library
        profile = self._stage.profiles().find_sole_version(address.profile)
        if profile is None:
            return ""
        return profile.library or self._stage.library_of_profile(profile).symbol

    async def replay_message(self, kept: FullMessage) -> ReplayResult:
        """See `Replayer.replay_message`. Raises NotReplayableError."""
        return await self._again.replay_message(kept)

    async def finish_message(self, kept: FullMessage) -> ReplayResult:
        """See `Replayer.finish_message`. Raises NotReplayableError."""
        return await self._again.finish_message(kept)

    async def rehearse_message(self, kept: FullMessage, draft: LoadedProfile | None = None) -> RehearsalResult:
        """See `Replayer.rehearse_message`. Raises NotReplayableError."""
        return await self._again.rehearse_message(kept, draft)

    async def trace_message(self, kept: FullMessage, loaded: LoadedProfile) -> ValueTrace:
        """See `Replayer.trace_message`. Raises NotReplayableError."""
        return await self._again.trace_message(kept, loaded)

    async def make_example(self, kept: FullMessage, loaded: LoadedProfile) -> MessageExample:
        """See `Replayer.make_example`. Raises NotReplayableError."""
        return await self._again.make_example(kept, loaded)

    async def compare_draft(self, kept: FullMessage, draft: LoadedProfile) -> Mapping[str, tuple[str, str]]:
        """See `Replayer.compare_draft`. Raises NotReplayableError."""
        return await self._again.compare_draft(kept, draft)


def _known_service(message: MessageContext) -> str:
    service = message.envelope.service
    return service if not service or service in message.responder.services else OTHER_SERVICE


@value_object
class Replayer:
    stage: Pipeline
    journal: Journal
    clock: Clock

    async def replay_message(self, kept: FullMessage) -> ReplayResult:
        """Carry a message of the journal out once more, as a new exchange; its sender was admitted the first time, so
        the profile named in the journal is used. Raises NotReplayableError, Unavailable."""
        message, profile = self._restore_message(kept, self.clock.now(), TransportKind.REPLAY)
        replayed = await self._handle_again(replace(message, replay_of=kept.message.id), profile)
        if replayed.outcome is not OutcomeClass.FAILED:
            await self.journal.reset_recovery(kept.message.library, kept.message.id)  # where recovery had set it aside
        return replayed

    async def finish_message(self, kept: FullMessage) -> ReplayResult:
        """Carry out what was interrupted, and complete its row in the journal. Raises NotReplayableError."""
        message, profile = self._restore_message(kept, kept.message.at, TransportKind(kept.message.transport))
        message = replace(message, begun=kept.to_journal_entry())
        if kept.message.replay_of:
            message = replace(message, first_received=await self._find_first_moment(kept.message))
        return await self._handle_again(message, profile)

    async def rehearse_message(self, kept: FullMessage, draft: LoadedProfile | None = None) -> RehearsalResult:
        """Return what `replay_message` would do, as far as it can be told without the library; with `draft` in the
        place of its profile: what it would do then. Raises NotReplayableError."""
        message, profile = self._restore_message(kept, self.clock.now(), TransportKind.REPLAY)
        profile = draft.profile if draft is not None else profile
        message = self.stage.select_library(message, profile)
        service = message.envelope.service
        try:
            incoming = self.stage.decode_within_limit(message)
        except MalformedMessage as error:
            return RehearsalResult(service, refusal=error, answer=message.write_refusal(error))
        except Refused as refused:
            refusal = Refusal.from_error(refused)
            return RehearsalResult(service, refusal=refusal, answer=message.write_refusal(refusal))
        message, command = replace(message, incoming=incoming), incoming.command
        if incoming.told is not None:
            taken = await self.stage.news.rehearse(message, incoming.told)
            return RehearsalResult(
                service,
                told=incoming.told,
                refusal=taken.refused,
                answer=message.write_answer(taken),
                is_repeat=taken.repeated,
            )
        if command is None:
            return RehearsalResult(service, answer=message.write_answer(None))
        key = "" if isinstance(command, READ_ONLY) else idempotency_key(command, profile.name)
        repeated = await self.stage.commands.find_repeated_answer(message, key) if key else None
        if repeated is None:
            return RehearsalResult(service, command)
        return RehearsalResult(service, command, answer=repeated.answer, carried_out_as=repeated.repeat_of)

    async def trace_message(self, kept: FullMessage, loaded: LoadedProfile) -> ValueTrace:
        """Trace each value of a message under a profile, as it would have been when the message came. Nothing is asked
        of the library. Raises NotReplayableError."""
        return await asyncio.to_thread(self._make_tracer(kept, loaded).trace_values)

    async def make_example(self, kept: FullMessage, loaded: LoadedProfile) -> MessageExample:
        """Make an example of a profile from a message. Raises NotReplayableError."""
        return await asyncio.to_thread(make_example, self._make_tracer(kept, loaded))

    async def compare_draft(self, kept: FullMessage, draft: LoadedProfile) -> Mapping[str, tuple[str, str]]:
        """Compare the values of a message after its profile with those after a draft of it: what differs, by path, with
        both. Raises NotReplayableError."""
        _message, profile = self._restore_message(kept, kept.message.at, TransportKind.REPLAY)
        tracer = self._make_tracer(kept, draft)
        before, after = tracer.list_values(profile), tracer.list_values(draft.profile)
        pairs = {path: (before.get(path, ""), after.get(path, "")) for path in {**before, **after}}
        return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}

    def _make_tracer(self, kept: FullMessage, loaded: LoadedProfile) -> ValueTracer:
        """Make what traces a message of the journal. Raises NotReplayableError."""
        arrival = rebuild_arrival(kept, kept.message.at, TransportKind.REPLAY, self.stage.responders)
        message = self.stage.select_library(self.stage.open_message(arrival), loaded.profile)
        context = replace(self.stage.commands.make_library_context(message), clock=FixedClock(kept.message.at))

        def profile_message(incoming: DecodedMessage, profile: Profile) -> Mapping[str, object]:
            if incoming.command is None:
                return {}
            policy = profile.circulation
            sender = translate_agency(message.envelope.from_agency, policy)
            return list_profiled_values(incoming.command, replace(context, policy=policy, sender=sender))

        assert message.exchange is not None, "a profile is chosen"
        return ValueTracer(message.responder, arrival, message.exchange, loaded, profile_message)

    async def _find_first_moment(self, replay: JournalMessage) -> datetime:
        """Find when the message came that it plays again: so it is told from others, whoever carries it out. Raises
        Unavailable."""
        original = await self.journal.list_exchange(replay.library, replay.replay_of)
        return original[0].at if original else replay.at

    async def _handle_again(self, message: MessageContext, profile: Profile) -> ReplayResult:
        clear_contextvars()
        ending = await self.stage.handle(message, profile)
        return ReplayResult(ending.answer, ending.outcome, ending.reason, ending.note)

    def _restore_message(
        self, kept: FullMessage, received: datetime, transport: TransportKind
    ) -> tuple[MessageContext, Profile]:
        message = kept.message
        arrival = rebuild_arrival(kept, received, transport, self.stage.responders)
        profiles = self.stage.profiles()
        profile = profiles.of_library(message.library).find_profile(message.profile)
        if profile is None and profiles.has_address(message.profile):
            raise NotReplayableError(
                write_sentence("its profile '%(name)s' now belongs to another library", name=message.profile)
            )
        if profile is None:
            raise NotReplayableError(write_sentence("its profile '%(name)s' no longer exists", name=message.profile))
        if profile.library and profile.library not in self.stage.libraries:
            raise NotReplayableError("its library is closed, or held back because of an error in its settings")
        restored = replace(self.stage.open_message(arrival), first_received=message.at)
        if needed := restored.responder.describe_concealed(restored.envelope, profile):
            raise NotReplayableError(
                write_sentence(
                    "it needs %(needed)s, which is never stored; ask the sender to send it again",
                    needed=sentence_of_text(needed),
                )
            )
        return restored, profile
