"""Searching, resolving links, explaining suppliers."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from pydantic import ConfigDict, Field, StringConstraints

from gateway.domain.problems import MalformedMessage, Refused
from gateway.ports.catalogue import CatalogueQuery, ReceivedLink
from gateway.services.people.api_keys import KeyScope
from gateway.services.searching import search as catalogue_search
from gateway.web.api.models.bases import NoParameters, ParameterModel
from gateway.web.api.models.catalogues import ExplanationOut, ResolvedOut, SearchOut, TargetList, TargetOut
from gateway.web.api.models.values import Line, Name, Whole
from gateway.web.api.operation import AnswerDescription, Operation, OperationCall, OperationReply, RawBody, RawBodyType
from gateway.web.api.operations.requests import RequestPath
from gateway.web.api.problems import ProblemType, api_problem, validation_problem

READ = (KeyScope.REQUESTS_READ, KeyScope.REQUESTS_WRITE)
TAG = "Catalogues"

PATRON = "patron"
FORM = "application/x-www-form-urlencoded"
SCOPES = (KeyScope.PATRON, KeyScope.REQUESTS_READ, KeyScope.REQUESTS_WRITE)

DESCRIPTION = """\
All other parameters are the link's own, of OpenURL 0.1 or 1.0, as they would stand behind `/openurl?`; by POST they may
be in the body. Nothing is created. `offers` are those of the page, in the order of the library's rules; a request is
made with `POST /requests`. With `article_lookup` of gateway.yml a DOI or PubMed ID alone becomes a whole citation.
"""


class SearchQuery(ParameterModel):
    target: Name = Field(description="a profile with a catalogue, or a group of requests.yml")
    q: Line = Field("", description='words, and title:"…" author:… isbn:… issn:… oclc:… lccn:… subject:… year:…')
    native: Line = Field("", description="instead of `q`: PQF for Z39.50, CQL for SRU")
    records: Whole = Field(0, ge=0, le=100, description="of each target at most; 0: as requests.yml says")


async def list_search_targets(call: OperationCall[NoParameters, NoParameters, None]) -> OperationReply:
    targets = call.library.search.targets()
    return OperationReply(TargetList(items=tuple(TargetOut.model_validate(target) for target in targets)))


async def search_catalogues(call: OperationCall[NoParameters, SearchQuery, None]) -> OperationReply:
    query = _parse_search_query(call.query)
    asked = call.query
    return OperationReply(SearchOut.from_outcome(await call.library.search.search(asked.target, query, asked.records)))


def _parse_search_query(query: SearchQuery) -> CatalogueQuery:
    """Parse a query; raises ApiProblem (INVALID)."""
    if query.q and query.native:
        raise validation_problem("query.native", "can't be there together with q")
    name, parse = ("native", catalogue_search.native_query) if query.native else ("q", catalogue_search.parse_query)
    try:
        return parse(query.native or query.q)
    except Refused as refused:
        raise validation_problem(f"query.{name}", refused.detail) from refused


async def explain_request_rota(call: OperationCall[RequestPath, NoParameters, None]) -> OperationReply:
    explanation = await call.library.partners.explain(call.path.id)
    return OperationReply(ExplanationOut.from_explanation(explanation))


SEARCH_OPERATIONS = (
    Operation(
        id="listSearchTargets",
        method="GET",
        path="/search/targets",
        tag=TAG,
        summary="List catalogues and groups of them",
        scopes=READ,
        handler=list_search_targets,
        answers=(AnswerDescription(200, "Groups, then profiles by name", TargetList),),
        path_model=NoParameters,
        query_model=NoParameters,
    ),
    Operation(
        id="searchCatalogues",
        method="GET",
        path="/search",
        tag=TAG,
        summary="Search a catalogue, or a group of them at once",
        description=(
            "The same thing in several catalogues is one result. A target that gives no answer in time is named in "
            "`targets` with the reason; the others are shown."
        ),
        scopes=READ,
        handler=search_catalogues,
        answers=(AnswerDescription(200, "What was found", SearchOut),),
        path_model=NoParameters,
        query_model=SearchQuery,
        problems=(ProblemType.NOT_FOUND,),
    ),
    Operation(
        id="explainRota",
        method="GET",
        path="/requests/{id}/rota",
        tag="Rotas",
        summary="Why each supplier stands where it stands now",
        description=(
            "The search for the next supplier with the loads, closures and holdings of this moment; their catalogues "
            "are asked, and nothing is changed."
        ),
        scopes=(KeyScope.REQUESTS_READ,),
        handler=explain_request_rota,
        answers=(AnswerDescription(200, "The suppliers", ExplanationOut),),
        path_model=RequestPath,
        query_model=NoParameters,
        problems=(ProblemType.REFUSED,),
    ),
)


class LinkQuery(ParameterModel):
    """The keys of a link are no parameters of ours."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    patron: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = Field(
        "", description="identifier of the patron who asks, for rules that look at it; none: nobody knows"
    )


async def resolve_openurl(call: OperationCall[NoParameters, LinkQuery, RawBody | None]) -> OperationReply:
    links = call.library.offering
    if links is None:
        raise api_problem(ProblemType.NOT_FOUND, "No adapter that reads links is installed.")
    raw = call.http.raw_path.partition("?")[2]
    query = "&".join(part for part in raw.split("&") if not part.startswith(f"{PATRON}="))
    form, kind = (call.body.content, call.body.media_type) if call.body is not None else (b"", "")
    try:
        link = await links.resolve(ReceivedLink(query.encode(), form, kind), call.query.patron)
    except MalformedMessage as malformed:
        raise api_problem(ProblemType.MALFORMED, f"The link can't be read: {malformed}") from None
    return OperationReply(ResolvedOut.from_resolved_link(link, f"/openurl/{quote(call.holder.library, safe=':')}"))


_ANSWERS = (AnswerDescription(200, "What is cited, and what can be done for it", ResolvedOut),)
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
        handler=resolve_openurl,
        answers=_ANSWERS,
        path_model=NoParameters,
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
        handler=resolve_openurl,
        answers=_ANSWERS,
        path_model=NoParameters,
        query_model=LinkQuery,
        body=RawBodyType((FORM,), lambda parts: parts.limits.body_bytes),
        problems=_PROBLEMS,
    ),
)
