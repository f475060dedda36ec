"""JSON Schema of requests.yml, for editors."""

from __future__ import annotations

import json
from typing import Any

from gateway.domain.requests.policy import RequestPolicy

SCHEMA_FILE = "requests.schema.json"
MODELINE = f"# yaml-language-server: $schema=profiles/{SCHEMA_FILE}"
"""First line of requests.yml, by which editors find the schema; it stands with that of the profiles."""


def policy_schema() -> dict[str, Any]:
    schema = RequestPolicy.model_json_schema()
    title = "illgate rules for managed requests"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title, "description": title}


def schema_text() -> str:
    """As it stands in profiles/requests.schema.json."""
    return json.dumps(policy_schema(), indent=1, ensure_ascii=False) + "\n"
