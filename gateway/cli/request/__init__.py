"""`illgate request`: staff's work on managed requests.

- `listing`, `showing`: looking
- `making`: new requests
- `acting`: what is done with a request, the options of each act from the table that the API has too
- `changing`: files and the rota of one request
- `words`: options and their values
"""

from __future__ import annotations

import click

from gateway.cli.request.acting import SHORT, act
from gateway.cli.request.changing import attach, reorder, skip
from gateway.cli.request.listing import list_requests
from gateway.cli.request.making import create, lend_to
from gateway.cli.request.showing import show_request


@click.group(name="request")
def request_command() -> None:
    """Requests that the gateway manages: list, show, make, act on them.

    NUMBER is the request's number, such as B2026-00017, or its id. What is to be sent is left to the daemon; without
    one, `illgate outbox run` does it. Names of patrons are never shown.
    """


for one in (list_requests, show_request, create, lend_to, act, *SHORT, attach, reorder, skip):
    request_command.add_command(one)
