"""Places to which a message is sent in a request of its own, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from gateway.domain.value import value_object
from gateway.ports.tls import ClientTls


@value_object
class SendTimeouts:
    """Seconds: until connected, between two pieces of the answer, and for everything."""

    connect: float = 10.0
    read: float = 60.0
    total: float = 90.0


@value_object
class HttpPlace:
    """`headers`: of each message, besides those of its protocol."""

    url: str
    tls: ClientTls = ClientTls()
    timeouts: SendTimeouts = SendTimeouts()
    headers: Mapping[str, str] = field(default_factory=dict)


@value_object
class TcpPlace:
    """`tls` None: plain TCP."""

    host: str
    port: int
    tls: ClientTls | None = None
    timeouts: SendTimeouts = SendTimeouts()


Place = HttpPlace | TcpPlace


@value_object
class TransportReply:
    """The reply that came back. `status` is 0 where the transport has none."""

    raw: bytes = field(repr=False)
    content_type: str = ""
    status: int = 0
    seconds: float = 0.0
