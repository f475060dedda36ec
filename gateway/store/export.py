"""Messages of the journal as text lines and files, for people and other programs."""

from __future__ import annotations

import base64
import json
from dataclasses import fields

from gateway.store.records import FullMessage, Message

ENDINGS = {"xml": ".xml", "html": ".html", "json": ".json", "text/plain": ".txt"}
"""Part of a content type -> ending of a file's name."""


def json_line(message: FullMessage) -> str:
    """One line of JSON: the columns, and the body in base64 (null once forgotten), so that no byte is lost."""
    columns = {field.name: getattr(message.message, field.name) for field in fields(Message)}
    columns["at"] = message.message.at.isoformat()
    columns["body_base64"] = None if message.body is None else base64.b64encode(message.body).decode("ascii")
    return json.dumps(columns, ensure_ascii=False)


def file_name(message: Message) -> str:
    """For the raw body: `20260301T101500Z-<id>-in-LookupUser.xml`; letters, digits, '.', '-' and '_' only."""
    service = "".join(c if c.isascii() and c.isalnum() else "_" for c in message.service) or "unknown"
    ending = next((ending for part, ending in ENDINGS.items() if part in message.content_type.lower()), ".bin")
    return f"{message.at:%Y%m%dT%H%M%SZ}-{message.id}-{message.direction}-{service}{ending}"
