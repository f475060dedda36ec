"""A command sets up the logs of its process, which in most tests is that of the tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

NAMES = ("", "aiohttp", "alembic", "sqlalchemy", "asyncio", "watchfiles")
"""Loggers whose level gateway.runtime.logs sets."""


def log_plainly() -> None:
    """As structlog does where nothing is set up, but with Python's own tracebacks: rich, which comes with a tool,
    takes up to three seconds of a processor for one, since it shows all values of each frame."""
    structlog.reset_defaults()
    processors = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*processors[:-1], plain])


@contextmanager
def logs_as_before() -> Iterator[None]:
    handlers = logging.getLogger().handlers[:]
    levels = {name: logging.getLogger(name).level for name in NAMES}
    try:
        yield
    finally:
        logging.getLogger().handlers[:] = handlers
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        logging.captureWarnings(False)
        log_plainly()
