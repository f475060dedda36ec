"""Programs that a machine may lack."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")


class NotInstalled(Exception):
    """The message says what is missing."""


def start_or_skip(make: Callable[[], T]) -> T:
    """What `make` starts. Where CI is set, a missing program is a failure."""
    try:
        return make()
    except NotInstalled as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))
