"""Where a secret is: a profile never holds the secret itself."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")


def _reference(text: str) -> str:
    if text and not _REFERENCE.fullmatch(text):
        raise ValueError("must be env:NAME or file:PATH; the secret itself never stands here")
    return text


SecretRef = Annotated[str, AfterValidator(_reference)]
"""`env:NAME`, `file:PATH`, or empty for none."""
