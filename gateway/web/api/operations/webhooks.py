"""Webhooks, and the key itself."""

from __future__ import annotations

from aiohttp import hdrs

from gateway.services.api_keys import Scope
from gateway.web.api.models.desk import KeyOut, NewWebhook, WebhookList, WebhookMade, WebhookOut
from gateway.web.api.models.values import Identifier
from gateway.web.api.operation import Answer, Call, Nothing, Operation, Parameters, Repeats, Reply
from gateway.web.api.operations.requests import LOCATION, ROOT
from gateway.web.api.problem import ProblemType

TAG = "Webhooks"
ADMIN = (Scope.ADMIN,)


class WebhookPath(Parameters):
    id: Identifier


async def create(call: Call[Nothing, Nothing, NewWebhook]) -> Reply:
    body = call.body
    made = await call.parts.webhooks.create(call.holder.library, body.name, body.url, body.events)
    whole = WebhookMade(**WebhookOut.of(made).model_dump(), secret=made.secret)
    return Reply(whole, 201, {hdrs.LOCATION: f"{ROOT}/webhooks/{made.id}"})


async def list_(call: Call[Nothing, Nothing, None]) -> Reply:
    found = await call.parts.webhooks.of_library(call.holder.library)
    return Reply(WebhookList(items=tuple(WebhookOut.of(one) for one in found)))


async def show(call: Call[WebhookPath, Nothing, None]) -> Reply:
    return Reply(WebhookOut.of(await call.parts.webhooks.get(call.holder.library, call.path.id)))


async def remove(call: Call[WebhookPath, Nothing, None]) -> Reply:
    await call.parts.webhooks.remove(call.holder.library, call.path.id)
    return Reply(status=204)


async def enable(call: Call[WebhookPath, Nothing, None]) -> Reply:
    return Reply(WebhookOut.of(await call.parts.webhooks.enable(call.holder.library, call.path.id)))


async def key(call: Call[Nothing, Nothing, None]) -> Reply:
    return Reply(_key(call))


def _key(call: Call[Nothing, Nothing, None]) -> KeyOut:
    holder = call.holder
    return KeyOut(library=holder.library, prefix=holder.prefix, name=holder.name, scopes=tuple(sorted(holder.scopes)))


WEBHOOK_OPERATIONS = (
    Operation(
        id="showKey",
        method="GET",
        path="/key",
        tag="Key",
        summary="What the key in use is allowed to do",
        scopes=tuple(Scope),
        handler=key,
        answers=(Answer(200, "The key, without its secret", KeyOut),),
        path_model=Nothing,
        query_model=Nothing,
    ),
    Operation(
        id="createWebhook",
        method="POST",
        path="/webhooks",
        tag=TAG,
        summary="Be told of events",
        description="Deliveries are signed with the secret in the answer, which is shown only there.",
        scopes=ADMIN,
        handler=create,
        answers=(Answer(201, "The new webhook with its secret", WebhookMade, {hdrs.LOCATION: LOCATION}),),
        path_model=Nothing,
        query_model=Nothing,
        body=NewWebhook,
        repeats=Repeats.BY_KEY,
        problems=(ProblemType.REFUSED,),
    ),
    Operation(
        id="listWebhooks",
        method="GET",
        path="/webhooks",
        tag=TAG,
        summary="List webhooks",
        scopes=ADMIN,
        handler=list_,
        answers=(Answer(200, "All webhooks, oldest first", WebhookList),),
        path_model=Nothing,
        query_model=Nothing,
    ),
    Operation(
        id="showWebhook",
        method="GET",
        path="/webhooks/{id}",
        tag=TAG,
        summary="Show a webhook",
        scopes=ADMIN,
        handler=show,
        answers=(Answer(200, "The webhook", WebhookOut),),
        path_model=WebhookPath,
        query_model=Nothing,
    ),
    Operation(
        id="deleteWebhook",
        method="DELETE",
        path="/webhooks/{id}",
        tag=TAG,
        summary="Be told no more",
        scopes=ADMIN,
        handler=remove,
        answers=(Answer(204, "Done"),),
        path_model=WebhookPath,
        query_model=Nothing,
    ),
    Operation(
        id="enableWebhook",
        method="POST",
        path="/webhooks/{id}/enable",
        tag=TAG,
        summary="Deliver again after long failure",
        scopes=ADMIN,
        handler=enable,
        answers=(Answer(200, "The webhook", WebhookOut),),
        path_model=WebhookPath,
        query_model=Nothing,
    ),
)
