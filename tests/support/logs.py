"""A command sets up the logs of its process, which in most tests is that of the tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

NAMES = ("", "aiohttp", "alembic", "sqlalchemy", "asyncio", "watchfiles")
"""Loggers whose level gateway.runtime.logs sets."""


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
        structlog.reset_defaults()
