"""Links for home-made forms and discovery systems: what they cite, and what the library can do for it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from pydantic import ConfigDict, Field, StringConstraints

from gateway.domain.problems import MalformedMessage
from gateway.ports.citing import ArrivedLink
from gateway.services.api_keys import Scope
from gateway.web.api.models.openurl import ResolvedOut
from gateway.web.api.operation import Answer, Call, Nothing, Operation, Parameters, Raw, RawBody, Reply
from gateway.web.api.problem import ProblemType, fail

PATRON = "patron"
FORM = "application/x-www-form-urlencoded"
SCOPES = (Scope.PATRON, Scope.REQUESTS_READ, Scope.REQUESTS_WRITE)

DESCRIPTION = """\
All other parameters are the link's own, of OpenURL 0.1 or 1.0, as they would stand behind `/openurl?`; by POST they may
be in the body. Nothing is created. `offers` are those of the page, in the order of the library's rules; a request is
made with `POST /requests`.
"""


class LinkQuery(Parameters):
    """The keys of a link are no parameters of ours."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    patron: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = Field(
        "", description="identifier of the patron who asks, for rules that look at it; none: nobody knows"
    )


async def resolve(call: Call[Nothing, LinkQuery, RawBody | None]) -> Reply:
    links = call.parts.services.links
    if links is None:
        raise fail(ProblemType.NOT_FOUND, "No adapter that reads links is installed.")
    raw = call.http.raw_path.partition("?")[2]
    query = "&".join(part for part in raw.split("&") if not part.startswith(f"{PATRON}="))
    form, kind = (call.body.content, call.body.media_type) if call.body is not None else (b"", "")
    try:
        found = await links.resolve(call.holder.library, ArrivedLink(query.encode(), form, kind), call.query.patron)
    except MalformedMessage as malformed:
        raise fail(ProblemType.MALFORMED, f"The link can't be read: {malformed}") from None
    return Reply(ResolvedOut.of(found, f"/openurl/{quote(call.holder.library, safe=':')}"))


_ANSWERS = (Answer(200, "What is cited, and what can be done for it", ResolvedOut),)
_PROBLEMS = (ProblemType.NOT_FOUND, ProblemType.REFUSED)

OPENURL_OPERATIONS = (
    Operation(
        id="resolveLink",
        method="GET",
        path="/openurl/resolve",
        tag="Links",
        summary="What the library can do for an OpenURL",
        description=DESCRIPTION,
        scopes=SCOPES,
        handler=resolve,
        answers=_ANSWERS,
        path_model=Nothing,
        query_model=LinkQuery,
        problems=_PROBLEMS,
    ),
    Operation(
        id="resolvePostedLink",
        method="POST",
        path="/openurl/resolve",
        tag="Links",
        summary="The same, by POST",
        description=DESCRIPTION,
        scopes=SCOPES,
        handler=resolve,
        answers=_ANSWERS,
        path_model=Nothing,
        query_model=LinkQuery,
        body=Raw((FORM,), lambda parts: parts.limits.body_bytes),
        problems=_PROBLEMS,
    ),
)
