"""Links that cite something (OpenURL): the port `LinkFormat`. Pure: it fetches nothing."""

from __future__ import annotations

from dataclasses import field
from typing import Protocol

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import ServiceType


@frozen
class ArrivedLink:
    """As it came: `query` is what stood behind the question mark, undecoded; `form` the body of a POST of
    `content_type`; a link may have both."""

    query: bytes = field(default=b"", repr=False)
    form: bytes = field(default=b"", repr=False)
    content_type: str = ""


@frozen_by_name
class Cited:
    """What a link says. `requester`: who asks, as the link has it, never believed without signing in; `referrer`: where
    it came from (sid, rfr_id). `unknown`: what was not understood or looked wrong, one line each, for the page and the
    journal."""

    citation: Citation
    service: ServiceType
    requester: str = field(default="", repr=False)
    referrer: str = ""
    unknown: tuple[str, ...] = ()


class LinkFormat(Protocol):
    @property
    def name(self) -> str: ...

    def decode(self, link: ArrivedLink) -> Cited:
        """Raises MalformedMessage only where nothing at all can be read, such as XML that isn't any; an empty link is
        an empty citation."""
        ...

    def encode(self, citation: Citation, service: ServiceType) -> str:
        """The same citation as a query string in the format's plain form; decode(encode(x)) means the same."""
        ...
