"""What a check has found."""

from __future__ import annotations

from gateway.configuration.problems import Problem
from gateway.domain.frozen import frozen


@frozen
class ProfileFindings:
    """Of one profile. `examples` were run, `answers` of them up to the answer."""

    name: str
    file: str
    problems: tuple[Problem, ...] = ()
    examples: int = 0
    answers: int = 0


@frozen
class Report:
    """`installation`: problems of gateway.yml, its libraries and secrets; `requests`: of requests.yml; `notes`: what
    was not looked at, and why."""

    installation: tuple[Problem, ...]
    profiles: tuple[ProfileFindings, ...]
    notes: tuple[str, ...] = ()
    requests: tuple[Problem, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Each once, though several profiles may share it."""
        of_profiles = (problem for profile in self.profiles for problem in profile.problems)
        all_ = [*self.installation, *self.requests, *of_profiles]
        return tuple(dict.fromkeys(all_))
