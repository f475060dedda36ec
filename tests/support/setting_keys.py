"""All keys of gateway.yml, of library systems, of profiles and of requests.yml, by the models that read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from gateway.adapter_registry import load_adapters
from gateway.domain.profile import Profile
from gateway.domain.requests.policy import RequestPolicy
from gateway.settings.sections import Settings


@dataclass(frozen=True)
class SettingKey:
    """`default`: what it is where nobody writes it; PydanticUndefined: it has to be there."""

    model: type[BaseModel]
    name: str
    default: Any

    def __str__(self) -> str:
        """Such as `koha.KohaOptions.url`."""
        package = next(one for one in self.model.__module__.split(".") if one not in ("adapters", "gateway", "library"))
        return f"{package}.{self.model.__name__}.{self.name}"


def list_setting_keys() -> list[SettingKey]:
    """Sections too: a library system may share one with others, and has to hand it on."""
    adapters = load_adapters()
    roots = [Settings, RequestPolicy, Profile, *adapters.sections.values()]
    roots += [adapter.options for adapter in adapters.libraries.values()]
    models: dict[type[BaseModel], None] = {}
    for root in roots:
        _add_models(root, models)
    return sorted(
        (
            SettingKey(model, name, field.get_default(call_default_factory=True, validated_data={}))
            for model in models
            for name, field in model.model_fields.items()
        ),
        key=str,
    )


def _add_models(model: type[BaseModel], models: dict[type[BaseModel], None]) -> None:
    if model in models:
        return
    models[model] = None
    model.model_rebuild()
    for field in model.model_fields.values():
        for kind in _iter_kinds(field.annotation):
            _add_models(kind, models)


def _iter_kinds(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation is not BaseModel:
        yield annotation
    for argument in get_args(annotation):
        yield from _iter_kinds(argument)
