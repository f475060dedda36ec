"""A check of one of several libraries: its settings and system, its partners, its rules, and nothing of the others."""

from __future__ import annotations

from dataclasses import replace

from gateway.configuration.yaml_document import display_path
from gateway.domain.problems import ConfigurationProblem
from gateway.policies import PolicyLoadResult, PolicySet
from gateway.profiles import ProfileLoadResult, ProfileSet
from gateway.services.operation.check.runner import CheckReport, CheckSubject
from gateway.settings import LibrarySettings, Settings


def narrow_subject(subject: CheckSubject, library: LibrarySettings) -> CheckSubject:
    """The part of the configuration that concerns the library; a partner as this library has it."""
    symbol, policies = library.symbol, subject.policies
    return replace(
        subject,
        loading=_narrow_loading(subject.loading, subject.settings, library),
        libraries={key: system for key, system in subject.libraries.items() if key == symbol},
        closed={key: why for key, why in subject.closed.items() if key == symbol},
        policies=_narrow_policies(policies, subject.settings, library) if policies is not None else None,
    )


def narrow_report(report: CheckReport, settings: Settings, library: LibrarySettings) -> CheckReport:
    """The report without what gateway.yml says for others and for all."""
    return replace(
        report,
        installation=tuple(problem for problem in report.installation if _concerns(problem, settings, library)),
        remarks=tuple(remark for remark in report.remarks if _concerns(remark, settings, library)),
    )


def _concerns(problem: ConfigurationProblem, settings: Settings, library: LibrarySettings) -> bool:
    """Return whether a problem is in the library's own section of gateway.yml, or in another file."""
    if problem.path[:1] == ("libraries",):
        return problem.path[1:2] == (settings.libraries.index(library),)
    return problem.file != settings.make_problem((), "").file


def _narrow_loading(loading: ProfileLoadResult, settings: Settings, library: LibrarySettings) -> ProfileLoadResult:
    entries = loading.profiles.loaded
    versions = {name: entry.for_library(library.symbol) for name, entry in entries.items()}
    loaded = {name: replace(version, others=()) for name, version in versions.items() if version is not None}
    of_others = {entry.document.file for name, entry in entries.items() if name not in loaded}
    problems = tuple(
        problem
        for problem in loading.problems
        if problem.file not in of_others and _concerns(problem, settings, library)
    )
    return ProfileLoadResult(ProfileSet(loaded, loading.profiles.own_documents), problems)


def _narrow_policies(loading: PolicyLoadResult, settings: Settings, library: LibrarySettings) -> PolicyLoadResult:
    policies = {policy.library: policy for policy in loading.policies if policy.library == library.symbol}
    file = display_path(settings.folder / library.requests)
    return PolicyLoadResult(PolicySet(policies), tuple(problem for problem in loading.problems if problem.file == file))
