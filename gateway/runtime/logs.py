"""Log set-up without personal data, the thinning of repeated lines, and the rate-limited logger.

Set up once a process, by the command. What keeps patrons out of it:
- values under keys that name a person or a secret are replaced, at any depth;
- tracebacks show where, never the values there; the text of an exception only where its type is known to hold
  none (`SAFE`): a database's "duplicate key (barcode)=(2100…)" or a KeyError would tell who somebody is.

What keeps a stranger from filling the disk with lines: those of one event and one address are thinned (`LogThinner`).
"""

from __future__ import annotations

import logging
import re
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from gateway.adapter_registry import AdapterError
from gateway.domain.network_addresses import address_block
from gateway.domain.problems import ConfigurationError, OutcomeUnknown, Refused, Unavailable
from gateway.domain.rate_limits import EventRateLimiter, RateLimit
from gateway.store.engine import SqliteTooOld
from gateway.store.migration import SchemaTooNew, SchemaTooOld

if TYPE_CHECKING:
    from opentelemetry.trace import Span

CURRENT_SPAN: ContextVar[Span | None] = ContextVar("current_span", default=None)
"""The span of `gateway.runtime.traces` that this is done in; None where traces are off."""

HIDDEN = "[hidden]"

_PERSONAL = re.compile(
    r"(?:^|_)(?:patron|user|borrower|requester|name|surname|given|barcode|secret|password|passwd|pin|authorization|"
    r"credentials?|token|apikey|email|phone|address|birth|body|raw)(?:$|_|s$)",
    re.IGNORECASE,
)

SAFE: tuple[type[BaseException], ...] = (
    Refused,
    Unavailable,
    OutcomeUnknown,
    ConfigurationError,
    AdapterError,
    SchemaTooNew,
    SchemaTooOld,
    SqliteTooOld,
    AttributeError,
    ImportError,
    NameError,
    TypeError,
    OSError,  # includes time-outs and TLS
    MemoryError,
    RecursionError,
    NotImplementedError,
)
"""Exceptions whose text never holds a value from a message or a record."""

SECONDS = 10.0

LINES_OF_ADDRESS = RateLimit(burst=20, seconds=30.0)
"""Lines of one event about one address."""

LINES_OF_EVENT = RateLimit(burst=100, seconds=5.0)
"""Lines of one event, whatever address they are about."""

MAX_EVENTS = 500
"""Events are counted for so many kinds; texts of libraries may be made of anything."""


def find_open_span() -> Span | None:
    """Find the span that is recorded now: one that has ended may still be seen by a task that outlives it."""
    span = CURRENT_SPAN.get()
    return span if span is not None and span.is_recording() else None


def add_trace_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: the trace that the line belongs to."""
    if (span := find_open_span()) is not None:
        event["trace_id"] = format(span.get_span_context().trace_id, "032x")
    return event


def hide_personal_data(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: replaces what stands under a key of `_PERSONAL`, at any depth."""
    for key, value in event.items():
        if _PERSONAL.search(key):
            event[key] = HIDDEN
        elif isinstance(value, Mapping | list | tuple | set | frozenset):
            event[key] = _remove_personal_data(value)
    return event


def _remove_personal_data(value: object) -> object:
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if isinstance(key, str) and _PERSONAL.search(key) else _remove_personal_data(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_remove_personal_data(inner) for inner in value]
    return value


def show_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: `exc_info` becomes `exception`, a traceback without values."""
    exception = _find_exception(event.pop("exc_info", None))
    if exception is not None:
        event["exception"] = describe_exception(exception)
    event.pop("stack_info", None)
    return event


def _find_exception(info: object) -> BaseException | None:
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple) and len(info) == 3:
        return info[1] if isinstance(info[1], BaseException) else None
    return sys.exc_info()[1] if info else None


def describe_exception(error: BaseException) -> str:
    """The traceback with its causes, oldest first; texts of exceptions only where they are `SAFE`."""
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines[:0] = [*_format_traceback(current), *(["", "which led to:", ""] if lines else [])]
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n".join(lines)


def _format_traceback(error: BaseException) -> list[str]:
    lines = []
    for frame in traceback.extract_tb(error.__traceback__):
        lines.append(f"  {frame.filename}:{frame.lineno} in {frame.name}")
    lines.append(_format_exception_text(error))
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            lines += [f"  | {line}" for line in _format_traceback(inner)]
    return lines


def _format_exception_text(error: BaseException) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    if isinstance(error, SAFE):
        return f"{name}: {error}"
    facts = [
        f"{attribute}={value}"
        for attribute in ("sqlstate", "sqlite_errorname", "constraint_name", "table_name")
        if (value := getattr(getattr(error, "orig", error), attribute, None))
    ]
    return f"{name} ({', '.join(facts)})" if facts else name


class LogThinner:
    """Leaves lines out where one event comes again and again; the next one says how many (`left_out`).

    What is said at level debug is wanted whole. Every line passes here, so that no caller has to think of it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._limiters: dict[str, EventRateLimiter] = {}

    def thin_event(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """A structlog processor. Raises DropEvent."""
        if event.get("level") == "debug":
            return event
        left_out = self._admit_line(str(event.get("event", "")), address_block(str(event.get("peer", ""))))
        if left_out is None:
            raise structlog.DropEvent
        if left_out:
            event["left_out"] = left_out
        return event

    def filter(self, record: logging.LogRecord) -> bool:
        """The same for lines of the standard library's loggers; structlog's have passed `thin_event` already."""
        if isinstance(record.msg, Mapping) or record.levelno <= logging.DEBUG:
            return True
        left_out = self._admit_line(f"{record.name} {record.msg}"[:200], "")
        if left_out:
            record.left_out = left_out  # joins the line as a fact of it
        return left_out is not None

    def _admit_line(self, kind: str, peer: str) -> int | None:
        """Return how many lines were left out before this one; None: this is one of them."""
        limiter = self._limiters.get(kind)
        if limiter is None:
            if len(self._limiters) >= MAX_EVENTS:
                self._limiters.pop(next(iter(self._limiters)))
            limiter = self._limiters[kind] = EventRateLimiter(LINES_OF_ADDRESS, LINES_OF_EVENT)
        return limiter.take_left_out() if limiter.admit_event(peer, self._clock()) else None


def _make_shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        add_trace_id,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        show_exception,
        hide_personal_data,
    ]


def set_up_logging(form: str = "console", level: str = "info", stream: TextIO | None = None) -> None:
    """`form` is 'console' or 'json'; `level` debug, info, warning or error. Goes to standard error by default.

    The standard library's loggers (aiohttp, alembic, SQLAlchemy, asyncio) and warnings join the same stream; what
    is chatty there speaks from WARNING on. Repeated lines are thinned (`LogThinner`).
    """
    out = stream if stream is not None else sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    renderer = _make_renderer(form, out)
    thinner = LogThinner()
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            thinner.thin_event,
            *_make_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.addFilter(thinner)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_make_shared_processors(), structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, hide_personal_data, renderer],
            keep_exc_info=False,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for chatty in ("aiohttp", "alembic", "sqlalchemy", "asyncio", "watchfiles"):
        logging.getLogger(chatty).setLevel(max(number, logging.WARNING))
    logging.captureWarnings(True)


def _make_renderer(form: str, out: TextIO) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=_describe_unknown_type)
    if form == "console":
        return structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)
    raise ValueError(f"logs are written as 'console' or 'json', not {form!r}")


def _describe_unknown_type(value: Any) -> str:
    """An object of a type that JSON doesn't know: its type, since its text might say anything."""
    return f"<{type(value).__qualname__}>"


class RateLimitedLogger:
    """A logger of at most one line in `SECONDS`; `more` says how many were left out before it."""

    def __init__(self, log: FilteringBoundLogger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._next = clock()
        self._left_out = 0

    def warning(self, event: str, **facts: object) -> None:
        if self._is_due(facts):
            self._log.warning(event, **facts)

    def error(self, event: str, **facts: object) -> None:
        if self._is_due(facts):
            self._log.error(event, **facts)

    def _is_due(self, facts: dict[str, object]) -> bool:
        """Adds how many were left out to the facts of one that is written."""
        now = self._clock()
        if now < self._next:
            self._left_out += 1
            return False
        if self._left_out:
            facts["more"] = self._left_out
        self._next, self._left_out = now + SECONDS, 0
        return True


class DefectLog:
    """Exceptions that nobody expects: each is counted; of each event and type one in `SECONDS` is an error in the log,
    with its traceback."""

    def __init__(self, count: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        """`count` gets the event."""
        self._count = count
        self._clock = clock
        self._loggers: dict[tuple[str, type[Exception]], RateLimitedLogger] = {}

    def report_defect(self, event: str, error: Exception) -> None:
        """A `gateway.services.exchange.handlers.DefectReporter`."""
        self._count(event)
        key = (event, type(error))
        logger = self._loggers.get(key)
        if logger is None:
            logger = self._loggers[key] = RateLimitedLogger(structlog.get_logger(component="exchange"), self._clock)
        logger.error(event, exc_info=error)
