"""Work of staff on partners and rotas: closing days, a test of the connection, a trial of a rota."""

from __future__ import annotations

from gateway.domain.requests.views import NotFound
from gateway.services.desks.staff_service import RotaTrial
from gateway.services.people.api_keys import KeyScope
from gateway.web.api.models.bases import NoParameters
from gateway.web.api.models.catalogues import ExplanationOut
from gateway.web.api.models.inputs import ClosureIn, RotaTrialIn
from gateway.web.api.models.staff import ClosureList, ClosureOut, ProbeStepList, ProbeStepOut
from gateway.web.api.models.values import Identifier
from gateway.web.api.operation import (
    AnswerDescription,
    Operation,
    OperationCall,
    OperationReply,
    RepeatPolicy,
)
from gateway.web.api.operations.staff import DONE, READ, NamePath
from gateway.web.api.problems import ProblemType


class ClosurePath(NamePath):
    id: Identifier


async def list_closures(call: OperationCall[NamePath, NoParameters, None]) -> OperationReply:
    closures = await call.library.closures.list_closures(call.path.name)
    return OperationReply(ClosureList(items=tuple(map(ClosureOut.model_validate, closures))))


async def add_closure(call: OperationCall[NamePath, NoParameters, ClosureIn]) -> OperationReply:
    body, holder = call.body, call.holder
    view = await call.library.closures.add_closure(call.path.name, body.first, body.last, body.note, holder.actor)
    return OperationReply(ClosureOut.model_validate(view), 201)


async def recall_closure(call: OperationCall[NamePath, NoParameters, ClosureIn], reference: str) -> OperationReply:
    closures = await call.library.closures.list_closures(call.path.name)
    closure = next((view for view in closures if view.id == reference), None)
    if closure is None:
        raise NotFound("closure")
    return OperationReply(ClosureOut.model_validate(closure), 201)


async def remove_closure(call: OperationCall[ClosurePath, NoParameters, None]) -> OperationReply:
    await call.library.closures.remove_closure(call.path.name, call.path.id)
    return OperationReply(status=204)


async def probe_partner(call: OperationCall[NamePath, NoParameters, None]) -> OperationReply:
    steps = await call.library.probe.probe_partner(call.path.name)
    return OperationReply(ProbeStepList(items=tuple(map(ProbeStepOut.model_validate, steps))))


async def try_rota(call: OperationCall[NoParameters, NoParameters, RotaTrialIn]) -> OperationReply:
    body = call.body
    wish = body.make_value(RotaTrial)
    explanation = await call.library.partners.explain_trial(wish)
    return OperationReply(ExplanationOut.from_explanation(explanation))


PARTNER_WORK_OPERATIONS = (
    Operation(
        id="listClosures",
        method="GET",
        path="/partners/{name}/closures",
        tag="Partners",
        summary="When a partner is closed",
        description="From today on: what its profile says, and what was written by the API or at staff's pages.",
        scopes=READ,
        handler=list_closures,
        answers=(AnswerDescription(200, "The days, by the first of each", ClosureList),),
        path_model=NamePath,
        query_model=NoParameters,
    ),
    Operation(
        id="addClosure",
        method="POST",
        path="/partners/{name}/closures",
        tag="Partners",
        summary="Say that a partner is closed",
        description="It isn't asked on these days; what is open with it goes on.",
        scopes=(KeyScope.ADMIN,),
        handler=add_closure,
        answers=(AnswerDescription(201, "As it is kept", ClosureOut),),
        path_model=NamePath,
        query_model=NoParameters,
        body=ClosureIn,
        repeats=RepeatPolicy.BY_KEY,
        recall=recall_closure,
        problems=(ProblemType.REFUSED,),
    ),
    Operation(
        id="removeClosure",
        method="DELETE",
        path="/partners/{name}/closures/{id}",
        tag="Partners",
        summary="Take such days back",
        description="Those of the profile are changed there.",
        scopes=(KeyScope.ADMIN,),
        handler=remove_closure,
        answers=(DONE,),
        path_model=ClosurePath,
        query_model=NoParameters,
    ),
    Operation(
        id="probePartner",
        method="POST",
        path="/partners/{name}/probe",
        tag="Partners",
        summary="Try whether a partner can be reached",
        description="As `illgate check --live` does it: its secrets, addresses, mail server and catalogue, one after "
        "the other, with the time of each. Nothing is sent to it.",
        scopes=(KeyScope.ADMIN,),
        handler=probe_partner,
        answers=(AnswerDescription(200, "The steps, failed ones too", ProbeStepList),),
        path_model=NamePath,
        query_model=NoParameters,
    ),
    Operation(
        id="tryRota",
        method="POST",
        path="/rota-trials",
        tag="Rotas",
        summary="Whom a wish would go to, and why",
        description="With the loads, closures and holdings of this moment; catalogues are asked, no request is made.",
        scopes=READ,
        handler=try_rota,
        answers=(AnswerDescription(200, "The suppliers", ExplanationOut),),
        path_model=NoParameters,
        query_model=NoParameters,
        body=RotaTrialIn,
        problems=(ProblemType.NOT_FOUND,),
    ),
)
