"""Secrets by reference: a shared file says where a secret is (`env:NAME`, `file:PATH`), never the secret itself; and
what stands in its place in all that is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Annotated
from urllib.parse import parse_qsl

from pydantic import AfterValidator, BeforeValidator
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


class ResourceKind(Enum):
    """Marks a key whose value names what belongs to a library: in profiles it is refused elsewhere."""

    SECRET = "secret"
    FILE = "file"


SecretReference = Annotated[str, AfterValidator(_check_secret_reference), ResourceKind.SECRET]
"""`env:NAME`, `file:PATH`, or empty for none. Safe to show: it only says where the secret is."""


PASSWORD_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s/?#@:]*:[^\s/?#@]+@[^\s/?#]")
"""Wherever it is in a text. A scheme has a bound, or each letter of a long word would be gone through from each."""

_USER_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@]*@")

_SECRET_WORDS = frozenset(
    {"key", "apikey", "wskey", "token", "secret", "password", "passwd", "pwd", "pass", "pin", "auth", "signature"}
)
_SECRET_ENDS = ("apikey", "token", "secret", "password", "passwd")
"""Of words written together, such as `sslpassword`."""

_SECRET_HEADERS = frozenset({"authorization", "proxy_authorization", "cookie"})


def is_secret_name(name: str) -> bool:
    """Return whether a name of a header or a parameter of a URL is that of a secret."""
    plain = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()).strip("_")
    return plain.rpartition("_")[2] in _SECRET_WORDS or plain.endswith(_SECRET_ENDS) or plain in _SECRET_HEADERS


def _refuse_secret_in_url(value: object) -> object:
    if not isinstance(value, str):
        return value
    if _USER_IN_URL.match(value):
        raise PydanticCustomError(SECRET_ERROR, "a URL without user and password: they have settings of their own")
    if any(text and is_secret_name(name) for name, text in parse_qsl(value.partition("?")[2].partition("#")[0])):
        raise PydanticCustomError(SECRET_ERROR, "a URL without key, token or password: they have settings of their own")
    return value


UrlWithoutSecret = Annotated[str, BeforeValidator(_refuse_secret_in_url)]
"""Safe to show, in logs and error texts too. What holds a secret by mistake is refused without being shown."""


def refuse_secret_names(values: Mapping[str, str]) -> Mapping[str, str]:
    """Refuse secrets in headers or parameters of HTTP, whose values are shown. Raises PydanticCustomError, which
    doesn't show them."""
    if any(value and is_secret_name(name) for name, value in values.items()):
        raise PydanticCustomError(SECRET_ERROR, "values without secrets: a key or password has settings of its own")
    return values


FileName = Annotated[str, ResourceKind.FILE]
"""A file or folder of this machine, relative to gateway.yml; empty for none."""
