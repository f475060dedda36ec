"""JSON Schema of a profile's file, for editors: the profile and the sections of all protocols that are installed."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo

from gateway.adapters import Adapters
from gateway.domain.profile import Profile
from gateway.profiles.loading import KEYS

FILE = "schema.json"
MODELINE = "# yaml-language-server: $schema=schema.json"
"""First line of a profile's file, by which editors find the schema."""


def profile_schema(adapters: Adapters) -> dict[str, Any]:
    own: dict[str, Any] = {name: (_field(name).annotation, _field(name)) for name in KEYS}
    own["name"] = (str | None, FieldInfo(default=None, description="the file's name; may be left out"))
    sections: dict[str, Any] = {
        name: (dialect | None, FieldInfo(default=None, description=f"how this partner speaks {name}"))
        for name, dialect in adapters.sections.items()
    }
    model: type[BaseModel] = create_model("Profile", __config__=ConfigDict(extra="forbid"), **(own | sections))
    schema = model.model_json_schema()
    title = "illgate integration profile"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title, "description": title}


def schema_text(adapters: Adapters) -> str:
    """As it stands in profiles/schema.json."""
    return json.dumps(profile_schema(adapters), indent=1, ensure_ascii=False) + "\n"


def _field(name: str) -> FieldInfo:
    return Profile.model_fields[name]
