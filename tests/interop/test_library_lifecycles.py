"""Managed requests on library systems that aren't the embedded one: a part of what
`python -m tests.support.library_matrix` plays."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.requests.request import Role
from tests.support.library_matrix import play_story


@pytest.mark.parametrize(
    ("backend", "role", "story", "said"),
    [
        ("koha + sip2", Role.LENDING, "loan", "yes"),
        ("koha + sip2", Role.BORROWING, "crossing", "yes"),
        ("sip2 + embedded", Role.BORROWING, "loan", "yes"),
        ("alma", Role.BORROWING, "loan", "yes"),
        ("alma", Role.LENDING, "crossing", "yes"),
        ("ncip", Role.LENDING, "crossing", "yes"),
        ("koha", Role.LENDING, "crossing", "no `check-in`"),
        ("sip2", Role.BORROWING, "crossing", "no `temporary-item`"),
    ],
)
async def test_a_lifecycle(tmp_path: Path, backend: str, role: Role, story: str, said: str) -> None:
    assert await play_story(tmp_path, backend, role, story) == said
