"""The report of `illgate check`, as text and for machines: JSON, annotations of GitHub's workflows, JUnit's XML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import click

from gateway.domain.problems import ConfigurationProblem
from gateway.ports.command_output import print_json
from gateway.services.operation.check import CheckReport


def print_as_json(report: CheckReport) -> None:
    findings = {"problems": report.problems, "remarks": report.remarks, "notes": report.notes, "steps": report.steps}
    print_json(findings)


# --- text ------------------------------------------------------------------------------------------------------


def print_as_text(report: CheckReport) -> None:
    for symbol, steps in report.steps.items():
        click.echo(f"library {symbol}:")
        for step in steps:
            click.echo(f"  {step.name:8} {step.seconds * 1000:6.0f} ms  {step.problem or step.said}")
    for name, problems in (*_list_parts(report), ("remarks", report.remarks)):
        if problems:
            click.echo(f"{name}:")
            for problem in problems:
                click.echo(f"  {problem}")
    for note in report.notes:
        click.echo(f"note: {note}")
    examples = sum(profile.examples for profile in report.profiles)
    answers = sum(profile.answers for profile in report.profiles)
    counts = [count_things(len(report.problems), "problem") if report.problems else "no problems"]
    if report.remarks:
        counts.append(count_things(len(report.remarks), "remark"))
    run = f"{count_things(len(report.profiles), 'profile')}, {count_things(examples, 'example')} run"
    click.echo("; ".join([*counts, f"{run}, {answers} of them with their answer"]))


def _list_parts(report: CheckReport) -> Iterator[tuple[str, Sequence[ConfigurationProblem]]]:
    yield "installation", report.installation
    yield "requests", report.requests
    for profile in report.profiles:
        yield profile.name, profile.problems


def count_things(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


# --- GitHub ----------------------------------------------------------------------------------------------------


def print_as_annotations(report: CheckReport) -> None:
    """One workflow command per finding; GitHub shows it beside the line of the file."""
    for level, problems in (("error", report.problems), ("warning", report.remarks)):
        for problem in problems:
            click.echo(f"::{level} {_format_place(problem)}::{_escape_text(_describe_problem(problem))}")
    for note in report.notes:
        click.echo(f"::notice::{_escape_text(note)}")


def _format_place(problem: ConfigurationProblem) -> str:
    facts = {"file": problem.file, "line": str(problem.line or ""), "title": problem.key}
    return ",".join(f"{name}={_escape_text(text, also=',:')}" for name, text in facts.items() if text)


def _escape_text(text: str, also: str = "") -> str:
    return "".join(f"%{ord(sign):02X}" if sign in f"%\r\n{also}" else sign for sign in text)


def _describe_problem(problem: ConfigurationProblem) -> str:
    """The problem without its place."""
    place = f"{problem.file}:{problem.line}" if problem.line else problem.file
    return str(problem).removeprefix(f"{place}: ")


# --- JUnit -----------------------------------------------------------------------------------------------------


def print_as_junit(report: CheckReport) -> None:
    """One test case each for the installation, requests.yml, every profile, and every step of `--live`."""
    suite = Element("testsuite", name="illgate check")
    for name, problems in _list_parts(report):
        _add_case(suite, "configuration", name, map(str, problems))
    for symbol, steps in report.steps.items():
        for step in steps:
            case = _add_case(suite, f"library {symbol}", step.name, [step.problem] if step.problem else [])
            case.set("time", f"{step.seconds:.3f}")
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase[failure]"))))
    remarks = (_clean_text(str(remark)) for remark in (*report.remarks, *report.notes))
    SubElement(suite, "system-out").text = "\n".join(remarks)
    indent(suite)
    click.echo('<?xml version="1.0" encoding="UTF-8"?>')
    click.echo(tostring(suite, encoding="unicode"))


def _add_case(suite: Element, group: str, name: str, problems: Iterable[str]) -> Element:
    case = SubElement(suite, "testcase", classname=group, name=name)
    found = [_clean_text(problem) for problem in problems]
    if found:
        SubElement(case, "failure", message=found[0]).text = "\n".join(found)
    return case


def _clean_text(text: str) -> str:
    """Take out the control characters that XML does not have."""
    return "".join(sign for sign in text if sign.isprintable() or sign in "\t\n")


FORMATS: Mapping[str, Callable[[CheckReport], None]] = {
    "text": print_as_text,
    "github": print_as_annotations,
    "junit": print_as_junit,
}
