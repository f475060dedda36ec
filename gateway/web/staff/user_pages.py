"""Accounts of staff, for those who manage them: list, new user, roles, password, disabled or not; the audit log."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aiohttp import web

from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.roles import (
    ALL_LIBRARIES,
    BRANCH_ROLES,
    OFFICE_ROLES,
    GrantSource,
    Right,
    RoleGrant,
    StaffRole,
    StaffUser,
    can_grant,
    can_manage_user,
)
from gateway.services.letters.localization import mark_text
from gateway.services.people.passwords import MIN_PASSWORD_CHARS
from gateway.services.people.users import IDENTITY_TAKEN, MAX_EMAIL_CHARS, MAX_SHOWN_NAME_CHARS, UserDraft
from gateway.store.audit import AuditEntry
from gateway.web.html.error_pages import PageError
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.staff.account_pages import ROLE_NAMES, check_new_password
from gateway.web.staff.act_forms import list_places
from gateway.web.staff.staff_request import StaffPage, StaffRequest

ROLE_HINTS = {
    StaffRole.PATRON_SERVICES: mark_text("Arrivals, hold shelf, checking out to patrons"),
    StaffRole.STAFF: mark_text("Borrowing, lending, copies, messages, email, printing"),
    StaffRole.CLEARANCE: mark_text("May sign off copies"),
    StaffRole.MANAGER: mark_text("Sees everything including costs; manages partners and accounts"),
    StaffRole.MEMBER_ADMIN: mark_text("Like a manager; also edits the library’s partners"),
    StaffRole.OFFICE: mark_text("Counts and figures of all libraries; no requests, no patron data"),
    StaffRole.OPERATOR: mark_text("Failed messages, profiles, mailboxes, accounts; no patron data"),
}

ACTIONS = {
    "signed-in": mark_text("signed in"),
    "sign-in-failed": mark_text("failed to sign in"),
    "user-added": mark_text("created the account %(object)s"),
    "user-changed": mark_text("changed the account %(object)s"),
    "password-set": mark_text("set a password for %(object)s"),
    "roles-set": mark_text("changed the roles of %(object)s"),
    "provider-roles-set": mark_text("got other roles through the identity provider"),
    "user-disabled": mark_text("disabled the account %(object)s"),
    "user-enabled": mark_text("enabled the account %(object)s"),
    "sessions-ended": mark_text("ended the sessions of %(object)s"),
    "second-factor-set": mark_text("set up a second factor for %(object)s"),
    "second-factor-removed": mark_text("turned off the second factor of %(object)s"),
    "second-factor-reset": mark_text("reset the second factor of %(object)s"),
    "recovery-codes-made": mark_text("created new recovery codes"),
    "recovery-code-used": mark_text("used a recovery code"),
    "identity-linked": mark_text("signed in through the identity provider for the first time"),
    "identity-unlinked": mark_text("removed the link of %(object)s to the identity provider"),
    "patron-shown": mark_text("viewed the patron of %(object)s"),
    "message-shown": mark_text("read the message %(object)s"),
    "messages-searched": mark_text("searched the content of messages"),
    "words-shown": mark_text("read messages or notes of %(object)s"),
    "message-replayed": mark_text("replayed the message %(object)s"),
    "replay-begun": mark_text("began the replay %(object)s"),
    "replay-paused": mark_text("paused the replay %(object)s"),
    "replay-resumed": mark_text("resumed the replay %(object)s"),
    "replay-stopped": mark_text("stopped the replay %(object)s"),
    "profile-saved": mark_text("changed the profile %(object)s"),
    "patron-counted": mark_text("searched for a patron’s data"),
    "patron-exported": mark_text("exported a patron’s data"),
    "patron-forgotten": mark_text("anonymised a patron’s requests"),
    "own-data-exported": mark_text("exported their own data"),
    "own-data-forgotten": mark_text("erased their own data from closed requests"),
}
"""Words of the audit log; one that isn't here is shown as it is."""

OBJECT_PAGES = {
    "patron-shown": "/requests/{number}",
    "profile-saved": "/operation/profiles/{name}",
    **dict.fromkeys(("message-shown", "message-replayed"), "/operation/journal/{message}"),
    **{f"replay-{act}": "/operation/replays/{job}" for act in ("begun", "paused", "resumed", "stopped")},
}
"""By action: the page of its object, as `StaffPage.path`."""

AUDIT_WORDS = {
    "password": mark_text("with a password"),
    "code": mark_text("with a code"),
    "oidc": mark_text("through the identity provider"),
    "library-oidc": mark_text("through the library’s own identity provider"),
    "header": mark_text("through the proxy"),
    "no role": mark_text("no role"),
}

AUDIT_ROWS = 50

_FIELD_OF = ("email", "mail address"), ("shown_name", "shown name"), ("subject", "A subject"), ("name", "name")


# --- list and audit log --------------------------------------------------------------------------------------


async def show_users(request: StaffRequest) -> web.Response:
    users = await request.library.users.list_users()
    places = await list_places(request)
    return request.render(
        "users",
        request.gettext("Accounts"),
        help_topic="users",
        users=[(user, _list_role_names(request, user, places)) for user in users],
        may_change=request.has_right(Right.USERS_ACT),
        may_audit=request.has_right(Right.AUDIT_READ),
    )


def _list_role_names(request: StaffRequest, user: StaffUser, places: Mapping[str, str]) -> list[tuple[str, str]]:
    """List in this library, each once: name of the role, and where: a branch, all libraries (empty: the library)."""
    everywhere = request.gettext("all libraries")
    own = {
        (grant.role, everywhere if grant.library == ALL_LIBRARIES else places.get(grant.branch, grant.branch)): None
        for grant in user.grants_in(request.library.symbol)
    }
    return [(request.gettext(ROLE_NAMES[role.value]), where) for role, where in own]


async def show_audit_log(request: StaffRequest) -> web.Response:
    """Newest first. In the query: `user`, and `before`, the id of the last row that was seen."""
    name, before = request.http.query.get("user", "").strip(), request.http.query.get("before", "")
    actor = f"staff:{name}" if name else ""
    entries = await request.library.users.list_audit_entries(AUDIT_ROWS, before=before, actor=actor)
    await request.actors.load_names(entry.actor for entry in entries)
    return request.render(
        "audit",
        request.gettext("Audit log"),
        help_topic="users",
        entries=[
            (entry, *_describe_act(request, entry), _describe_detail(request, entry.action, entry.detail))
            for entry in entries
        ],
        name=name,
        older=request.path("audit", user=name, before=entries[-1].id) if len(entries) == AUDIT_ROWS else "",
    )


def _describe_act(request: StaffRequest, entry: AuditEntry) -> tuple[str, str, str, str]:
    """Words before the object of an act, the object, words after it, and its address, empty: it has no page here."""
    words = ACTIONS.get(entry.action, entry.action)
    before, has_object, after = request.gettext(words, object="\n").partition("\n")
    subject = entry.subject if has_object or entry.actor != f"staff:{entry.subject}" else ""
    page = OBJECT_PAGES.get(entry.action, "")
    address = request.path(*page.split("/")[1:-1], entry.subject) if page and page in request.open_paths else ""
    return before.strip(), subject, after, address


_COUNT_OF_REQUESTS = re.compile(r"(\d{1,9}) requests?")


def _describe_detail(request: StaffRequest, action: str, detail: str) -> str:
    """Roles, each perhaps with its branch (`patron-services@EAST`), how somebody signed in, or a number of requests;
    or messages; all else as it is."""
    if action == "replay-begun" and detail.isdecimal():
        return request.ngettext("%(num)s message", "%(num)s messages", int(detail))
    counted = _COUNT_OF_REQUESTS.fullmatch(detail)
    if counted is not None:
        return request.ngettext("%(num)s request", "%(num)s requests", int(counted[1]))
    texts = {**ROLE_NAMES, **AUDIT_WORDS}
    words = []
    for word in detail.split(", "):
        role, at, branch = word.partition("@")
        words.append(f"{request.gettext(texts[role])}{at}{branch}" if role in texts else word)
    return ", ".join(words)


# --- a new user ----------------------------------------------------------------------------------------------


async def show_new_user(request: StaffRequest) -> web.Response:
    return await _render_new_user(request, FormCheck(request, SubmittedForm()))


async def _render_new_user(request: StaffRequest, checked: FormCheck) -> web.Response:
    return request.render(
        "user_new",
        request.gettext("New account"),
        status=checked.status,
        help_topic="users",
        checked=checked,
        choices=_list_role_choices(request, ()),
        places=await list_places(request),
        by_provider=request.parts.has_provider(request.library.symbol),
        min_chars=MIN_PASSWORD_CHARS,
    )


async def add_user(request: StaffRequest) -> web.Response:
    checked = FormCheck(request, await request.read_own_form())
    await request.confirm_by_form(checked)
    name = checked.read_line("name")
    if not name:
        checked.add_problem("name", "wrong-missing", field=request.gettext("User name"))
    shown_name = checked.read_line("shown_name", MAX_SHOWN_NAME_CHARS)
    email, subject = checked.read_line("email", MAX_EMAIL_CHARS), checked.read_line("subject")
    without_password = checked.read_checkbox("without_password")
    password = "" if without_password else checked.form.fields.get("new_password", "")
    if not without_password:
        check_new_password(request, checked, password, name or "-")
    grants = _read_grants(request, checked)
    if not checked.is_good:
        return await _render_new_user(request, checked)
    draft = UserDraft(
        library=request.library.symbol,
        name=name,
        shown_name=shown_name,
        email=email,
        subject=subject,
        password=password,
        grants=grants,
    )
    try:
        user = await request.library.users.add_user(draft, request.origin)
    except Refused as refused:
        _show_refusal(request, checked, refused)
        return await _render_new_user(request, checked)
    banner = request.gettext("The account %(name)s can sign in.", name=user.shown_name)
    return request.redirect(request.path("users", user.name), banner)


# --- one user ------------------------------------------------------------------------------------------------


async def show_user(request: StaffRequest) -> web.Response:
    return await _render_user(request, await _find_user(request), FormCheck(request, SubmittedForm()))


async def _find_user(request: StaffRequest) -> StaffUser:
    """Find a user; raises NotFound."""
    return await request.library.users.find_user(request.http.match_info["name"])


async def _find_user_to_change(request: StaffRequest) -> StaffUser:
    """Find a user; raises NotFound, PageError: one's own account is changed by others, a mightier one by the mighty."""
    user = await _find_user(request)
    if user.id == request.user.id or not can_manage_user(request.user, request.library.symbol, user):
        raise PageError(403, "fault-right")
    return user


async def _render_user(request: StaffRequest, user: StaffUser, checked: FormCheck) -> web.Response:
    if not checked.form.fields:
        checked.values |= {"shown_name": user.shown_name, "email": user.email, "subject": user.subject}
    is_self = user.id == request.user.id
    places = await list_places(request)
    return request.render(
        "user",
        user.shown_name,
        status=checked.status,
        help_topic="users",
        checked=checked,
        user=user,
        roles=_list_role_names(request, user, places),
        places=places,
        choices=_list_role_choices(request, user.grants),
        provided=[
            request.gettext(ROLE_NAMES[grant.role.value])
            for grant in user.grants_of(GrantSource.PROVIDER)
            if grant.library == request.library.symbol
        ],
        is_self=is_self,
        may_change=not is_self and can_manage_user(request.user, request.library.symbol, user),
        by_provider=request.parts.has_provider(request.library.symbol),
        min_chars=MIN_PASSWORD_CHARS,
    )


async def change_details(request: StaffRequest) -> web.Response:
    user = await _find_user_to_change(request)
    checked = FormCheck(request, await request.read_own_form())
    await request.confirm_by_form(checked)
    shown_name = checked.read_line("shown_name", MAX_SHOWN_NAME_CHARS)
    email = checked.read_line("email", MAX_EMAIL_CHARS)
    is_asked = request.parts.has_provider(request.library.symbol)
    subject = checked.read_line("subject") if is_asked else user.subject
    if checked.is_good:
        try:
            await request.library.users.change_details(user, shown_name, email, subject, request.origin)
        except Refused as refused:
            _show_refusal(request, checked, refused)
    if not checked.is_good:
        return await _render_user(request, user, checked)
    return request.redirect(request.path("users", user.name), request.gettext("Changed."))


async def set_roles(request: StaffRequest) -> web.Response:
    user = await _find_user_to_change(request)
    checked = FormCheck(request, await request.read_own_form())
    await request.confirm_by_form(checked)
    grants = _read_grants(request, checked)
    if not checked.is_good:
        return await _render_user(request, user, checked)
    await request.library.users.set_roles(user, grants, request.origin)
    return request.redirect(
        request.path("users", user.name), request.gettext("The roles have been saved. The user has to sign in again.")
    )


async def set_password(request: StaffRequest) -> web.Response:
    user = await _find_user_to_change(request)
    checked = FormCheck(request, await request.read_own_form())
    await request.confirm_by_form(checked)
    password = checked.form.fields.get("new_password", "")
    check_new_password(request, checked, password, user.name)
    if not checked.is_good:
        return await _render_user(request, user, checked)
    await request.library.users.set_password(user, password, request.origin)
    return request.redirect(
        request.path("users", user.name), request.gettext("The password has been set. Give it to the user in person.")
    )


async def switch_account(request: StaffRequest) -> web.Response:
    """Disabled, or able to sign in again."""
    user = await _find_user_to_change(request)
    checked = FormCheck(request, await request.read_own_form())
    await request.confirm_by_form(checked)
    if not checked.is_good:
        return await _render_user(request, user, checked)
    if checked.form["state"] == "disabled":
        await request.library.users.disable_user(user, request.origin)
        banner = request.gettext("The account %(name)s is disabled.", name=user.shown_name)
    else:
        await request.library.users.enable_user(user, request.origin)
        banner = request.gettext("The account %(name)s can sign in.", name=user.shown_name)
    return request.redirect(request.path("users", user.name), banner)


async def reset_second_factor(request: StaffRequest) -> web.Response:
    """Reset the second factor of somebody whose telephone is lost."""
    user = await _find_user_to_change(request)
    checked = FormCheck(request, await request.read_own_form())
    await request.confirm_by_form(checked)
    if not checked.is_good:
        return await _render_user(request, user, checked)
    await request.library.users.reset_second_factor(user, request.origin)
    banner = request.gettext("The second factor has been reset. The password alone is asked for now.")
    if request.parts.sign_in.is_factor_required(user):
        banner = request.gettext(
            "The second factor has been reset. The user must set up a new one at the next sign-in."
        )
    return request.redirect(request.path("users", user.name), banner)


async def unlink_identity(request: StaffRequest) -> web.Response:
    """The account waits again for whoever signs in first under its name at the identity provider."""
    user = await _find_user_to_change(request)
    checked = FormCheck(request, await request.read_own_form())
    await request.confirm_by_form(checked)
    if checked.is_good:
        try:
            await request.library.users.unlink_identity(user, request.origin)
        except Refused as refused:
            _show_refusal(request, checked, refused)
    if not checked.is_good:
        return await _render_user(request, user, checked)
    banner = request.gettext("The link has been removed. The next sign-in under this name makes a new one.")
    return request.redirect(request.path("users", user.name), banner)


# --- roles in a form -----------------------------------------------------------------------------------------


def _list_role_choices(
    request: StaffRequest, grants: tuple[RoleGrant, ...]
) -> list[tuple[str, str, str, bool, str, bool, bool]]:
    """List of each role: word, name, hint, whether it is held, for which branches, whether it may be for one, whether
    this user may give it."""
    given = [grant for grant in grants if grant.source is GrantSource.STAFF]
    role_grants = [grant for grant in given if grant.library == request.library.symbol]
    return [
        (
            role.value,
            request.gettext(ROLE_NAMES[role.value]),
            request.gettext(ROLE_HINTS[role]),
            any(grant.role is role for grant in role_grants),
            " ".join(grant.branch for grant in role_grants if grant.role is role and grant.branch),
            role in BRANCH_ROLES,
            can_grant(request.user, request.library.symbol, role),
        )
        for role in StaffRole
        if role not in OFFICE_ROLES
    ]


def _read_grants(request: StaffRequest, checked: FormCheck) -> tuple[RoleGrant, ...]:
    """The roles that are ticked, of those that are this user's to give; some, unless a provider's groups may give
    others."""
    library = request.library.symbol
    grants: list[RoleGrant] = []
    for role in StaffRole:
        name = f"role-{role.value}"
        if not can_grant(request.user, library, role) or not checked.read_checkbox(name):
            continue
        branches = checked.read_line(f"branch-{role.value}").split() if role in BRANCH_ROLES else []
        grants += [RoleGrant(library, role, branch) for branch in branches or [""]]
    provider = request.parts.find_provider(library)
    if not grants and not (provider is not None and provider.settings.grants):
        checked.add_problem_text("role-patron-services", request.gettext("Please choose a role, or disable the user."))
    return tuple(grants)


def _show_refusal(request: StaffRequest, checked: FormCheck, refused: Refused) -> None:
    if refused.reason is RefusalReason.IN_USE:
        is_expected = refused.detail == IDENTITY_TAKEN and request.parts.has_provider(request.library.symbol)
        checked.add_problem_text("subject" if is_expected else "name", request.describe_refusal(refused))
        return
    place = next((name for name, word in _FIELD_OF if word in refused.detail), "name")
    problems = {
        "email": request.gettext("This is not a valid email address."),
        "shown_name": request.gettext("This name contains characters that cannot be displayed."),
        "subject": request.gettext("This name contains characters that cannot be displayed."),
        "name": request.gettext("2 to 100 lower-case letters, digits or . _ @ + -, starting with a letter or digit."),
    }
    checked.add_problem_text(place, problems[place])


PAGES = (
    StaffPage("GET", "/users", show_users, Right.USERS_READ),
    StaffPage("GET", "/audit", show_audit_log, Right.AUDIT_READ),
    StaffPage("GET", "/new-user", show_new_user, Right.USERS_ACT),
    StaffPage("POST", "/new-user", add_user, Right.USERS_ACT),
    StaffPage("GET", "/users/{name}", show_user, Right.USERS_READ),
    StaffPage("POST", "/users/{name}/details", change_details, Right.USERS_ACT),
    StaffPage("POST", "/users/{name}/roles", set_roles, Right.USERS_ACT),
    StaffPage("POST", "/users/{name}/password", set_password, Right.USERS_ACT),
    StaffPage("POST", "/users/{name}/state", switch_account, Right.USERS_ACT),
    StaffPage("POST", "/users/{name}/second-factor", reset_second_factor, Right.USERS_ACT),
    StaffPage("POST", "/users/{name}/identity", unlink_identity, Right.USERS_ACT),
)
