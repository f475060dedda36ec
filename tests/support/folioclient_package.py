"""folioclient, a client that libraries use with FOLIO."""

from __future__ import annotations

import os
from typing import Any

import pytest


def require_folioclient() -> Any:
    """The package. Where CI is set, it is a failure that it isn't installed."""
    try:
        import folioclient
        import folioclient.exceptions
    except ImportError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"folioclient is not installed: {error}", allow_module_level=True)
    return folioclient
