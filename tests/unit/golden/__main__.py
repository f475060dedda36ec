"""`python -m tests.unit.golden` writes the golden files anew; with `--whole FOLDER` the long texts, to compare them.

Answers to samples of real systems are written where the samples are (`ILLGATE_SAMPLES`).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import structlog

from tests.support.cheap_hashes import hash_cheaply
from tests.support.golden_calls import write_golden_calls
from tests.support.migration_replay import replay_migrations
from tests.unit.golden.corpora import AnsweringProfiles, list_samples
from tests.unit.golden.golden_texts import GOLDEN, GOLDEN_TEXTS, WHOLE_TEXTS, join_lines


@click.command(help=__doc__)
@click.option("--whole", type=click.Path(path_type=Path), help="Folder for texts of which only digests are kept.")
def write_golden_files(whole: Path | None) -> None:
    folder, texts = (whole, WHOLE_TEXTS) if whole is not None else (GOLDEN, GOLDEN_TEXTS)
    folder.mkdir(parents=True, exist_ok=True)
    for name, make_text in texts.items():
        _write(folder / name, make_text())
    if whole is None:
        asyncio.run(_write_answers())
        write_golden_calls()


async def _write_answers() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    replay_migrations()
    hash_cheaply()
    with TemporaryDirectory() as folder:
        profiles = AnsweringProfiles(Path(folder))
        _write(GOLDEN / "answers-to-examples.txt", join_lines(await profiles.answer_examples()))
        if samples := list_samples():
            _write(GOLDEN / "answers-to-samples.txt", join_lines(await profiles.answer_samples(samples)))


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    click.echo(file)


if __name__ == "__main__":
    write_golden_files()
