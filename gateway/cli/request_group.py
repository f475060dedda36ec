"""The group `illgate request`. What lists and shows requests is typed most often: it loads nothing of what makes and
changes them, which is many options and models."""

from __future__ import annotations

import click

from gateway.cli.request_views import list_requests, show_request

VIEWS: dict[str, click.Command] = {"list": list_requests, "show": show_request}


class RequestGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({**VIEWS, **_load_other_commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return VIEWS.get(cmd_name) or _load_other_commands().get(cmd_name)


def _load_other_commands() -> dict[str, click.Command]:
    from gateway.cli.app import load_without_garbage_collection

    with load_without_garbage_collection():
        from gateway.cli import notice_commands, request_actions, request_commands

    every = (*request_commands.COMMANDS, *request_actions.COMMANDS, *notice_commands.COMMANDS)
    return {one.name: one for one in every if one.name is not None}


@click.group(name="request", cls=RequestGroup)
def request_command() -> None:
    """Requests that the gateway manages: list, show, make, act on them.

    NUMBER is the request's number, such as B2026-00017, or its id. What is to be sent is left to the daemon; without
    one, `illgate outbox run` does it. Names of patrons are never shown.
    """
