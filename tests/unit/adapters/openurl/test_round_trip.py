"""Whatever is encoded comes back; whatever comes in is read or refused, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.openurl import links
from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import ServiceType
from gateway.ports.catalogue import ReceivedLink
from tests.unit.adapters.openurl import strategies

FORMAT = links.make()


@given(strategies.citations, st.sampled_from(ServiceType))
@settings(max_examples=150)
def test_a_citation_comes_back_as_it_was(citation: Citation, service: ServiceType) -> None:
    query = FORMAT.encode(citation, service)
    read = FORMAT.decode(ReceivedLink(query.encode("ascii")))

    assert replace(read.citation, original="") == citation
    assert read.service is service


@given(strategies.links)
@settings(max_examples=400, deadline=5_000)
def test_no_link_breaks_it_and_all_that_is_read_can_be_written(link: ReceivedLink) -> None:
    try:
        read = FORMAT.decode(link)
    except MalformedMessage:
        return
    again = FORMAT.decode(ReceivedLink(FORMAT.encode(read.citation, read.service).encode("ascii")))

    assert replace(again.citation, original="") == replace(read.citation, original="")
    assert again.service is read.service
