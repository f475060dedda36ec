"""Secrets by reference: a shared file says where a secret is (`env:NAME`, `file:PATH`), never the secret itself; and
what stands in its place in all that is kept."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

REQUIREMENT = "must be env:NAME or file:PATH; the secret itself never stands here"

SECRET_ERROR = "secret_reference"
"""Type of the pydantic error of a value that may be a secret; it is never shown."""

CONCEALED = "********"
"""Where a PIN, a password or another secret was. Always as long, so that it tells nothing of what it stands for; binary
formats, whose lengths must stay right, fill the place of a secret with its first character."""

_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")


def is_secret_reference(text: str) -> bool:
    return _REFERENCE.fullmatch(text) is not None


def _check_secret_reference(text: str) -> str:
    if text and not is_secret_reference(text):
        raise PydanticCustomError(SECRET_ERROR, REQUIREMENT)
    return text


SecretReference = Annotated[str, AfterValidator(_check_secret_reference)]
"""`env:NAME`, `file:PATH`, or empty for none. Safe to show: it only says where the secret is."""
