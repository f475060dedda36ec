"""Which tests `bootstrap.py test-quick` leaves out, by rule; and that the others keep to what is promised of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import lru_cache
from multiprocessing.process import BaseProcess
from typing import Any
from unittest import mock

import pytest

FOLDERS = ("tests/unit/", "tests/protocol/")

MARKS_LEFT_OUT = ("slow", "long", "postgresql")

GATEWAY_FIXTURES = frozenset(
    {
        "fresh_installation",
        "installation",
        "pristine",
        "gateway",
        "north",
        "fjordby",
        "sharing",
        "catalogues",
        "migrations_by_alembic",
    }
)
"""Who asks for one of them has a whole gateway, what `illgate init` makes, or Alembic: half a second for each test."""

LONGEST_FILES = frozenset(
    {
        "tests/browser/test_documentation_site.py",
        "tests/browser/test_every_staff_page.py",
        "tests/interop/test_tutorials.py",
        "tests/protocol/staff/test_valid_html.py",
        "tests/protocol/staff_acts/test_acts_say_what_happened.py",
        "tests/unit/store/test_statements.py",
    }
)
"""With tests of a minute each. They begin first: at the end one worker would be left with them."""

SLOW_FILES = (
    # What is wrong with whole installations: `illgate check`, and what it says of all profiles that are shipped.
    "tests/*/test_check.py",
    "tests/unit/services/test_check_articles.py",
    "tests/unit/services/letters/test_cli.py",
    "tests/unit/profiles/test_shipped.py",
    "tests/protocol/*/test_profiles.py",
    "tests/protocol/profiles/test_guide.py",
    "tests/protocol/profiles/test_koha.py",
    # Gateways that are made in another way than by the fixtures.
    "tests/protocol/ncip/test_extensions.py",
    "tests/unit/runtime/test_compose.py",
    "tests/unit/services/attachments/test_arriving.py",
    "tests/unit/services/exchange/test_metric_labels.py",
    "tests/unit/services/exchange/test_rep*.py",
    "tests/unit/services/requests/test_items_between_requests.py",
    # The same fault at each call of a library system, and all calls that one makes.
    "tests/unit/adapters/*/test_lost_replies.py",
    "tests/unit/adapters/*/test_calls.py",
    # Libraries with all sample data, made anew.
    "tests/unit/adapters/embedded/test_sample.py",
    # Messages made from schemas and at random, in all versions.
    "tests/protocol/iso18626/test_roundtrip.py",
    "tests/protocol/iso_ill/test_roundtrip.py",
    "tests/protocol/iso_ill/test_module.py",
    "tests/protocol/iso_ill/test_independent.py",
    "tests/protocol/*/test_fuzz.py",
    "tests/unit/domain/requests/test_joined.py",
    # All of the code, all texts or all letters are read.
    "tests/unit/docs/test_architecture.py",
    "tests/unit/runtime/test_dependencies.py",
    "tests/unit/services/fulfilment/test_texts.py",
    "tests/unit/services/letters/test_as_before.py",
    "tests/unit/translations/test_catalogues.py",
    # Programs of their own.
    "tests/unit/adapters/library/test_fake_command.py",
    "tests/unit/cli/test_start.py",
    "tests/unit/runtime/test_serve.py",
    "tests/unit/runtime/test_without_extras.py",
)
"""By their paths. A single slow test is marked where it stands."""


def mark_slow_tests(items: Iterable[pytest.Item]) -> None:
    for item in items:
        if is_slow_by_rule(item):
            item.add_marker(pytest.mark.slow)


def is_slow_by_rule(item: pytest.Item) -> bool:
    """With a gateway, with a hundred inputs made at random, or in a file of slow ones."""
    fixtures = getattr(item, "fixturenames", ())
    if not GATEWAY_FIXTURES.isdisjoint(fixtures) or is_slow_file(item.nodeid.partition("::")[0]):
        return True
    # In the domain they take a moment, and find mutations that nothing else finds.
    return _is_random(item) and not item.nodeid.startswith("tests/unit/domain/")


@lru_cache
def is_slow_file(path: str) -> bool:
    return any(fnmatch(path, pattern) for pattern in SLOW_FILES)


def is_quick(item: pytest.Item) -> bool:
    return item.nodeid.startswith(FOLDERS) and not any(item.get_closest_marker(mark) for mark in MARKS_LEFT_OUT)


@contextmanager
def refuse_programs() -> Iterator[None]:
    """Whoever starts a process meanwhile fails."""

    def refuse_program(process: object, arguments: Any = "", *_more: Any, **_named: Any) -> None:
        pytest.fail(f"a test that starts another program must be marked slow: {arguments or process}")

    with (
        mock.patch.object(subprocess.Popen, "__init__", refuse_program),
        mock.patch.object(BaseProcess, "start", refuse_program),
    ):
        yield


def _is_random(item: pytest.Item) -> bool:
    """By Hypothesis; its state machines are methods of a `unittest.TestCase`."""
    function = getattr(item, "function", None)
    return bool(getattr(function, "is_hypothesis_test", False))
