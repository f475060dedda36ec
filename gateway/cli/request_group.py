"""The group `illgate request`."""

from __future__ import annotations

import click

from gateway.cli.app import CommandEntry, LazyGroup

ACTIONS = "gateway.cli.request_actions"
COMMANDS = "gateway.cli.request_commands"


@click.group(
    name="request",
    cls=LazyGroup,
    entries={
        "act": CommandEntry(ACTIONS, "act", "Carry out an action on a request."),
        "assign": CommandEntry(ACTIONS, "assign_request", "Assign a request to a user."),
        "attach": CommandEntry(ACTIONS, "attach_file", "Attach a file to a request."),
        "create": CommandEntry(COMMANDS, "create_request", "Create a borrowing request."),
        "label": CommandEntry(ACTIONS, "label_request", "Add labels to a request."),
        "lend-to": CommandEntry(COMMANDS, "lend_to_partner", "Create a lending request."),
        "list": CommandEntry("gateway.cli.request_lists", "list_requests", "List requests, last changed first."),
        "notices": CommandEntry(ACTIONS, "show_notices", "List notices to the patron, or print one as a letter."),
        "reorder": CommandEntry(ACTIONS, "reorder_rota", "Ask these partners next, in this order."),
        "show": CommandEntry(
            "gateway.cli.request_views", "show_request", "Show a request: status, history and possible actions."
        ),
        "skip": CommandEntry(ACTIONS, "skip_partner", "Exclude a partner from the request's rota."),
    },
)
def request_command() -> None:
    """List, show, create and process requests.

    NUMBER is the number of a request, such as B2026-00017, or its ID. The daemon sends the resulting messages; without
    a daemon, use `illgate outbox run`. Names of patrons are never shown.
    """
