"""Library × library: for each route what somebody of one library sends to reach a thing of another's.

In braces, `{number}` and the like are things of the other library; those that begin with `own_` belong to whoever
sends. A route that names nothing stands in NAMES_NOTHING with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PDF_NAME = "copy.pdf"


@dataclass(frozen=True)
class Try:
    """`path`: what stands in the place of each part that varies; `form`: of a page; `json`: of the API; `file`: name of
    one that is sent along. `tells` False: who has the thing is answered no otherwise, and it is what happens to it
    that tells. `is_taken`: the name is that of a file that all libraries see, which can't be hidden; so only that
    nothing happens is looked at."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    file: str = ""
    tells: bool = True
    is_taken: bool = False


def at(**path: str) -> Try:
    return Try(path=path)


NUMBER = {"number": "{number}"}
SENT = {"number": "{sent}"}
COPY = {"number": "{copy}"}
BATCH = {"number": "{batch}"}
OWN = {"number": "{own_number}"}
LETTER, MAIL, OWN_MAIL = {"letter": "{letter}"}, {"mail": "{mail}"}, {"mail": "{own_mail}"}
MESSAGE, JOB = {"message": "{message}"}, {"job": "{job}"}
PROFILE = PARTNER = {"name": "{profile}"}
USER = {"name": "{user}"}
DAYS = {"first": "{in_a_week}", "last": "{in_a_week}"}
CHOSEN = {"scope": "some", "query": ""}

_SCANS = ("receive", "unpack", "arrive", "lend", "take-back", "return", "locate", "ship", "check-in")

STAFF_TRIES: Mapping[str, tuple[Try, ...]] = {
    **{
        f"POST /staff/scan/{desk}": (
            Try(form={"code": "{number}", "key": f"{desk}-1-{{nonce}}"}),
            Try(form={"code": "{barcode}", "key": f"{desk}-2-{{nonce}}"}, tells=False),
            Try(form={"code": "{barcode}", "key": f"{desk}-3-{{nonce}}", "request": "{request}"}, tells=False),
        )
        for desk in _SCANS
    },
    "POST /staff/outbox/release": (
        Try(form={"kind": "{letter_kind}", "target": "{letter_target}", "error": "{letter_error}"}),
    ),
    "GET /staff/outbox/{letter}": (at(**LETTER),),
    "POST /staff/outbox/{letter}/release": (at(**LETTER),),
    "POST /staff/outbox/{letter}/skip": (Try(LETTER, form={"reason": "x"}),),
    "GET /staff/outbox/{letter}/edit": (at(**LETTER),),
    "POST /staff/outbox/{letter}/edit": (Try(LETTER, form={"payload": "{{}}", "confirmed": "yes"}),),
    "POST /staff/partners/{name}/closures": (Try(PARTNER, form=DAYS),),
    "POST /staff/partners/{name}/closures/delete": (
        Try({"name": "{closed}"}, form={"id": "{closure}"}),
        Try({"name": "{own_partner}"}, form={"id": "{closure}"}),
    ),
    "POST /staff/partners/{name}/test": (at(**PARTNER),),
    "GET /staff/partners/{name}": (at(**PARTNER),),
    "GET /staff/rotas/{name}": (at(name="{rota}"),),
    "GET /staff/rota-trial": (Try(query={"work": "De rerum nubium", "rota": "{rota}"}),),
    "POST /staff/requests/{number}/print": (Try(SENT, form={"kind": "pull-slips"}),),
    "POST /staff/print": (Try(form={"kind": "pull-slips", "run": "{sent_id} {copy_id} {printed}"}),),
    "GET /staff/print/{number}": (at(**BATCH),),
    "GET /staff/print/{number}/pdf": (at(**BATCH),),
    "GET /staff/print/{number}/slips/{request}": (at(number="{batch}", request="{printed}"),),
    "POST /staff/print/{number}/printed": (at(**BATCH),),
    "GET /staff/messages/{number}": (at(**SENT),),
    "POST /staff/messages/{number}/answer": (Try(SENT, form={"text": "Danke", "version": "1"}),),
    "POST /staff/messages/{number}/read": (
        Try({"number": "{talked}"}, form={"message": "{event}"}),
        Try(OWN, form={"message": "{event}"}, tells=False),
    ),
    "GET /staff/mail/{mail}": (at(**MAIL),),
    "GET /staff/mail/{mail}/original": (at(**MAIL),),
    "POST /staff/mail/{mail}/assign": (
        Try(MAIL, form={"request": "{own_number}", "meaning": "message"}),
        Try(OWN_MAIL, form={"request": "{number}", "meaning": "message"}),
        Try(OWN_MAIL, form={"request": "{request}", "meaning": "message"}),
    ),
    "POST /staff/mail/{mail}/answer": (Try(MAIL, form={"text": "Danke"}),),
    "POST /staff/mail/{mail}/dismiss": (at(**MAIL),),
    "POST /staff/mail/{mail}/put-back": (at(mail="{dismissed}"),),
    "GET /staff/requests/new": (
        Try(query={"find": "{title}", "where": "own"}, tells=False),
        Try(query={"patron": "{card}"}, tells=False),
    ),
    "POST /staff/requests/new": (Try(form={"patron": "{card}", "title": "Nebel", "type": "book", "form": "1"}),),
    "GET /staff/requests/{number}": (at(**NUMBER), at(number="{request}"), at(number="{sent}")),
    "GET /staff/requests/{number}/readers": (at(**NUMBER),),
    "POST /staff/requests/{number}/failed/{message}": (
        at(number="{failed}", message="{letter}"),
        Try({"number": "{own_number}", "message": "{letter}"}, tells=False),
    ),
    "POST /staff/requests/{number}/settled": (Try(NUMBER, form={"attempt": "1"}),),
    "POST /staff/requests/{number}/reader": (at(**NUMBER),),
    "POST /staff/requests/{number}/act": (Try(NUMBER, form={"kind": "edit", "version": "1"}),),
    "GET /staff/requests/{number}/act/{kind}": (at(number="{number}", kind="close"),),
    "POST /staff/requests/{number}/act/{kind}": (
        Try({**NUMBER, "kind": "close"}, form={"version": "1", "confirmed": "yes"}),
    ),
    "GET /staff/requests/{number}/citation": (at(number="{reviewed}"),),
    "POST /staff/requests/{number}/citation": (Try({"number": "{reviewed}"}, form={"title": "x", "version": "1"}),),
    "POST /staff/requests/{number}/order": (Try(NUMBER, form={"move": "up:vaumarin", "version": "1"}),),
    "GET /staff/requests/{number}/order": (at(**NUMBER),),
    "GET /staff/requests/{number}/journal": (at(**SENT),),
    "GET /staff/requests/{number}/journal/{message}": (
        at(number="{sent}", message="{sent_message}"),
        Try({"number": "{own_number}", "message": "{sent_message}"}, tells=False),
    ),
    "POST /staff/requests/{number}/files": (Try(COPY, file=PDF_NAME),),
    "GET /staff/requests/{number}/files/{file}": (
        at(number="{copy}", file="{file}"),
        Try({"number": "{own_number}", "file": "{file}"}, tells=False),
    ),
    "POST /staff/copies/files": (
        Try(form={"request": "{copy}"}, file=PDF_NAME),
        Try(file="{copy}.pdf"),
    ),
    "POST /staff/copies/{number}/sign-off": (Try(COPY, form={"do": "cleared", "reason": "§ 60e", "version": "1"}),),
    "POST /staff/copies/{number}/deliver": (Try(COPY, form={"attachment": "{file}", "version": "1"}),),
    "GET /staff/borrowing": (Try(query={"q": "{number}"}), Try(query={"patron": "{card}"})),
    "GET /staff/lending": (Try(query={"q": "{sent}"}), Try(query={"partner": "{profile}"})),
    "GET /staff/copies": (Try(query={"q": "{copy}"}),),
    "GET /staff/borrowing.csv": (Try(query={"q": "{number}"}),),
    "GET /staff/lending.csv": (Try(query={"q": "{sent}"}),),
    "GET /staff/copies.csv": (Try(query={"q": "{copy}"}),),
    "POST /staff/saved-filters/delete": (Try(form={"place": "borrowing", "id": "{filter}"}, tells=False),),
    "GET /staff/find": (
        Try(query={"q": "{number}"}),
        Try(query={"q": "{title}"}),
        Try(query={"q": "{barcode}"}),
        Try(query={"q": "{card}"}, tells=False),
    ),
    "POST /staff/borrowing/bulk": (
        Try(form={**CHOSEN, "do": "label", "one": "{request}"}),
        Try(form={**CHOSEN, "do": "print", "one": "{request}"}),
    ),
    "POST /staff/borrowing/bulk/do": (
        Try(form={**CHOSEN, "do": "label", "one": "{request}", "label": "x"}),
        Try(form={**CHOSEN, "do": "give", "one": "{request}", "assignee": ""}),
        Try(form={**CHOSEN, "do": "more", "kind": "close", "one": "{request}"}),
    ),
    "POST /staff/lending/bulk": (Try(form={**CHOSEN, "do": "label", "one": "{sent_id}"}),),
    "POST /staff/lending/bulk/do": (Try(form={**CHOSEN, "do": "label", "one": "{sent_id}", "label": "x"}),),
    "POST /staff/copies/bulk": (Try(form={**CHOSEN, "do": "label", "one": "{copy_id}"}),),
    "POST /staff/copies/bulk/do": (Try(form={**CHOSEN, "do": "label", "one": "{copy_id}", "label": "x"}),),
    "POST /staff/undo": (Try(form={"act": "{act}"}),),
    "POST /staff/operation/mailboxes/{name}/poll": (at(name="{mailbox}"),),
    "GET /staff/operation/journal": (Try(query={"request": "{transaction}"}),),
    "POST /staff/operation/journal": (Try(form={"text": "{content}"}),),
    "GET /staff/operation/journal/{message}": (at(**MESSAGE),),
    "POST /staff/operation/journal/{message}": (at(**MESSAGE),),
    "POST /staff/operation/journal/{message}/example": (at(**MESSAGE),),
    "POST /staff/operation/journal/{message}/rehearsal": (at(**MESSAGE),),
    "POST /staff/operation/journal/{message}/replay": (Try(MESSAGE, form={"seen": ""}),),
    "POST /staff/operation/replays/preview": (Try(form={"request": "{transaction}"}),),
    "POST /staff/operation/replays": (Try(form={"request": "{transaction}", "agreed": "1"}),),
    "GET /staff/operation/replays/{job}": (at(**JOB),),
    "POST /staff/operation/replays/{job}": (Try(JOB, form={"act": "pause"}),),
    "GET /staff/operation/profiles/{name}": (at(**PROFILE),),
    "GET /staff/operation/profiles/{name}/values": (at(**PROFILE),),
    "GET /staff/operation/profiles/{name}/history": (at(**PROFILE),),
    "GET /staff/operation/profiles/{name}/history/{version}": (
        at(name="{profile}", version="{version}"),
        at(name="{own_profile}", version="{version}"),
    ),
    "GET /staff/operation/profiles/{name}/edit": (at(**PROFILE),),
    "POST /staff/operation/profiles/{name}/edit": (
        Try(PROFILE, form={"step": "save", "text": "library: FJORD\n", "base": "", "reason": "x"}, is_taken=True),
    ),
    "POST /staff/privacy": (Try(form={"card": "{card}"}),),
    "POST /staff/privacy/export": (Try(form={"card": "{card}"}),),
    "POST /staff/privacy/forget": (Try(form={"card": "{card}"}),),
    "GET /staff/audit": (Try(query={"user": "{user}"}), Try(query={"before": "{audit}"}, tells=False)),
    "GET /staff/users/{name}": (at(**USER),),
    "POST /staff/users/{name}/details": (Try(USER, form={"shown_name": "x"}),),
    "POST /staff/users/{name}/roles": (Try(USER, form={"role": "staff"}),),
    "POST /staff/users/{name}/password": (Try(USER, form={"new_password": "neun Wörter sind genug"}),),
    "POST /staff/users/{name}/state": (Try(USER, form={"state": "disabled"}),),
    "POST /staff/users/{name}/second-factor": (at(**USER),),
    "POST /staff/users/{name}/identity": (at(**USER),),
    "POST /staff/account/library": (Try(form={"library": "{library}"}),),
}

ID, SENT_ID, COPY_ID, OWN_ID = {"id": "{request}"}, {"id": "{sent_id}"}, {"id": "{copy_id}"}, {"id": "{own_id}"}
JOB_ID = {"id": "{job}"}
MAIL_ID, LETTER_ID, HOOK = {"id": "{mail}"}, {"id": "{letter}"}, {"id": "{webhook}"}
BY_CARD, BY_ID = {"patron": "{card}"}, {"patron": "{patron_id}", "by": "id"}
WORK = {"citation": {"type": "book", "title": "De rerum nubium"}}

API_TRIES: Mapping[str, tuple[Try, ...]] = {
    "POST /requests": (
        Try(json={**WORK, "patron": {"identifier": "{card}"}}),
        Try(json={**WORK, "partner": "{profile}"}),
        Try(json={**WORK, "rota": "{rota}"}),
    ),
    "GET /requests": (
        Try(query={"text": "{number}"}),
        Try(query={"q": "{number}"}),
        Try(query={"partner": "{profile}"}),
        Try(query={"patron": "{patron_id}"}),
        Try(query={"assignee": "{user}"}),
    ),
    "GET /requests/{id}": (at(**ID),),
    "POST /requests/{id}/actions/{kind}": (
        Try({**ID, "kind": "close"}, json={}),
        Try({**ID, "kind": "note"}, json={"note": "x"}),
    ),
    "POST /requests/{id}/attachments": (Try(COPY_ID, query={"name": PDF_NAME}, file=PDF_NAME),),
    "GET /requests/{id}/attachments/{file}": (
        at(id="{copy_id}", file="{file}"),
        Try({"id": "{own_id}", "file": "{file}"}, tells=False),
    ),
    "GET /requests/{id}/copy-links": (at(**COPY_ID),),
    "PUT /requests/{id}/rota": (Try(ID, json={"partners": ["sahil", "vaumarin"]}),),
    "POST /requests/{id}/rota/{partner}/skip": (Try({**ID, "partner": "sahil"}, json={}),),
    "GET /request-counts": (Try(query={"text": "{number}"}), Try(query={"partner": "{profile}"})),
    "PUT /requests/{id}/assignee": (Try(ID, json={"assignee": ""}),),
    "POST /requests/{id}/labels": (Try(ID, json={"add": ["x"]}),),
    "GET /requests.csv": (Try(query={"text": "{number}"}),),
    "POST /bulk-actions/{kind}": (Try({"kind": "approve"}, json={"requests": ["{reviewed_id}"]}),),
    "POST /bulk-marks": (Try(json={"requests": ["{request}"], "add": ["x"]}),),
    "DELETE /saved-filters/{id}": (at(id="{key_filter}"),),
    "GET /requests/{id}/messages": (at(**SENT_ID),),
    "POST /requests/{id}/messages/read": (
        Try(SENT_ID, json={"messages": ["{event}"]}),
        Try(OWN_ID, json={"messages": ["{event}"]}, tells=False),
    ),
    "GET /unmatched-mails/{id}": (at(**MAIL_ID),),
    "POST /unmatched-mails/{id}/assign": (
        Try(MAIL_ID, json={"request": "{own_id}", "meaning": "message"}),
        Try({"id": "{own_mail}"}, json={"request": "{request}", "meaning": "message"}),
    ),
    "POST /unmatched-mails/{id}/answer": (Try(MAIL_ID, json={"text": "Danke"}),),
    "POST /unmatched-mails/{id}/dismiss": (at(**MAIL_ID),),
    "GET /partners/{name}": (at(**PARTNER),),
    "GET /rotas/{name}": (at(name="{rota}"),),
    "GET /partners/{name}/closures": (at(**PARTNER),),
    "POST /partners/{name}/closures": (Try(PARTNER, json=DAYS),),
    "DELETE /partners/{name}/closures/{id}": (
        at(name="{own_partner}", id="{closure}"),
        at(name="{closed}", id="{closure}"),
    ),
    "POST /partners/{name}/probe": (at(**PARTNER),),
    "POST /rota-trials": (Try(json={**WORK, "rota": "{rota}"}),),
    "GET /search": (Try(query={"target": "{profile}", "q": "nebel"}, tells=False),),
    "GET /requests/{id}/rota": (at(**ID),),
    "GET /openurl/resolve": (Try(query={"title": "Nebel", "patron": "{card}"}),),
    "GET /notices": (Try(query={"request": "{request}"}, tells=False),),
    "GET /notices/{id}": (at(id="{notice}"),),
    "GET /dead-letters/{id}": (at(**LETTER_ID),),
    "POST /dead-letters/{id}/release": (at(**LETTER_ID),),
    "PUT /dead-letters/{id}/payload": (Try(LETTER_ID, json={"payload": "{{}}"}),),
    "POST /dead-letters/{id}/skip": (Try(LETTER_ID, json={"reason": "x"}),),
    "POST /replay-selections": (Try(json={"request": "{transaction}"}),),
    "POST /replay-jobs": (Try(json={"request": "{transaction}", "agreed": 1}),),
    "GET /replay-jobs/{id}": (at(**JOB_ID),),
    "GET /replay-jobs/{id}/messages": (at(**JOB_ID),),
    **{f"POST /replay-jobs/{{id}}/{act}": (at(**JOB_ID),) for act in ("pause", "resume", "stop")},
    "GET /patron/requests": (Try(query=BY_CARD), Try(query={"patron": "{card}", "by": "any"})),
    "GET /patron/requests/{id}": (Try(ID, query=BY_CARD), Try(ID, query={"patron": "{own_patron}"}, tells=False)),
    "POST /patron/requests/{id}/actions/{act}": (
        Try({**ID, "act": "cancel"}, query=BY_CARD, json={}),
        Try({**ID, "act": "cancel"}, query={"patron": "{own_patron}"}, json={}),
    ),
    "GET /history": (Try(query={"after": "{event}"}, tells=False),),
    "GET /webhooks/{id}": (at(**HOOK),),
    "POST /webhooks/{id}/enable": (at(**HOOK),),
    "DELETE /webhooks/{id}": (at(**HOOK),),
}

READER_TRIES: Mapping[str, tuple[Try, ...]] = {
    "GET /openurl/{library}/requests/{id}": (at(**ID),),
    "GET /openurl/{library}/requests/{id}/copy": (at(id="{delivered}"),),
    "POST /openurl/{library}/requests/{id}/copy": (at(id="{delivered}"),),
    "GET /openurl/{library}/requests/{id}/{act}": (at(id="{request}", act="cancel"),),
    "POST /openurl/{library}/requests/{id}/{act}": (Try({**ID, "act": "cancel"}, form={"version": "1"}),),
    "GET /openurl/{library}/holds/{id}": (at(id="{hold}"),),
    "GET /openurl/{library}/messages/{id}": (at(id="{notice}"),),
    "GET /openurl/{library}/holds/{id}/cancel": (at(id="{hold}"),),
    "POST /openurl/{library}/holds/{id}/cancel": (at(id="{hold}"),),
}

SHARED_TRIES: Mapping[str, tuple[Try, ...]] = {
    "POST /staff/partners/{name}/closures/delete": (Try({"name": "{shared}"}, form={"id": "{closure}"}),),
    "GET /staff/lending": (Try(query={"partner": "{shared}"}),),
    **{
        f"GET /staff/{page}": (at(name="{shared}"),)
        for page in (
            "partners/{name}",
            "operation/profiles/{name}",
            "operation/profiles/{name}/values",
            "operation/profiles/{name}/history",
            "operation/profiles/{name}/edit",
        )
    },
    "GET /staff/requests/{number}": (at(number="{request}"),),
    "POST /staff/requests/{number}/act": (Try({"number": "{request}"}, form={"kind": "edit", "version": "1"}),),
    "POST /staff/requests/{number}/act/{kind}": (
        Try({"number": "{request}", "kind": "close"}, form={"version": "1", "confirmed": "yes"}),
    ),
}
"""By the pages, to reach what another library has with a partner whose name both know, or what it asks of ours in a
mesh. By the number of such a request ours finds its own."""

SHARED_API_TRIES: Mapping[str, tuple[Try, ...]] = {
    "DELETE /partners/{name}/closures/{id}": (at(name="{shared}", id="{closure}"),),
    "GET /partners/{name}": (at(name="{shared}"),),
    "GET /partners/{name}/closures": (at(name="{shared}"),),
    "GET /requests": (Try(query={"partner": "{shared}"}),),
    "GET /requests/{id}": (at(**ID),),
    "POST /requests/{id}/actions/{kind}": (Try({**ID, "kind": "close"}, json={}),),
}

LISTS = "a list, or a page of the library's own"

NAMES_NOTHING: Mapping[str, tuple[str, ...]] = {
    LISTS: (
        "GET /staff",
        "GET /staff/office",
        "GET /staff/live/counts",
        "GET /staff/scan",
        *(f"GET /staff/scan/{desk}" for desk in _SCANS),
        "GET /staff/outbox",
        "GET /staff/partners",
        "GET /staff/print",
        "GET /staff/messages",
        "GET /staff/mail",
        "GET /staff/mail/dismissed",
        "GET /staff/copies/desk",
        "GET /staff/statistics",
        "GET /staff/statistics.csv",
        "GET /staff/operation",
        "GET /staff/operation/replays",
        "GET /staff/operation/profiles",
        "GET /staff/operation/new-profile",
        "GET /staff/privacy",
        "GET /staff/users",
        "GET /staff/new-user",
        "GET /staff/account",
        "GET /staff/account/second-factor",
        "GET /api/v1/saved-filters",
        "GET /api/v1/messages",
        "GET /api/v1/unmatched-mails",
        "GET /api/v1/partners",
        "GET /api/v1/rotas",
        "GET /api/v1/network/load",
        "GET /api/v1/search/targets",
        "GET /api/v1/tasks",
        "GET /api/v1/digitisation",
        "GET /api/v1/clearance",
        "GET /api/v1/mailboxes-away",
        "GET /api/v1/dead-letters",
        "GET /api/v1/replay-jobs",
        "GET /api/v1/statistics",
        "GET /api/v1/key",
        "GET /api/v1/webhooks",
        "GET /openurl/{library}/privacy",
        "GET /openurl/{library}/requests",
        "GET /openurl/{library}/messages",
        "GET /openurl/{library}/settings",
    ),
    "the same for everybody": (
        "GET /staff/help",
        "GET /staff/handbook",
        "GET /staff/handbook/{name}",
        "GET /staff/handbook/pictures/{picture}.png",
        "GET /api/v1/openapi.json",
        "GET /api/v1/docs",
        "GET /account",
        "GET /account/{library}",
        "GET /openurl",
        "GET /openurl/",
        "GET /openurl/{library}",
        "GET /openurl/{library}/",
        "GET /openurl/{library}/citation",
        "GET /openurl/{library}/sign-in",
        "GET /_assets/{name}",
        "GET /openurl/_assets/{name}",
        "GET /staff/_assets/{name}",
        "GET /openurl/_brand/{library}/{name}",
        "GET /staff/_brand/{library}/{name}",
        "GET /staff/",
        "GET /healthz",
        "GET /readyz",
        "GET /readyz/{library}",
        "GET /metrics",
        "GET /.well-known/jwks.json",
        "GET /",
    ),
    "about who signs in, or the account of who has": (
        "GET /staff/sign-in",
        "POST /staff/sign-in",
        "POST /staff/sign-in/code",
        "GET /staff/sign-in/provider",
        "GET /staff/sign-in/proxy",
        "GET /staff/signed-in",
        "POST /staff/sign-out",
        "POST /staff/account/password",
        "POST /staff/account/sessions",
        "POST /staff/account/look",
        "POST /staff/account/second-factor/begin",
        "POST /staff/account/second-factor/finish",
        "POST /staff/account/second-factor/recovery-codes",
        "POST /staff/account/second-factor/remove",
        "POST /openurl/{library}/sign-in",
        "GET /openurl/{library}/sign-in/provider",
        "GET /openurl/{library}/signed-in",
        "POST /openurl/{library}/sign-out",
        "POST /openurl/{library}/privacy/file",
        "POST /openurl/{library}/privacy/erase",
        "POST /openurl/{library}/settings",
    ),
    "makes something of the library's own, or changes a choice of who sends": (
        "POST /staff/scan/settings",
        "POST /staff/list-columns",
        "POST /staff/saved-filters",
        "POST /staff/operation/check",
        "POST /staff/operation/new-profile",
        "POST /staff/new-user",
        "POST /api/v1/lending-requests",
        "POST /api/v1/saved-filters",
        "POST /api/v1/webhooks",
        "POST /api/v1/openurl/resolve",
        "POST /openurl",
        "POST /openurl/",
        "POST /openurl/{library}",
        "POST /openurl/{library}/",
        "POST /openurl/{library}/citation",
        "GET /openurl/{library}/request",
        "POST /openurl/{library}/request",
        "GET /openurl/{library}/hold",
        "POST /openurl/{library}/hold",
    ),
    "an answer that does not end; it looks at the events that /history lists": (
        "GET /staff/live",
        "GET /api/v1/events",
    ),
    "for whoever has the link": (
        "GET /d/{token}",
        "POST /d/{token}",
        "GET /q/{token}",
        "POST /q/{token}",
    ),
    "partners' messages: whose profile it is, a credential says": tuple(
        f"* /{protocol}{rest}{end}"
        for protocol in ("iso18626", "ncip", "openrs")
        for end in ("", "/")
        for rest in ("", "/{first}", "/{first}/{second}", "/{first}/{second}/{key}")
    ),
    "there is nothing": ("* /api", "* /api/{rest}"),
}
"""Routes by the reason for which nothing of another library can be named by them."""
