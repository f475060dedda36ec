"""Other libraries' catalogues: searching them, and why a supplier is asked or not."""

from __future__ import annotations

from pydantic import Field

from gateway.domain.problems import Refused
from gateway.ports.search import Query
from gateway.services.api_keys import Scope
from gateway.services.searching import words
from gateway.web.api.models.search import ExplanationOut, SearchOut, TargetList, TargetOut
from gateway.web.api.models.values import Line, Name, Whole
from gateway.web.api.operation import Answer, Call, Nothing, Operation, Parameters, Reply
from gateway.web.api.operations.requests import RequestPath
from gateway.web.api.problem import ProblemType, mistaken

READ = (Scope.REQUESTS_READ, Scope.REQUESTS_WRITE)
TAG = "Catalogues"


class SearchQuery(Parameters):
    target: Name = Field(description="a profile with a catalogue, or a group of requests.yml")
    q: Line = Field("", description='words, and title:"…" author:… isbn:… issn:… oclc:… lccn:… subject:… year:…')
    native: Line = Field("", description="instead of `q`: PQF for Z39.50, CQL for SRU")
    records: Whole = Field(0, ge=0, le=100, description="of each target at most; 0: as requests.yml says")


async def targets(call: Call[Nothing, Nothing, None]) -> Reply:
    found = call.parts.services.search.targets(call.holder.library)
    return Reply(TargetList(items=tuple(TargetOut.model_validate(one) for one in found)))


async def search(call: Call[Nothing, SearchQuery, None]) -> Reply:
    query = _query(call.query)
    asked = call.query
    return Reply(
        SearchOut.of(await call.parts.services.search.search(call.holder.library, asked.target, query, asked.records))
    )


def _query(asked: SearchQuery) -> Query:
    """Raises ApiProblem (INVALID)."""
    if asked.q and asked.native:
        raise mistaken("query.native", "can't be there together with q")
    name, parse = ("native", words.native) if asked.native else ("q", words.parse)
    try:
        return parse(asked.native or asked.q)
    except Refused as refused:
        raise mistaken(f"query.{name}", refused.detail) from refused


async def explain(call: Call[RequestPath, Nothing, None]) -> Reply:
    found = await call.parts.services.partners.explain(call.holder.library, call.path.id)
    return Reply(ExplanationOut.of(found))


SEARCH_OPERATIONS = (
    Operation(
        id="listSearchTargets",
        method="GET",
        path="/search/targets",
        tag=TAG,
        summary="List catalogues and groups of them",
        scopes=READ,
        handler=targets,
        answers=(Answer(200, "Groups, then profiles by name", TargetList),),
        path_model=Nothing,
        query_model=Nothing,
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
        handler=search,
        answers=(Answer(200, "What was found", SearchOut),),
        path_model=Nothing,
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
        scopes=(Scope.REQUESTS_READ,),
        handler=explain,
        answers=(Answer(200, "The suppliers", ExplanationOut),),
        path_model=RequestPath,
        query_model=Nothing,
        problems=(ProblemType.REFUSED,),
    ),
)
