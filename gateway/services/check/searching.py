"""Can the catalogues that profiles and requests.yml name be searched?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping

from gateway.configuration.problems import ConfigurationError, Path, Problem
from gateway.domain.problems import Refused, Unavailable
from gateway.policies import LoadedPolicy
from gateway.ports.adapter import SearchAdapter
from gateway.ports.search import Index, Query, RecordSearch, Term
from gateway.profiles import LoadedProfile, ProfileSet
from gateway.services.authentication import Secrets
from gateway.services.searching.asking import why
from gateway.services.searching.targets import Target, catalogue_of

MAX_SEARCH_SECONDS = 20.0
QUESTION = Query((Term(Index.TITLE, "history"),))
"""Any word will do: only whether there is an answer counts."""


def of_policy(one: LoadedPolicy, profiles: ProfileSet, searches: Iterable[str]) -> Iterator[Problem]:
    """Profiles in groups that have no catalogue; those that aren't there are named in reading the file."""
    known = tuple(searches)
    rules = one.policy.catalogues
    named: list[tuple[Path, str]] = [
        (("catalogues", "groups", group, index), name)
        for group, members in rules.groups.items()
        for index, name in enumerate(members)
    ]
    if rules.look_up and rules.look_up not in rules.groups:
        named.append((("catalogues", "look_up"), rules.look_up))
    for path, name in named:
        profile = profiles.by_name(name)
        if profile is None:
            continue
        try:
            catalogue_of(profile, profiles, known)
        except Refused as refused:
            yield one.problem(path, why(refused), name)


async def live(loaded: LoadedProfile, adapters: Mapping[str, SearchAdapter], secrets: Secrets) -> list[Problem]:
    """Each catalogue of the profile is asked how many titles have a certain word."""
    names = [name for name in adapters if name in loaded.profile.dialects] if not loaded.profile.abstract else []
    searches = {name: adapters[name].make(secrets) for name in names}
    try:
        found = await asyncio.gather(*(_ask(Target(loaded.profile, name), searches[name]) for name in names))
    finally:
        for search in searches.values():
            await search.close()
    return [
        loaded.problem((name,), f"its catalogue: {problem}", adapters[name].address(loaded.profile.dialects[name]))
        for name, problem in zip(names, found, strict=True)
        if problem
    ]


async def _ask(target: Target, search: RecordSearch) -> str:
    """Why there is no answer; empty: there is one."""
    try:
        async with asyncio.timeout(MAX_SEARCH_SECONDS):
            await search.search(target.profile, QUESTION, count=0)
    except TimeoutError:
        return f"no answer within {MAX_SEARCH_SECONDS:g} seconds"
    except (Unavailable, Refused) as error:
        return why(error)
    except ConfigurationError as error:  # a secret that isn't there
        return error.problems[0].message
    return ""
