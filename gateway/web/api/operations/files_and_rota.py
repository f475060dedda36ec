"""Files and the rota of a request."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from aiohttp import hdrs
from pydantic import Field, StringConstraints

from gateway.domain.requests.views import StoredFile, Upload
from gateway.services.api_keys import Scope
from gateway.web.api.files import MEDIA_TYPES, fits
from gateway.web.api.models.inputs import RotaOrder, SkipLine
from gateway.web.api.models.outputs import AttachmentOut
from gateway.web.api.models.values import Identifier, Name, Whole
from gateway.web.api.operation import (
    Answer,
    Call,
    Nothing,
    Operation,
    Parameters,
    Precondition,
    Raw,
    RawBody,
    Repeats,
    Reply,
)
from gateway.web.api.operations.requests import CHANGED, ETAG, LOCATION, RequestPath, changed, href, may_change
from gateway.web.api.problem import ProblemType, fail
from gateway.web.api.reading import etag

WRITE = (Scope.REQUESTS_WRITE, Scope.LENDING)


class FilePath(RequestPath):
    file: Identifier


class LinePath(RequestPath):
    partner: Name


class UploadQuery(Parameters):
    name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f/\\]+$")] = Field(
        description="name of the file"
    )
    pages: Whole | None = Field(None, ge=1, le=100_000, description="number of pages, where it is known")


# --- files -----------------------------------------------------------------------------------------------


async def upload(call: Call[RequestPath, UploadQuery, RawBody]) -> Reply:
    sent = call.body
    if not fits(sent.media_type, sent.content):
        raise fail(ProblemType.UNSUPPORTED_MEDIA_TYPE, f"The file is not what Content-Type says ({sent.media_type}).")
    await may_change(call, call.path.id)
    given = Upload(name=call.query.name, media_type=sent.media_type, content=sent.content, pages=call.query.pages)
    request, attachment = await call.parts.services.requests.attach(
        call.holder.library, call.path.id, given, call.holder.actor, call.version
    )
    place = f"{href(request.id)}/attachments/{attachment.id}"
    headers: dict[str, str] = {hdrs.LOCATION: place, hdrs.ETAG: etag(request.version)}
    return Reply(AttachmentOut.model_validate(attachment), 201, headers)


async def download(call: Call[FilePath, Nothing, None]) -> Reply:
    found = await call.parts.services.requests.attachment(call.holder.library, call.path.id, call.path.file)
    return Reply(found.content, 200, file_headers(found), found.attachment.media_type)


def file_headers(found: StoredFile) -> dict[str, str]:
    """Never shown in place: a file from elsewhere must not run as a page of ours."""
    return {
        hdrs.CONTENT_DISPOSITION: f"attachment; filename*=UTF-8''{quote(found.attachment.name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


# --- rota ------------------------------------------------------------------------------------------------


async def reorder(call: Call[RequestPath, Nothing, RotaOrder]) -> Reply:
    await may_change(call, call.path.id)
    requests, holder = call.parts.services.requests, call.holder
    return changed(await requests.reorder(holder.library, call.path.id, call.body.partners, holder.actor, call.version))


async def skip_line(call: Call[LinePath, Nothing, SkipLine]) -> Reply:
    await may_change(call, call.path.id)
    requests, holder, path = call.parts.services.requests, call.holder, call.path
    return changed(
        await requests.skip(holder.library, path.id, path.partner, call.body.why, holder.actor, call.version)
    )


FILE_AND_ROTA_OPERATIONS = (
    Operation(
        id="uploadAttachment",
        method="POST",
        path="/requests/{id}/attachments",
        tag="Files",
        summary="Upload a file to a request",
        description="The body is the file itself. What it is gets checked against its Content-Type.",
        scopes=WRITE,
        handler=upload,
        answers=(Answer(201, "The file", AttachmentOut, {hdrs.LOCATION: LOCATION, hdrs.ETAG: ETAG}),),
        path_model=RequestPath,
        query_model=UploadQuery,
        body=Raw(MEDIA_TYPES, lambda parts: parts.limits.attachment_bytes),
        precondition=Precondition.VERSION,
        repeats=Repeats.BY_KEY,
        problems=(ProblemType.REFUSED, ProblemType.NOT_NOW),
    ),
    Operation(
        id="downloadAttachment",
        method="GET",
        path="/requests/{id}/attachments/{file}",
        tag="Files",
        summary="Download a file of a request",
        scopes=(Scope.REQUESTS_READ,),
        handler=download,
        answers=(Answer(200, "The file", None, {hdrs.CONTENT_DISPOSITION: "its name"}, MEDIA_TYPES),),
        path_model=FilePath,
        query_model=Nothing,
    ),
    Operation(
        id="reorderRota",
        method="PUT",
        path="/requests/{id}/rota",
        tag="Rotas",
        summary="Order the suppliers that were not asked yet",
        description="Suppliers that are not named stay behind the named ones; new ones are added.",
        scopes=(Scope.REQUESTS_WRITE,),
        handler=reorder,
        answers=(CHANGED,),
        path_model=RequestPath,
        query_model=Nothing,
        body=RotaOrder,
        precondition=Precondition.VERSION,
        problems=(ProblemType.REFUSED, ProblemType.NOT_NOW),
    ),
    Operation(
        id="skipRotaLine",
        method="POST",
        path="/requests/{id}/rota/{partner}/skip",
        tag="Rotas",
        summary="Do not ask this supplier",
        scopes=(Scope.REQUESTS_WRITE,),
        handler=skip_line,
        answers=(CHANGED,),
        path_model=LinePath,
        query_model=Nothing,
        body=SkipLine,
        precondition=Precondition.VERSION,
        repeats=Repeats.BY_KEY,
        problems=(ProblemType.REFUSED, ProblemType.NOT_NOW),
    ),
)
