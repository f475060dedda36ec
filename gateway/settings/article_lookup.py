"""Section `article_lookup` of gateway.yml: which public services are asked about articles, and as whom."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.problems import KeyPath
from gateway.domain.secret_reference import SECRET_ERROR, SecretReference

UNKNOWN_SERVICE = "no such service"


def check_web_address(text: str) -> str:
    """One that may hold a password by mistake is not shown."""
    if "@" in text:
        raise PydanticCustomError(SECRET_ERROR, "an address without user and password; a key belongs into `keys`")
    if re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text) is None:
        raise ValueError("not an address such as https://api.crossref.org")
    return text


WebAddress = Annotated[str, AfterValidator(check_web_address)]


class ArticleLookupSettings(ProfileSection):
    """Without `sources` nobody outside is asked."""

    sources: tuple[str, ...] = Field(
        (), description="services: crossref, pubmed, unpaywall; the first with a result is used"
    )
    email: Annotated[str, Field(pattern=r"^([^@\s<>]+@[^@\s<>]+)?$")] = Field(
        "", description="contact address for the services; empty: the address of the first library"
    )
    urls: Mapping[str, WebAddress] = Field(default_factory=dict, description="service -> address, if not the usual one")
    keys: Mapping[str, SecretReference] = Field(
        default_factory=dict, description="service -> your key, as env:NAME or file:PATH"
    )
    seconds: float = Field(8, gt=0, le=60, description="maximum time for an answer, during which patrons wait")
    cache_hours: float = Field(24, gt=0, le=720, description="hours for which an answer is cached, in each process")


def find_service_mistakes(wanted: ArticleLookupSettings, known: Collection[str]) -> Iterator[tuple[KeyPath, str, str]]:
    """Services that are named and that no adapter knows, or twice: place within the section, name, what is wrong."""
    named: list[tuple[KeyPath, str]] = [
        *((("sources", index), name) for index, name in enumerate(wanted.sources)),
        *((("urls", name), name) for name in wanted.urls),
        *((("keys", name), name) for name in wanted.keys),
    ]
    for path, name in named:
        if name not in known:
            yield path, name, UNKNOWN_SERVICE
    for index, name in enumerate(wanted.sources):
        if name in wanted.sources[:index]:
            yield ("sources", index), name, "stands twice"
