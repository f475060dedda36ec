"""Profiles for operators: which are in use, what is wrong with the files as they are now, whether their examples are
understood, which values count, and what they said before. `profile_edit_pages` changes them.
"""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from gateway.configuration.text_difference import compare_texts
from gateway.configuration.written_secrets import has_written_secret
from gateway.domain.problems import ConfigurationProblem
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.profiles.effective import dump_profile, list_yaml_lines
from gateway.services.letters.localization import mark_text
from gateway.services.operation.gateway_operation import ProfileState, ProfileText
from gateway.services.operation.profile_drafts import WRITTEN_SECRET, ProfileDraft
from gateway.web.html.error_pages import PageError
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.staff.staff_request import StaffPage, StaffRequest

SHARED_FILE = mark_text("Several libraries use this file. Only an administrator of all of them can see and edit it.")


@value_object
class ShownProfile:
    """`kind`: shape of the tag of `word`."""

    state: ProfileState
    kind: str
    word: str
    partner: str


async def show_profiles(request: StaffRequest) -> web.Response:
    """Show the profiles. The query has: `status`, "in-use" for those alone that are neither abstract nor unread."""
    states = request.operation.list_profiles()
    is_narrowed = request.http.query.get("status") == "in-use"
    return request.render(
        "profiles",
        request.gettext("Profiles"),
        help_topic="operation",
        profiles=[
            _describe_state(request, state)
            for state in states
            if not is_narrowed or (state.loaded is not None and not state.loaded.profile.abstract)
        ],
        is_narrowed=is_narrowed,
        problems=[problem for state in states if may_read_file(request, state) for problem in state.problems],
        may_edit=may_edit_profiles(request),
    )


async def show_profile(request: StaffRequest) -> web.Response:
    """Show a profile; raises NotFound."""
    profile = await request.operation.read_profile(request.http.match_info["name"])
    current = await request.parts.profile_editing.read_file(profile.state.name)
    is_readable = may_read_file(request, profile.state)
    problems = (*profile.state.problems, *profile.example_problems) if is_readable else ()
    is_shown = is_readable and not has_written_secret(profile.text)
    obstacle = current.obstacle if is_readable else SHARED_FILE
    return request.render(
        "profile",
        request.gettext("Profile %(name)s", name=profile.state.name),
        help_topic="operation",
        shown=_describe_profile(request, profile),
        found=profile,
        problems=problems,
        lines=number_lines(profile.text, problems, profile.state.file) if is_shown else [],
        obstacle=request.gettext(obstacle) if obstacle else "",
        is_readable=is_readable,
        may_edit=may_edit_profiles(request),
    )


def may_read_file(request: StaffRequest, state: ProfileState) -> bool:
    """Return whether the user sees the profiles of all libraries of which the file may say something."""
    return all(request.user.has_right(library, Right.PROFILES_READ) for library in state.libraries)


def find_readable_name(request: StaffRequest) -> str:
    """Find the profile that the address names. Raises NotFound, and PageError if the user may not read its file."""
    state = request.operation.find_profile(request.http.match_info["name"])
    if not may_read_file(request, state):
        raise PageError(403, "fault-right")
    return state.name


def may_edit_profiles(request: StaffRequest) -> bool:
    return request.parts.settings.edit_profiles and request.has_right(Right.PROFILES_ACT)


def _describe_profile(request: StaffRequest, profile_text: ProfileText) -> ShownProfile:
    state = _describe_state(request, profile_text.state)
    if profile_text.state.loaded is not None and not profile_text.state.problems and not profile_text.is_in_use:
        return ShownProfile(profile_text.state, "look", request.gettext("edited, not loaded yet"), state.partner)
    return state


def _describe_state(request: StaffRequest, state: ProfileState) -> ShownProfile:
    if state.loaded is None:
        return ShownProfile(state, "late", request.gettext("not in use"), "")
    profile = state.loaded.profile
    name = profile.partner.name if profile.partner is not None else ""
    if state.problems:
        return ShownProfile(state, "late", request.gettext("previous version in use: the file has errors"), name)
    if profile.abstract:
        return ShownProfile(state, "closed", request.gettext("for extending only"), name)
    return ShownProfile(state, "good", request.gettext("in use"), name)


def number_lines(text: str, problems: tuple[ConfigurationProblem, ...], file: str) -> list[tuple[int, str, bool]]:
    """Number, text, and whether a problem of this file names the line. Where something is missing behind the last line,
    the problem names the next one, which is there too."""
    wrong = {problem.line for problem in problems if problem.file == file}
    lines = text.splitlines()
    lines += [""] * (max((*wrong, len(lines))) - len(lines))
    return [(number, line, number in wrong) for number, line in enumerate(lines, 1)]


async def show_values(request: StaffRequest) -> web.Response:
    """Show the values of the profile in use, defaults and inherited ones too. Raises NotFound."""
    profile = await request.operation.read_profile(request.http.match_info["name"])
    loaded = profile.state.loaded
    lines = list_yaml_lines(dump_profile(loaded), loaded.document) if loaded is not None else []
    is_secret = has_written_secret("".join(f"{line}\n" for line, _ in lines))
    return request.render(
        "profile_values",
        request.gettext("Effective values of %(name)s", name=profile.state.name),
        help_topic="operation",
        name=profile.state.name,
        lines=[] if is_secret else [(line, _name_source(request, source)) for line, source in lines],
        obstacle=request.gettext(WRITTEN_SECRET) if is_secret else "",
    )


def _name_source(request: StaffRequest, source: str) -> str:
    """Name a file by its last part; empty: a default, or no value stands in the line."""
    file, _, line = source.rpartition(":")
    return request.gettext("%(file)s, line %(line)s", file=Path(file).name, line=line) if file else ""


# --- what it said before -------------------------------------------------------------------------------------


async def show_history(request: StaffRequest) -> web.Response:
    """Show the history; raises NotFound, PageError."""
    name = find_readable_name(request)
    versions = await request.operation.list_versions(name)
    await request.actors.load_names(version.actor for version in versions)
    return request.render(
        "profile_history",
        request.gettext("History of %(name)s", name=name),
        help_topic="operation",
        name=name,
        versions=versions,
    )


async def show_version(request: StaffRequest) -> web.Response:
    """Show what a version changed, and what bringing it back would change. Raises NotFound, PageError."""
    name = find_readable_name(request)
    history, editing = request.operation, request.parts.profile_editing
    version = await history.find_version(name, request.http.match_info["version"])
    versions = await history.list_versions(name)
    before = next((profile_version for profile_version in versions if profile_version.id < version.id), None)
    await request.actors.load_names([version.actor])
    current = await editing.read_file(name)
    check = await editing.check_draft(ProfileDraft(name, version.content, current.text))
    moment = request.format_moment(version.at)
    checked = FormCheck(request, SubmittedForm())
    checked.values["reason"] = request.gettext("Restore %(moment)s", moment=moment)
    return request.render(
        "profile_version",
        request.gettext("%(name)s, version of %(moment)s", name=name, moment=moment),
        help_topic="operation",
        name=name,
        version=version,
        is_first=before is None,
        lines=number_lines(version.content, (), ""),
        changed=compare_texts(before.content if before is not None else "", version.content),
        found=check,
        obstacle=request.gettext(current.obstacle) if current.obstacle else "",
        checked=checked,
        may_edit=may_edit_profiles(request),
    )


PAGES = (
    StaffPage("GET", "/operation/profiles", show_profiles, Right.PROFILES_READ),
    StaffPage("GET", "/operation/profiles/{name}", show_profile, Right.PROFILES_READ),
    StaffPage("GET", "/operation/profiles/{name}/values", show_values, Right.PROFILES_READ),
    StaffPage("GET", "/operation/profiles/{name}/history", show_history, Right.PROFILES_READ),
    StaffPage("GET", "/operation/profiles/{name}/history/{version}", show_version, Right.PROFILES_READ),
)
