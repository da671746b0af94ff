"""The README in both languages: what a translation has to keep is the same in both, so that neither drifts unseen."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "README.zh-CN.md")

_PARTS = [(ROOT / page).read_text(encoding="utf-8").split("```") for page in PAGES]
BLOCKS = [parts[1::2] for parts in _PARTS]
SECTIONS = [re.split(r"^(?=#+ )", "~~~".join(parts[::2]), flags=re.MULTILINE)[1:] for parts in _PARTS]
HEADINGS = [[section.partition("\n")[0] for section in sections] for sections in SECTIONS]
EVERY = pytest.mark.parametrize(
    ("english", "chinese"), list(zip(*SECTIONS, strict=False)), ids=[heading.strip("# ") for heading in HEADINGS[0]]
)

_HAN = re.compile(r"[\u4e00-\u9fff]")
_COLUMN = re.compile(r" {2,}| (?=# )")
_CODE = re.compile(r"`([^`]+)`")
_TARGET = re.compile(r"""(?<=\]\()[^)]+|(?<=src=")[^"]+""")
_NUMBER = re.compile(r"(\d+(?:,\d{3})*(?:\.\d+)?)( million| 万)?")
_UNITS = {"": 1, " million": 1_000_000, " 万": 10_000}


def _same_line(english: str, chinese: str) -> bool:
    """Whether a line of code is the same, but for comments and columns that are put into Chinese."""
    pairs = [_COLUMN.split(line) for line in (english, chinese)]
    return english == chinese or (
        len(pairs[0]) == len(pairs[1])
        and all(theirs == ours or _HAN.search(ours) for theirs, ours in zip(*pairs, strict=True))
    )


def _outline(section: str) -> list[str]:
    """What a section is made of: paragraphs, items, rows with their number of cells, pictures, blocks of code."""
    kinds = [""]
    for line in section.splitlines()[1:]:
        mark = next((mark for mark in ("|", "- ", "![", "<img", "~~~") if line.startswith(mark)), line[:1] and "text")
        if not line.startswith("  ") and not mark == kinds[-1] == "text":
            kinds.append("|" * line.count("|") if mark == "|" else mark)
    return [kind for kind in kinds if kind]


def _code(section: str) -> Counter[str]:
    return Counter(" ".join(span.split()) for span in _CODE.findall(section))


def _numbers(section: str) -> Counter[Decimal]:
    """The figures of the prose and the tables; 12 million is 1,200 in ten thousands."""
    found = _NUMBER.findall(_TARGET.sub("", _CODE.sub("", section)))
    return Counter(Decimal(number.replace(",", "")) * _UNITS[unit] for number, unit in found)


def _targets(section: str, headings: list[str]) -> Counter[str]:
    """Where links and pictures lead, without those between the languages; a heading of the page is its position."""
    anchors = [re.sub(r"[^\w -]", "", heading.strip("# ").lower()).replace(" ", "-") for heading in headings]
    found = [target for target in _TARGET.findall(section) if target not in PAGES]
    return Counter(f"#{anchors.index(target[1:])}" if target.startswith("#") else target for target in found)


def test_headings_are_as_many_at_the_same_levels() -> None:
    assert [heading.split()[0] for heading in HEADINGS[1]] == [heading.split()[0] for heading in HEADINGS[0]]


def test_each_leads_to_the_other() -> None:
    assert [f"]({other})" in sections[0] for other, sections in zip(PAGES[::-1], SECTIONS, strict=True)] == [True, True]


def test_code_and_what_it_prints_are_the_same() -> None:
    assert len(BLOCKS[1]) == len(BLOCKS[0]) > 0
    lines = [[line for block in blocks for line in block.splitlines()] for blocks in BLOCKS]
    assert [both for both in zip(*lines, strict=True) if not _same_line(*both)] == []


@EVERY
def test_a_section_is_made_of_the_same_parts(english: str, chinese: str) -> None:
    assert _outline(chinese) == _outline(english)


@EVERY
def test_a_section_has_the_same_figures(english: str, chinese: str) -> None:
    assert _numbers(chinese) == _numbers(english)


@EVERY
def test_a_section_names_the_same_commands_keys_and_files(english: str, chinese: str) -> None:
    assert _code(chinese) == _code(english)


@EVERY
def test_a_section_leads_to_the_same_places(english: str, chinese: str) -> None:
    assert _targets(chinese, HEADINGS[1]) == _targets(english, HEADINGS[0])


@pytest.mark.parametrize("sections", SECTIONS, ids=PAGES)
def test_files_that_are_linked_are_there(sections: list[str]) -> None:
    targets = [target for section in sections for target in _TARGET.findall(section)]
    assert [one for one in targets if not one.startswith(("http", "#")) and not (ROOT / one).is_file()] == []
