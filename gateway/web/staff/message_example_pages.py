"""A message of the journal made into an example of its profile: what is replaced and what comes of it is shown, then
the editor of the profile checks and saves it as any other change."""

from __future__ import annotations

from aiohttp import web

from gateway.domain.requests.views import NotFound
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.services.exchange.message_context import NotReplayableError
from gateway.services.exchange.message_example import MessageExample
from gateway.services.operation.profile_drafts import ExampleNotAddedError, ProfileFile, add_example
from gateway.web.staff.profile_pages import SHARED_FILE, may_read_file
from gateway.web.staff.staff_request import StaffPage, StaffRequest


@value_object
class ShownExample:
    """`text`: that of the profile's file with the example."""

    example: MessageExample
    file: ProfileFile
    text: str


class _NoExampleError(Exception):
    """Its text says why, in the reader's language."""


async def show_example(request: StaffRequest) -> web.Response:
    """Show the example, or why there is none, and log who saw it. Nothing is written. Raises NotFound."""
    await request.read_own_form()
    message_id = request.http.match_info["message"]
    message = (await request.library.journaled.read_exchange(message_id))[0].message
    await request.library.users.log_message_view(message_id, request.origin)
    shown, obstacle = None, ""
    try:
        shown = await _make_example(request, message.id, message.profile)
    except _NoExampleError as why:
        obstacle = str(why)
    return request.render(
        "message_example",
        request.gettext("Example of the profile"),
        help_topic="operation",
        message=message,
        shown=shown,
        obstacle=obstacle,
    )


async def _make_example(request: StaffRequest, message_id: str, profile: str) -> ShownExample:
    """Make an example; raises _NoExampleError."""
    try:
        state = request.operation.find_profile(profile)
    except NotFound:
        state = None
    loaded = state.loaded if state is not None else None
    if state is None or loaded is None:
        raise _NoExampleError(request.gettext("The message has no profile that has a file here."))
    if not may_read_file(request, state):
        raise _NoExampleError(request.gettext(SHARED_FILE))
    file = await request.parts.profile_editing.read_file(profile)
    if file.obstacle:
        raise _NoExampleError(request.gettext(file.obstacle))
    try:
        example = await request.replays.make_example(message_id, loaded)
        text = add_example(file.text, example.service, example.send, example.understood)
    except NotReplayableError as why:
        reason = request.localization.translate_sentence(why.detail)
        raise _NoExampleError(request.gettext("The message cannot be an example: %(reason)s.", reason=reason)) from why
    except ExampleNotAddedError as error:
        raise _NoExampleError(
            request.gettext(
                "No example can be added to the file: it has an error, or its examples are not a list of lines."
            )
        ) from error
    return ShownExample(example, file, text)


PAGES = (StaffPage("POST", "/operation/journal/{message}/example", show_example, Right.OPERATION_ACT),)
