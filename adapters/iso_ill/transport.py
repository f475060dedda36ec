"""How a partner is reached, and who confirms what: parts of the section `iso_ill` of a profile.

Evidence: facts/iso-ill-10161.md sections 10 and 13. Peers differ in whether they answer on the connection on which they
were spoken to (yaz, OCLC) or open one of their own (IPIG), and in whether they report at all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from adapters.iso_ill.messages.codes import ApduType
from gateway.domain.policy import Section
from gateway.domain.secret_ref import SecretRef
from gateway.ports.protocol import CallBack
from gateway.ports.tls import Tls

Reported = Literal["none", "requests", "all"]
"""Of which APDUs the receiver says that it has them, by a Status-Or-Error-Report: none, ILL-Requests, all."""


def is_reported(apdu: ApduType, which: Reported) -> bool:
    """Reports themselves never are: there would be no end to it."""
    if which == "none" or apdu is ApduType.STATUS_OR_ERROR_REPORT:
        return False
    return which == "all" or apdu is ApduType.ILL_REQUEST


def _place(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if text and not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError(f"not host:port, such as ill.library.example:499: {text}")
    return text


HostPort = Annotated[str, AfterValidator(_place)]


class TlsOut(Section):
    """Connections that we open are encrypted; the partner's certificate is always checked."""

    use: bool = False
    ca: str = Field("", description="PEM file of trusted authorities, relative to gateway.yml; empty: the system's")
    certificate: str = Field("", description="PEM file with our own certificate and key, where the partner wants one")

    def of(self) -> Tls | None:
        """Files as they are written: relative to gateway.yml."""
        if not self.use:
            return None
        return Tls(Path(self.ca) if self.ca else None, Path(self.certificate) if self.certificate else None)


class Credentials(Section):
    """Authorization number and password, in an extension of what we send by TCP (OCLC)."""

    user: str = ""
    password: SecretRef = Field("", description="env:NAME or file:PATH")

    @model_validator(mode="after")
    def _both(self) -> Self:
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password go together")
        return self


class Transport(Section):
    by: Literal["tcp", "mail"] = "tcp"
    mode: Literal["same-connection", "call-back"] = Field(
        "call-back",
        description="same-connection: one connection for what both sides say, whoever opened it (yaz, OCLC); "
        "call-back: each APDU on a connection that its sender opens for it (IPIG, Relais)",
    )
    address: HostPort = Field(
        "", description="host:port where the partner listens; empty: it is told only what a connection of its own takes"
    )
    follow_sender_info: bool = Field(
        False, description="a request that names its sender's address in APDU-Delivery-Info is answered there"
    )
    reports: Literal["same-connection", "call-back"] = Field(
        "same-connection", description="where we report what is wrong with an APDU that came on a connection"
    )
    tls: TlsOut = TlsOut()
    connect_seconds: float = Field(10.0, gt=0, le=60)
    reply_seconds: float = Field(
        30.0, gt=0, le=50, description="how long a report may take, or else the closing of a call-back connection"
    )
    idle_seconds: float = Field(300.0, gt=0, le=86_400, description="then a silent connection is closed")
    message_seconds: float = Field(60.0, gt=0, le=3_600, description="from an APDU's first octet to its last")

    def call_back(self, profile: str) -> CallBack:
        return CallBack(self.address, profile, self.tls.of(), self.connect_seconds, self.reply_seconds)
