"""What a network's gates do over a symbol's newest window, against what the command line says of each unit."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from itertools import accumulate
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi import FastAPI

from forecaster.cli.gates import gates
from service.schemas.gates import GATES, GatesAnswer
from tests.service.asking import ask, assert_problem, host_of, loaded
from tests.service.test_host import bundle_of, flip_a_byte
from tests.service.test_symbols import add_bars, days


def by_command_line(home: Path, *arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(gates, [*arguments, "--json"], env={"FORECASTER_HOME": str(home)})
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("query", "options"), [("", ()), ("?as_of=2012-06-30", ("--as-of", "2012-06-30"))], ids=["newest", "as of a day"]
)
def test_means_over_the_units_that_the_command_line_shows(
    app: FastAPI, trained_home: Path, query: str, options: tuple[str, ...]
) -> None:
    answer = ask(app, f"/v1/gates/AAPL{query}").json()
    told = by_command_line(trained_home, "AAPL", *options)
    assert answer["as_of"] == ("2012-06-29" if query else "2013-03-01")  # 2012-06-30 was a Saturday
    for name in ("symbol", "as_of", "sessions", "close", "sensitivity", "attention", "model"):
        assert answer[name] == told[name], name

    (layer,), (units,) = answer["layers"], told["layers"]
    assert (layer["layer"], layer["direction"], layer["units"]) == (0, "forward", 4)
    assert list(layer["traces"]) == ["input", "forget", "output", "candidate", "cell", "hidden"]
    for name, trace in layer["traces"].items():
        sign_counts = name in ("input", "forget", "output")
        assert trace["of_sizes"] is not sign_counts
        rows = [row if sign_counts else [abs(one) for one in row] for row in units["traces"][name]]
        assert trace["mean"] == pytest.approx([fmean(row) for row in rows], rel=1e-12)
        assert trace["deviation"] == pytest.approx([pstdev(row) for row in rows], rel=1e-9)
        ends = {"candidate": [-1, 1], "hidden": [-1, 1], "cell": None}.get(name, [0, 1])
        assert trace["range"] == ends
        every = [one for row in units["traces"][name] for one in row]
        if ends is None:
            assert (trace["saturated_low"], trace["saturated_high"]) == (None, None)
        else:
            assert trace["saturated_low"] == fmean(one < ends[0] + 0.1 for one in every)
            assert trace["saturated_high"] == fmean(one > ends[1] - 0.1 for one in every)


def test_memory_is_what_the_sensitivities_add_up_to(app: FastAPI) -> None:
    answer = ask(app, "/v1/gates/AAPL").json()
    total = sum(answer["sensitivity"])
    assert answer["share"] == pytest.approx([one / total for one in answer["sensitivity"]])
    reached = list(accumulate(reversed(answer["share"])))
    sessions = 1 + next(place for place, part in enumerate(reached) if part >= 0.9)
    memory = answer["effective_memory"]
    assert (memory["share"], memory["sessions"]) == (0.9, sessions)
    assert f"its window of {len(answer['sessions'])} sessions" in memory["text"]


def test_what_cannot_be_looked_at_says_why(home: Path) -> None:
    add_bars(home, "SHORT", days(date(2013, 2, 25), 3))
    app = loaded(home)
    short = assert_problem(ask(app, "/v1/gates/SHORT"), 409, "not-enough-history")
    assert (short["needed"], short["found"]) == (25, 3)
    early = assert_problem(ask(app, "/v1/gates/AAPL?as_of=1990-01-01"), 409, "not-enough-history")
    assert early["found"] == 0
    assert_problem(ask(app, "/v1/gates/TSLA"), 404, "unknown-symbol")
    assert_problem(ask(app, "/v1/gates/aapl"), 422, "malformed-symbol")


def test_gates_that_were_changed_on_disk_are_not_parsed(home: Path) -> None:
    app = loaded(home)
    flip_a_byte(bundle_of(home) / "gates.onnx")
    assert assert_problem(ask(app, "/v1/gates/AAPL"), 503, "unusable-model")["file"] == "gates.onnx"
    assert ask(app, "/v1/forecasts/AAPL").status_code == 200


def test_a_request_does_not_read_a_whole_market(home: Path) -> None:
    app = loaded(home)
    host = host_of(app)
    held = host.current()
    spec = replace(held.network.spec, features=("close", "excess_move"))
    many = tuple(f"S{number}" for number in range(301))
    network = replace(held.network, spec=spec, universe=many)
    host.snapshot = replace(held, loaded=replace(held.loaded, network=network))
    document = assert_problem(ask(app, "/v1/gates/AAPL"), 409, "conflict")
    assert "301 symbols" in document["detail"]
    assert "forecaster gates" in document["detail"]


@pytest.mark.parametrize("day", ["", "1", "1340928000", "2012-13-01", "2012-02-30", "2012-06-29T00:00:00", "\u0662"])
def test_a_day_is_an_iso_date(app: FastAPI, day: str) -> None:
    assert_problem(ask(app, f"/v1/gates/AAPL?as_of={day}"), 422, "invalid-request")


def test_the_documented_example_has_the_documented_shape() -> None:
    example = GatesAnswer.model_validate(GATES)
    assert sum(example.share) == pytest.approx(1)
    total = sum(example.sensitivity)
    assert example.share == pytest.approx([one / total for one in example.sensitivity], abs=1e-4)
