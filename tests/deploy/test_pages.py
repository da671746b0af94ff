"""What the pages on deployment tell people to type and to set."""

from __future__ import annotations

import re

import pytest

from tests.deploy.files import DEPLOY, ROOT, is_ours, parsed, settings_names

PAGES = {name: (ROOT / "docs" / name).read_text("utf-8") for name in ("deployment.md", "beyond-one-machine.md")}


def _lines() -> list[str]:
    """Every command line of `forecaster` in a block of code."""
    blocks = "\n".join(block for page in PAGES.values() for block in page.split("```")[1::2])
    return re.findall(r"(?:^|/|&& |scheduler )forecaster ([a-z][^#>&|\n]*)", blocks, re.MULTILINE)


def test_command_lines_are_found() -> None:
    assert "doctor" in [line.strip() for line in _lines()]
    assert len(_lines()) >= 8


@pytest.mark.parametrize("line", sorted({line.strip() for line in _lines()}))
def test_a_command_line_is_one_that_the_program_takes(line: str) -> None:
    parsed(line.split())


@pytest.mark.parametrize("page", PAGES)
def test_settings_are_ones_that_the_program_has(page: str) -> None:
    named = {name for name in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", PAGES[page]) if is_ours(name)}
    assert named
    assert named <= settings_names()


@pytest.mark.parametrize("page", PAGES)
def test_files_that_it_names_are_there(page: str) -> None:
    for name in re.findall(r"`([\w-]+\.yaml)`", PAGES[page]):
        assert list(DEPLOY.rglob(name)), name
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", PAGES[page]):
        assert (ROOT / "docs" / target).is_file(), target


def test_what_goes_through_a_pipe_goes_through_no_terminal() -> None:
    # podman-compose makes one wherever it is not told otherwise, and a dump that went through it cannot be restored.
    piped = re.findall(r"^docker compose exec [^\n]*[<>][^\n]*", PAGES["deployment.md"], re.MULTILINE)
    assert len(piped) == 3
    assert all(line.startswith("docker compose exec -T ") for line in piped)
