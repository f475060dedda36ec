"""Secrets by reference: a shared file says where a secret is (`env:NAME`, `file:PATH`), never the secret itself."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from gateway.configuration.problems import ConfigurationError, Problem
from gateway.configuration.validation import SECRET_ERROR

REQUIREMENT = "must be env:NAME or file:PATH; the secret itself never stands here"
MAX_BYTES = 65_536

_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")


def is_reference(text: str) -> bool:
    return _REFERENCE.fullmatch(text) is not None


def _reference(text: str) -> str:
    if text and not is_reference(text):
        raise PydanticCustomError(SECRET_ERROR, REQUIREMENT)
    return text


SecretRef = Annotated[str, AfterValidator(_reference)]
"""`env:NAME`, `file:PATH`, or empty for none. Safe to show: it only says where the secret is."""


def resolve(reference: str, folder: Path | None = None) -> str:
    """The secret; a file's ends of lines at its end are not part of it. Relative paths start at `folder`, or else
    at the current folder. Raises ConfigurationError, which never holds the secret, when it isn't there or is empty.
    """
    kind, _, name = reference.partition(":")
    if not is_reference(reference):
        raise ConfigurationError([Problem("", 0, (), f"a secret {REQUIREMENT}")])
    secret = os.environ.get(name, "") if kind == "env" else _read(reference, (folder or Path()) / name)
    if not secret:
        what = "the environment has no such variable, or it is empty" if kind == "env" else "the file is empty"
        raise ConfigurationError([Problem("", 0, (), f"no secret at {reference}: {what}")])
    return secret


def _read(reference: str, file: Path) -> str:
    try:
        with file.open("rb") as stream:
            body = stream.read(MAX_BYTES + 1)
        text = body.decode()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError([Problem("", 0, (), f"no secret at {reference}: {reason}")]) from error
    except UnicodeDecodeError:
        raise ConfigurationError([Problem("", 0, (), f"no secret at {reference}: not UTF-8 text")]) from None
    if len(body) > MAX_BYTES:
        raise ConfigurationError([Problem("", 0, (), f"no secret at {reference}: larger than {MAX_BYTES:,} bytes")])
    return text.rstrip("\r\n")
