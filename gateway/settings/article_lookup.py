"""Section `article_lookup` of gateway.yml: which public services are asked about articles, and as whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.secret_reference import SECRET_ERROR, SecretReference


def _check_web_address(text: str) -> str:
    """One that may hold a password by mistake is not shown."""
    if "@" in text:
        raise PydanticCustomError(SECRET_ERROR, "an address without user and password; a key belongs into `keys`")
    if re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text) is None:
        raise ValueError("not an address such as https://api.crossref.org")
    return text


WebAddress = Annotated[str, AfterValidator(_check_web_address)]


class ArticleLookupSettings(ProfileSection):
    """Without `sources` nobody outside is asked."""

    sources: tuple[str, ...] = Field(
        (), description="services that are asked: crossref, pubmed, unpaywall; of two that know it the first counts"
    )
    email: Annotated[str, Field(pattern=r"^([^@\s<>]+@[^@\s<>]+)?$")] = Field(
        "", description="whom a service may write to about our questions; empty: the first library's address"
    )
    urls: Mapping[str, WebAddress] = Field(
        default_factory=dict, description="service -> where it is reached, if not at its own place"
    )
    keys: Mapping[str, SecretReference] = Field(
        default_factory=dict, description="service -> key that it has given you, as env:NAME or file:PATH"
    )
    seconds: float = Field(8, gt=0, le=60, description="longest wait for an answer; readers wait as long")
    cache_hours: float = Field(24, gt=0, le=720, description="so long an answer counts, in each process")
