"""Statistics for programs: the figures of staff's page."""

from __future__ import annotations

from gateway.domain.requests.request import ServiceType
from gateway.domain.requests.request_figures import FigureFilter, parse_month_value
from gateway.services.desks.request_statistics import MAX_MONTHS, list_months
from gateway.services.desks.survey_counts import count_surveys
from gateway.services.people.api_keys import KeyScope
from gateway.web.api.models.bases import NoParameters
from gateway.web.api.models.statistics import StatisticsOut, StatisticsQuery
from gateway.web.api.operation import AnswerDescription, Operation, OperationCall, OperationReply
from gateway.web.api.problems import validation_problem


async def read_statistics(call: OperationCall[NoParameters, StatisticsQuery, None]) -> OperationReply:
    query, service = call.query, call.library.statistics
    first, last = parse_month_value(query.first), parse_month_value(query.last)
    if not 1 <= len(list_months(first, last)) <= MAX_MONTHS:
        raise validation_problem("query.last", f"must be 1 to {MAX_MONTHS} months from the first one")
    wanted = FigureFilter(
        library=call.holder.library,
        first=first,
        last=last,
        branch=query.branch,
        partner=query.partner,
        service=ServiceType(query.service) if query.service else None,
    )
    statistics = await service.read_statistics(wanted)
    surveys = count_surveys(service.context.policy().statistics.surveys, statistics)
    return OperationReply(StatisticsOut.from_statistics(statistics, surveys))


STATISTICS_OPERATIONS = (
    Operation(
        id="readStatistics",
        method="GET",
        path="/statistics",
        tag="Statistics",
        summary="Count the requests of some months",
        description="The figures of the page for staff: how many requests were filled, how long it took, with whom, "
        "why not, what it cost, the lines of surveys, and the same months of the year before. No patron is in them.",
        scopes=(KeyScope.STATISTICS_READ,),
        handler=read_statistics,
        answers=(AnswerDescription(200, "The figures, and the rule of each kind", StatisticsOut),),
        path_model=NoParameters,
        query_model=StatisticsQuery,
    ),
)
