"""Profiles for operators: which are in use, what is wrong with the files as they are now, and whether their examples
are understood.

They are read here and edited as files, where an editor, a version control and `illgate check` are at hand.
"""

from __future__ import annotations

from aiohttp import web

from gateway.configuration.written_secrets import conceal_written_secrets
from gateway.domain.problems import ConfigurationProblem
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.services.gateway_operation import ProfileState
from gateway.web.staff.staff_request import StaffPage, StaffRequest


@value_object
class ShownProfile:
    """`kind`: shape of the tag of `word`."""

    state: ProfileState
    kind: str
    word: str
    partner: str


async def show_profiles(request: StaffRequest) -> web.Response:
    states = request.parts.operation.list_profiles(request.library)
    return request.render(
        "profiles",
        request.gettext("Profiles"),
        help_topic="operation",
        profiles=[_describe_profile(request, one) for one in states],
        problems=[problem for one in states for problem in one.problems],
    )


async def show_profile(request: StaffRequest) -> web.Response:
    """Raises NotFound."""
    found = await request.parts.operation.read_profile(request.library, request.http.match_info["name"])
    problems = (*found.state.problems, *found.example_problems)
    return request.render(
        "profile",
        found.state.name,
        help_topic="operation",
        shown=_describe_profile(request, found.state),
        found=found,
        problems=problems,
        lines=_number_lines(conceal_written_secrets(found.text), problems, found.state.file),
    )


def _describe_profile(request: StaffRequest, state: ProfileState) -> ShownProfile:
    if state.loaded is None:
        return ShownProfile(state, "late", request.gettext("not in use"), "")
    profile = state.loaded.profile
    name = profile.partner.name if profile.partner is not None else ""
    if state.problems:
        return ShownProfile(state, "late", request.gettext("as before: the file is wrong"), name)
    if profile.abstract:
        return ShownProfile(state, "closed", request.gettext("for others to extend"), name)
    return ShownProfile(state, "good", request.gettext("in use"), name)


def _number_lines(text: str, problems: tuple[ConfigurationProblem, ...], file: str) -> list[tuple[int, str, bool]]:
    """Number, text, and whether a problem of this file names the line."""
    wrong = {problem.line for problem in problems if problem.file == file}
    return [(number, line, number in wrong) for number, line in enumerate(text.splitlines(), 1)]


PAGES = (
    StaffPage("GET", "/operation/profiles", show_profiles, Right.OPERATION),
    StaffPage("GET", "/operation/profiles/{name}", show_profile, Right.OPERATION),
)
