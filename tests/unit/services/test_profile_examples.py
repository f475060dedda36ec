"""An example is added to a profile's file, and all else of the file stays as it was."""

from __future__ import annotations

import pytest

from gateway.configuration.yaml_document import parse_yaml
from gateway.services.operation.profile_drafts import ExampleNotAddedError, add_example

SEND = "<a>\n  <b/>\n</a>\n"
OTHER = {"name": "LookupUser 1", "send": "<a/>"}


@pytest.mark.parametrize(
    ("examples", "others"),
    [
        ("examples:  # habits\n  # the first\n  - {name: LookupUser 1, send: <a/>}\n", [OTHER]),
        ("examples:\n- name: LookupUser 1\n  send: <a/>\n", [OTHER]),
        ("examples:\n    - name: LookupUser 1\n      send: <a/>\nncip: {}\n", [OTHER]),
        ("examples:\n", []),
        ("", []),
    ],
)
def test_an_example_is_added_and_all_lines_stay(examples: str, others: list[object]) -> None:
    before = f"# Fjord\nextends: ncip2\n{examples}"

    after = add_example(before, "LookupUser", SEND, {"service": "LookupUser"})

    added = {"name": f"LookupUser {len(others) + 1}", "send": SEND, "understood": {"service": "LookupUser"}}
    assert parse_yaml(after, "x").data["examples"] == [added, *others]
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []


@pytest.mark.parametrize("text", ["examples: [{name: x, send: <a/>}]\n", "extends: [\n"])
def test_where_nothing_can_be_added_nothing_is(text: str) -> None:
    with pytest.raises(ExampleNotAddedError):
        add_example(text, "LookupUser", SEND, {})
