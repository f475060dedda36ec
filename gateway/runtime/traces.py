"""Traces for OpenTelemetry: spans of requests, messages, library calls and outbox attempts, sent to a collector.

Where they are on, methods are replaced on the objects at work, so that the gateway has no trace of them where they are
off, and loads no module of theirs. A span has words of ours alone: names of partners and libraries from the settings,
never a value of a message. Each trace begins here: a sender's `traceparent` is not read.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from gateway.domain.problems import ConfigurationError, Refused
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import LibraryTransaction, SharesStore
from gateway.runtime.logs import CURRENT_SPAN, find_open_span
from gateway.services.exchange import ExchangeRecord, MessageExchange
from gateway.services.outbox import AttemptOutcome, Handler, HandlerResult
from gateway.services.outbox.attempts import AttemptRunner, outcome_of_error
from gateway.services.requests.effects import PARTNER
from gateway.services.requests.library_context import LibraryContext
from gateway.settings import Settings
from gateway.store.journal import Journal
from gateway.store.requests.outbox import OutboxRow
from gateway.web.app import Handler as PageHandler
from gateway.web.trusted_proxies import is_open_path

if TYPE_CHECKING:
    from opentelemetry.trace import Span

P = ParamSpec("P")
R = TypeVar("R")

EXPORT_SECONDS = 5.0
"""Longest time for one batch of spans, with its repetitions."""

LIBRARY_CALLS = tuple(
    name
    for name, member in vars(LibrarySystem).items()
    if inspect.iscoroutinefunction(member) and name not in ("change", "carry_out", "ping", "info")
)
"""The methods that services call: each change has one of its own, and `ping` comes again and again."""


def replace_method(owner: object, name: str, method: Callable[..., Any]) -> None:
    """Replace a method of this one object."""
    setattr(owner, name, method)


class Tracing:
    def __init__(self, settings: Settings, secrets: Callable[[str], str], node: str) -> None:
        """`secrets` resolves env:NAME or file:PATH. Raises ConfigurationError, also where the extra is missing."""
        if missing := settings.traces.describe_missing_extra():
            raise ConfigurationError([settings.make_problem(("traces", "endpoint"), missing)])
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider, export

        traces = settings.traces
        headers = {name: secrets(reference) for name, reference in traces.headers.items()}
        self._exporter = OTLPSpanExporter(traces.endpoint, headers=headers, timeout=EXPORT_SECONDS)
        self._processor = export.BatchSpanProcessor(self._exporter)
        gateway = {"service.name": "illgate", "service.version": version("illgate"), "service.instance.id": node}
        provider = TracerProvider(resource=Resource.create(gateway), shutdown_on_exit=False)
        provider.add_span_processor(self._processor)
        self._tracer = provider.get_tracer("illgate")
        self._trace = trace

    async def close(self, seconds: float) -> None:
        """Send the spans that wait, for at most so long and the end of one batch."""
        sending = asyncio.create_task(asyncio.to_thread(self._processor.shutdown))
        await asyncio.wait([sending], timeout=seconds)
        if not sending.done():
            self._exporter.shutdown()  # type: ignore[no-untyped-call]
        await sending

    @contextmanager
    def record_span(self, name: str, kind: str, facts: Mapping[str, str]) -> Iterator[Span]:
        """Record what is done within; `kind`: INTERNAL, SERVER or CLIENT. An exception is not recorded: its text may
        name a patron."""
        parent = find_open_span()
        context = self._trace.set_span_in_context(parent) if parent is not None else None
        span = self._tracer.start_span(name, context, self._trace.SpanKind[kind], facts)
        token = CURRENT_SPAN.set(span)
        try:
            yield span
        finally:
            CURRENT_SPAN.reset(token)
            span.end()

    def mark_failed(self, span: Span) -> None:
        span.set_status(self._trace.StatusCode.ERROR)

    def trace_call(
        self, name: str, kind: str, facts: Mapping[str, str], call: Callable[P, Awaitable[R]]
    ) -> Callable[P, Awaitable[R]]:
        """Return the same call within a span that has its outcome: done, unless it raises or says another itself."""
        facts = {**facts, "illgate.outcome": AttemptOutcome.DONE.value}

        async def call_in_span(*args: P.args, **kwargs: P.kwargs) -> R:
            with self.record_span(name, kind, facts) as span:
                try:
                    return await call(*args, **kwargs)
                except BaseException as error:
                    outcome = outcome_of_error(error) if isinstance(error, Exception) else AttemptOutcome.UNKNOWN
                    span.set_attribute("illgate.outcome", outcome.value)
                    if not isinstance(error, Refused):
                        self.mark_failed(span)
                    raise

        return call_in_span

    # --- requests of pages and programs ------------------------------------------------------------------

    def make_middleware(self) -> Middleware:
        """Make the middleware for spans of requests; those that ask how the gateway is have none."""

        @web.middleware
        async def trace_request(request: web.Request, handler: PageHandler) -> web.StreamResponse:
            resource = request.match_info.route.resource
            if resource is None or is_open_path(request.path):
                return await handler(request)
            method = request.method if request.method in hdrs.METH_ALL else "_OTHER"
            facts = {"http.request.method": method, "http.route": resource.canonical}
            with self.record_span(f"{method} {resource.canonical}", "SERVER", facts) as span:
                status = 500
                try:
                    response = await handler(request)
                    status = response.status
                    return response
                except web.HTTPException as answer:
                    status = answer.status
                    raise
                finally:
                    span.set_attribute("http.response.status_code", status)
                    if status >= 500:
                        self.mark_failed(span)

        return trace_request

    # --- messages ----------------------------------------------------------------------------------------

    def trace_exchange(self, exchange: MessageExchange, journal: Journal) -> None:
        """Trace messages; `describe_message` says of each what it was. What the store does for one in another thread
        belongs to its span."""
        record = journal.record_in_transaction

        async def record_with_span(work: Callable[[Any], Any]) -> Any:
            span = CURRENT_SPAN.get()

            def work_with_span(connection: Any) -> Any:
                token = CURRENT_SPAN.set(span)
                try:
                    return work(connection)
                finally:
                    CURRENT_SPAN.reset(token)

            return await record(work_with_span)

        replace_method(journal, "record_in_transaction", record_with_span)
        replace_method(exchange, "handle", self.trace_call("message", "INTERNAL", {}, exchange.handle))

    def describe_message(self, done: ExchangeRecord) -> None:
        """Describe the message whose span is open."""
        if (span := find_open_span()) is None:
            return
        span.update_name(f"message {done.protocol} {done.service}".rstrip())
        facts = {"protocol": done.protocol, "service": done.service, "partner": done.profile, "outcome": done.outcome}
        span.set_attributes({f"illgate.{name}": str(value) for name, value in facts.items()})
        if done.outcome is OutcomeClass.FAILED:
            self.mark_failed(span)

    # --- library systems and the outbox ------------------------------------------------------------------

    def trace_system(self, system: LibrarySystem, kind: str, library: str) -> LibrarySystem:
        """Trace the calls of a library's system, of a `kind` such as koha; returns the system."""
        facts = {"illgate.system": kind, "illgate.library": library}
        for name in LIBRARY_CALLS:
            call, named = getattr(system, name), {**facts, "illgate.operation": name}
            replace_method(system, name, self.trace_call(f"library {name}", "CLIENT", named, call))
        if isinstance(system, SharesStore):
            join = system.in_transaction

            def join_traced(transaction: LibraryTransaction) -> LibrarySystem:
                return self.trace_system(join(transaction), kind, library)

            replace_method(system, "in_transaction", join_traced)
        return system

    def trace_attempts(self, attempts: AttemptRunner, contexts: Mapping[str, LibraryContext]) -> None:
        """Trace attempts of the outbox. `contexts`: those of the libraries, by symbol."""
        call_handler = attempts.call_handler

        async def call_traced(row: OutboxRow, handler: Handler) -> HandlerResult | Exception:
            facts = {"illgate.kind": row.kind, "illgate.library": row.library}
            if row.kind == PARTNER and (context := contexts.get(row.library)) is not None:
                partner = context.partner(row.target)
                facts |= {"illgate.partner": row.target, "illgate.protocol": partner.channel if partner else ""}
            return await call_handler(row, self.trace_call(f"outbox {row.kind}", "INTERNAL", facts, handler))

        replace_method(attempts, "call_handler", call_traced)
