"""NCIP over a raw TCP connection (BIB, Voyager, Relais tcp/ip)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.domain.policy import Section


class TcpDialect(Section):
    address: str = Field("", description="host:port of the partner, for messages that we send")
    end: Literal["tag", "newline", "close"] = Field(
        "tag", description="what ends a message: its closing tag, a line end, or the end of the connection"
    )
    keep_open: bool = Field(True, description="wait for further messages on the same connection; BIB closes")
    answer_end: Literal["crlf", "lf", "none"] = Field(
        "crlf", description="after the answer; the Voyager client reads lines and stops at the first silence"
    )
    idle_seconds: float = Field(60, gt=0, le=86_400, description="a connection without a message is closed after this")
    message_seconds: float = Field(30, gt=0, le=3_600, description="longest time from first to last byte of a message")
