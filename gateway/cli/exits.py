"""What went wrong, as exit code and message (see gateway.cli)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from gateway.adapters import AdapterError
from gateway.configuration.problems import ConfigurationError
from gateway.domain.problems import MalformedMessage, OutcomeUnknown, Refused, Unavailable
from gateway.store.migrate import SchemaTooNew

REFUSED = 1
USAGE = 2
CONFIGURATION = 3
UNREACHABLE = 4
UNKNOWN = 5

_CODES: tuple[tuple[type[Exception], int], ...] = (
    (Refused, REFUSED),
    (ConfigurationError, CONFIGURATION),
    (AdapterError, CONFIGURATION),
    (SchemaTooNew, CONFIGURATION),
    (MalformedMessage, UNREACHABLE),  # a partner's answer that makes no sense
    (Unavailable, UNREACHABLE),
    (OSError, UNREACHABLE),
    (OutcomeUnknown, UNKNOWN),
)


@contextmanager
def as_exit_codes(context: click.Context) -> Iterator[None]:
    """Expected errors become a message and an exit code; a defect stays a traceback."""
    try:
        yield
    except BrokenPipeError:
        raise  # whoever read the output has had enough (`| head`): click ends quietly
    except tuple(kind for kind, _ in _CODES) as error:
        click.echo(str(error), err=True)
        context.exit(next(code for kind, code in _CODES if isinstance(error, kind)))
