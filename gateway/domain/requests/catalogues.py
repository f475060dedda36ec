"""Other libraries' catalogues in requests.yml: groups that are searched together, and how many are asked at once."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from gateway.domain.policy import Section


def _different(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"stands twice: {', '.join(twice)}")
    return names


Targets = Annotated[tuple[str, ...], AfterValidator(_different), Field(min_length=1)]


class Catalogues(Section):
    groups: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,99}$")], Targets] = Field(
        {}, description="name -> profiles whose catalogues are searched together by that name"
    )
    look_up: str = Field(
        "", description="profile or group that knows the numbers of forms (ISBN, ISSN, DOI …); empty: none is asked"
    )
    ahead: int = Field(6, ge=1, le=50, description="so many suppliers of a rota are looked up at once")
    at_once: int = Field(50, ge=1, le=200, description="so many targets of a group are asked at once")
    seconds: float = Field(
        15.0, gt=0, le=120, description="a target that has not answered a search by then is left out"
    )
    records: int = Field(20, ge=1, le=100, description="records that each target gives at most")

    @model_validator(mode="after")
    def _names(self) -> Catalogues:
        inside = sorted({name for names in self.groups.values() for name in names if name in self.groups})
        if inside:
            raise ValueError(f"the name of a group and of a profile in one: {', '.join(inside)}")
        return self
