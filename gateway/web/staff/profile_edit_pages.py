"""Profiles changed at their page: what is wrong, what would be different from the file, and then the save. The file is
what counts; who edits it elsewhere meanwhile loses nothing."""

from __future__ import annotations

from aiohttp import web

from gateway.configuration.file_replacement import FileChangedError, FileNotReplaceableError
from gateway.domain.problems import Unavailable
from gateway.domain.requests.views import NotFound
from gateway.domain.roles import Right
from gateway.services.operation.profile_drafts import MAX_TEXT_BYTES, NAME_PATTERN, DraftCheck, ProfileDraft
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.staff.draft_tries import DraftTries, find_tried_path, try_draft
from gateway.web.staff.profile_pages import find_readable_name, number_lines
from gateway.web.staff.staff_request import StaffPage, StaffRequest

MAX_REASON_CHARS = 200
MAX_POSTED_BYTES = 7 * MAX_TEXT_BYTES
"""The text and what it began with, each octet as three."""


async def show_editor(request: StaffRequest) -> web.Response:
    """Show the editor; raises NotFound, PageError."""
    name = find_readable_name(request)
    current = await request.parts.profile_editing.read_file(name)
    draft = ProfileDraft(name, current.text, current.text)
    return _render_editor(request, FormCheck(request, SubmittedForm()), draft, None, current.obstacle)


async def change_profile(request: StaffRequest) -> web.Response:
    """Change a profile. The form has: `text`, `base` (the file as it was shown), and `step`: check, try with messages
    that were refused, or save with a `reason`; `then` leads on to these messages. Raises NotFound, PageError."""
    name = _find_editable_name(request)
    checked = FormCheck(request, await request.read_own_form())
    fields = checked.form.fields
    draft = ProfileDraft(name, fields.get("text", ""), fields.get("base", ""))
    if len(draft.text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES:
        checked.add_problem_text("text", request.gettext("This is too long for a profile."))
        return _render_editor(request, checked, draft, None, "")
    check = await request.parts.profile_editing.check_draft(draft)
    allowed = frozenset(
        library for library in request.parts.libraries if request.user.has_right(library, Right.PROFILES_ACT)
    )
    if check.libraries - allowed:
        others = ", ".join(sorted(check.libraries - allowed))
        checked.general.append(
            request.gettext(
                "This profile is also used by %(libraries)s, which you do not administer.", libraries=others
            )
        )
    if checked.form["step"] == "save":
        saved = await _save_draft(request, checked, check, allowed)
        if saved is not None:
            return saved
        check = await request.parts.profile_editing.check_draft(draft)
    tries = None
    if checked.form["step"] == "try" and not check.problems and check.loaded is not None:
        tries = await try_draft(request, check.loaded)
    return _render_editor(request, checked, check.draft, check, check.current.obstacle, tries)


async def _save_draft(
    request: StaffRequest, checked: FormCheck, draft_check: DraftCheck, allowed: frozenset[str]
) -> web.Response | None:
    """None: it was not saved; `checked` says why, or what was found does."""
    reason = checked.read_line("reason", MAX_REASON_CHARS)
    if not reason:
        checked.add_problem("reason", "wrong-missing", field=request.gettext("Reason"))
    await request.confirm_by_form(checked)
    if not (checked.is_good and draft_check.can_be_saved):
        return None
    try:
        in_use = await request.parts.profile_editing.save_draft(draft_check, reason, request.origin, allowed)
    except FileChangedError:
        return None  # the next check says so
    except FileNotReplaceableError:
        checked.general.append(
            request.gettext("The file was not written: it is a link, or it belongs to another system user.")
        )
        return None
    except OSError as error:
        checked.general.append(
            request.gettext("The file was not written: %(reason)s", reason=error.strerror or type(error).__name__)
        )
        return None
    except Unavailable as down:
        checked.general.append(
            request.gettext(
                "Nothing was changed: %(reason)s", reason=request.localization.translate_sentence(down.detail)
            )
        )
        return None
    address = request.path("operation", "profiles", draft_check.draft.name)
    if not in_use:
        return request.redirect(
            address,
            request.gettext("Saved. There is a problem that keeps profiles from being used: see below."),
            "look",
        )
    if checked.form["then"] == "replay" and request.has_right(Right.OPERATION):
        address = find_tried_path(request, draft_check.draft.name)
    return request.redirect(address, request.gettext("Saved and in use."))


def _render_editor(
    request: StaffRequest,
    checked: FormCheck,
    draft: ProfileDraft,
    draft_check: DraftCheck | None,
    obstacle: str,
    tries: DraftTries | None = None,
) -> web.Response:
    problems = (*draft_check.problems, *draft_check.example_problems) if draft_check is not None else ()
    file = draft_check.loaded.document.file if draft_check is not None and draft_check.loaded is not None else ""
    file = file or next((problem.file for problem in problems), "")
    is_wrong = draft_check is not None and bool(draft_check.problems or draft_check.changed_meanwhile or obstacle)
    return request.render(
        "profile_edit",
        request.gettext("Edit %(name)s", name=draft.name),
        status=422 if is_wrong else checked.status,
        help_topic="operation",
        checked=checked,
        draft=draft,
        base=draft_check.current.text if draft_check is not None else draft.base,
        is_new=not draft.base,
        found=draft_check,
        file=file,
        obstacle=request.gettext(obstacle) if obstacle else "",
        tries=tries,
        lines=number_lines(draft.text, problems, file),
    )


def _find_editable_name(request: StaffRequest) -> str:
    """One that this library has, or that nobody has yet. Raises NotFound, PageError."""
    name = request.http.match_info["name"]
    if any(profile.name == name for profile in request.operation.list_profiles()):
        return find_readable_name(request)
    if NAME_PATTERN.fullmatch(name) is None or request.parts.profile_editing.is_known_name(name):
        raise NotFound("profile")
    return name


# --- a new one -----------------------------------------------------------------------------------------------


async def show_new_profile(request: StaffRequest) -> web.Response:
    """Show the form. The query has: `extends`."""
    checked = FormCheck(request, SubmittedForm())
    checked.values["extends"] = request.http.query.get("extends", "")
    return _render_new_profile(request, checked)


async def begin_profile(request: StaffRequest) -> web.Response:
    """Begin a profile; nothing is written yet: the editor comes next."""
    checked = FormCheck(request, await request.read_own_form())
    name = checked.read_line("name")
    extends = checked.read_choice("extends", request.operation.list_parents())
    if NAME_PATTERN.fullmatch(name) is None:
        checked.add_problem_text(
            "name",
            request.gettext(
                "Use lower-case letters, digits, full stops, underscores and hyphens only, such as north-library."
            ),
        )
    elif request.parts.profile_editing.is_known_name(name):
        checked.add_problem_text("name", request.gettext("A profile with this name already exists."))
    if not extends:
        checked.add_problem("extends", "wrong-missing", field=request.gettext("Starts from"))
    if not checked.is_good:
        return _render_new_profile(request, checked)
    current = await request.parts.profile_editing.read_file(name)
    text = request.parts.profile_editing.begin_text(name, extends)
    return _render_editor(request, checked, ProfileDraft(name, text, ""), None, current.obstacle)


def _render_new_profile(request: StaffRequest, checked: FormCheck) -> web.Response:
    return request.render(
        "profile_new",
        request.gettext("New profile"),
        status=checked.status,
        help_topic="operation",
        checked=checked,
        parents=request.operation.list_parents(),
    )


PAGES = (
    StaffPage("GET", "/operation/profiles/{name}/edit", show_editor, Right.PROFILES_ACT),
    StaffPage("POST", "/operation/profiles/{name}/edit", change_profile, Right.PROFILES_ACT, MAX_POSTED_BYTES),
    StaffPage("GET", "/operation/new-profile", show_new_profile, Right.PROFILES_ACT),
    StaffPage("POST", "/operation/new-profile", begin_profile, Right.PROFILES_ACT),
)
