"""Passes on the sample prices, in this process, by a clock in February 2013."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from data.store import PriceStore
from forecaster.ledger.table import Ledger
from forecaster.pipeline.errors import CorruptRecord, NoSessions, PassBusy, PassOutOfOrder
from forecaster.pipeline.folder import Passes
from forecaster.pipeline.order import KINDS, STEPS
from forecaster.pipeline.place import Outcome, Place
from forecaster.pipeline.record import Pass, PassState, StepState
from forecaster.pipeline.run import run_pass
from forecaster.promotion.decisions import Decisions
from tests.forecaster.pipeline.conftest import FIRST, Begun
from tests.forecaster.pipeline.passing import Days, copies, never, registry_of, settings_of

CHALLENGING = ("train", "gate", "promote")

# Sessions after that of the first pass.
LATER = (
    "2013-02-14",
    "2013-02-15",
    "2013-02-19",
    "2013-02-20",
    "2013-02-21",
    "2013-02-22",
    "2013-02-25",
)


def states(record: Pass) -> dict[str, str]:
    return {one.name: f"{one.state}" for one in record.steps}


def test_the_first_pass_makes_a_champion_and_publishes(begun: Begun) -> None:
    assert begun.record.state is PassState.DONE, begun.lines
    assert states(begun.record) == {**dict.fromkeys(STEPS, "done"), "score": "skipped"}
    assert {one.attempts for one in begun.record.steps} == {1}
    assert (f"{begun.record.session}", begun.record.exchange, begun.record.key) == (FIRST, "XNYS", FIRST)
    where = settings_of(begun.home)
    champion = registry_of(where).by_alias()
    assert (champion.version, champion.tags["pass"]) == ("1", f"next-close/{FIRST}")
    (decided,) = Decisions(begun.home / "decisions").all("next-close")
    assert decided.decision.promote
    assert decided.evidence.leaks == 0
    published = Ledger(where.ledger_uri).read()
    assert published["symbol"].tolist() == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    assert set(published["target_session"].dt.strftime("%Y-%m-%d")) == {"2013-02-14"}
    # Nothing that was not known on that evening is stored.
    assert PriceStore(where.store_uri).summary()["last"].max().isoformat() == FIRST
    assert Passes(begun.home, "next-close").get(FIRST) == begun.record
    assert any(line.startswith("training: epoch 1 of at most 1") for line in begun.lines)


def test_a_complete_pass_is_not_run_again(home: Path) -> None:
    where = settings_of(home)
    before = (home / "passes" / "next-close" / f"{FIRST}.json").read_bytes()
    lines: list[str] = []
    again = run_pass(where, Days(FIRST), inline=True, train=never, tell=lines.append)
    assert again.state is PassState.DONE
    assert lines == [f"the pass of {FIRST} is complete"]
    assert (home / "passes" / "next-close" / f"{FIRST}.json").read_bytes() == before


def test_every_evening_forecasts_are_published_once_and_scored(home: Path) -> None:
    where, clock = settings_of(home), Days(LATER[0])
    done = run_pass(where, clock, inline=True, train=never)
    assert states(done) == {
        **dict.fromkeys(STEPS, "done"),
        **dict.fromkeys(("train", "gate", "promote"), "skipped"),
    }
    assert done.step("decide").detail == "no: nothing speaks for it"
    assert done.evidence("decide")["sessions_since"] == 1
    # By hand: the errors of the five medians against those of the close before, each by that close.
    table = Ledger(where.ledger_uri).read()
    own = table[table["target_session"] == LATER[0]].set_index("symbol")
    bars = PriceStore(where.store_uri).read(start=date(2013, 2, 13), end=date(2013, 2, 14)).frame
    before, after = (bars[bars["session"] == day].set_index("symbol") for day in (FIRST, LATER[0]))
    came = after["close"] * after["adj_factor"] / before["adj_factor"]
    error = ((own["0.5"] - came).abs() / own["last_close"]).sum()
    naive = ((came - own["last_close"]).abs() / own["last_close"]).sum()
    scored = done.evidence("score")["new"]
    assert (scored["forecasts"], scored["sessions"]) == (5, 1)
    assert scored["mae_by_naive"] == pytest.approx(error / naive, rel=1e-9)
    inside = [own.at[one, "0.05"] <= came[one] <= own.at[one, "0.95"] for one in own.index]
    assert scored["covered"] == pytest.approx(sum(inside) / 5)
    assert len(table) == 10


def test_a_pass_goes_on_at_the_step_that_failed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where, clock = settings_of(home), Days(FIRST)

    def broken(place: Place) -> Outcome:
        raise RuntimeError("somebody pulled the plug")

    broken_ones = (("fetch",), ("check",), ("score",), ("decide",), CHALLENGING, ("publish",), ("clean",))
    for number, (day, steps) in enumerate(zip(LATER, broken_ones, strict=True)):
        clock.go(day)
        for step in steps:
            with monkeypatch.context() as planted:
                planted.setitem(KINDS, step, replace(KINDS[step], perform=broken))
                failed = run_pass(where, clock, inline=True, train=copies, force_train=step == "train")
            assert failed.state is PassState.FAILED
            assert failed.step(step).state is StepState.FAILED
            assert failed.step(step).detail == "RuntimeError: somebody pulled the plug"
            # The forecasts go out whatever else is broken, where there are prices of the session to make them from.
            published = 0 if step in ("fetch", "publish") else 5
            assert len(Ledger(where.ledger_uri).read()) == 5 * (number + 1) + published, step
        done = run_pass(where, clock, inline=True, train=copies)
        assert done.state is PassState.DONE, done
        assert {done.step(step).attempts for step in steps} == {2}
        # What was done is not done again, but for what may be more by now.
        again = {"score", "publish", *steps, *(("fetch",) if steps == ("check",) else ())}
        assert {one.name for one in done.steps if one.attempts > 1} <= again
        assert len(Ledger(where.ledger_uri).read()) == 5 * (number + 2)
        assert run_pass(where, clock, inline=True, train=never) == done
    # The challenger that was asked for was trained once and decided upon once, whatever was interrupted.
    assert [one.tags["pass"] for one in registry_of(where).versions()] == [
        f"next-close/{LATER[4]}",
        f"next-close/{FIRST}",
    ]
    assert len(Decisions(home / "decisions").all("next-close")) == 2


def test_a_refused_challenger_waits_beside_the_champion(home: Path) -> None:
    where = settings_of(home)
    done = run_pass(where, Days(LATER[0]), inline=True, train=copies, force_train=True)
    assert done.state is PassState.DONE
    # It is the champion once more, which is no better than itself.
    assert not done.evidence("gate")["promote"]
    assert not done.evidence("promote")["promoted"]
    registry = registry_of(where)
    assert (registry.by_alias().version, registry.by_alias("challenger").version) == ("1", "2")
    assert done.evidence("publish")["version"] == "1"
    # Asked for once more, another is trained, and what was published stays as it was.
    again = run_pass(where, Days(LATER[0]), inline=True, train=copies, force_train=True)
    assert registry.get("3").tags["pass"] == f"next-close/{LATER[0]}/2"
    assert (again.evidence("publish")["published"], again.evidence("publish")["already"]) == (0, 5)
    assert not again.forced


def test_what_is_too_late_is_said(home: Path) -> None:
    clock = Days(LATER[0])
    run_pass(settings_of(home), clock, inline=True, until="fetch")
    listed = Passes(home, "next-close").get(LATER[0])
    assert listed is not None
    assert listed.state is PassState.STOPPED
    # Friday's session has opened at 14:30, and its bars are not due before the evening.
    late = clock.now().replace(day=15, hour=15)
    clock.now = lambda: late  # type: ignore[method-assign]
    done = run_pass(settings_of(home), clock, inline=True, train=never)
    assert done.key == LATER[0]
    assert done.state is PassState.DONE
    assert (done.evidence("publish")["published"], done.evidence("publish")["too_late"]) == (0, 5)
    assert "5 came too late" in done.step("publish").detail
    assert done.step("fetch").attempts == 1


def test_one_pass_at_a_time(home: Path) -> None:
    with Passes(home, "next-close").held(), pytest.raises(PassBusy, match="is at a pass of next-close"):
        run_pass(settings_of(home), Days(LATER[0]), inline=True)


def test_a_clock_that_went_back_is_refused(home: Path) -> None:
    with pytest.raises(PassOutOfOrder, match="set the clock right"):
        run_pass(settings_of(home), Days("2013-02-12"), inline=True)


def test_a_clock_that_was_ahead_and_is_right_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(place: Place) -> Outcome:
        raise RuntimeError("there are no prices of a day to come")

    where = settings_of(home)
    with monkeypatch.context() as planted:
        planted.setitem(KINDS, "fetch", replace(KINDS["fetch"], perform=nothing))
        assert run_pass(where, Days(LATER[2]), inline=True, train=never).state is PassState.FAILED
    for day in LATER[:3]:
        done = run_pass(where, Days(day), inline=True, train=never)
        assert (done.key, done.state, done.evidence("publish")["published"]) == (day, PassState.DONE, 5)
    assert len(Ledger(where.ledger_uri).read()) == 5 * 4


def test_a_damaged_record_is_named(home: Path) -> None:
    file = home / "passes" / "next-close" / f"{FIRST}.json"
    record = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**record, "schema": 2}), encoding="utf-8")
    with pytest.raises(CorruptRecord, match=r"2013-02-13\.json"):
        run_pass(settings_of(home), Days(FIRST), inline=True)


def test_without_prices_and_provider_no_session_is_known(tmp_path: Path) -> None:
    with pytest.raises(NoSessions, match="fetch some first"):
        run_pass(settings_of(tmp_path, provider="none"), Days(FIRST), inline=True)


def test_a_challenger_may_not_cost_the_forecasts(home: Path) -> None:
    where, clock = settings_of(home), Days(LATER[0])
    # Friday's session opens at 14:30 UTC, and the last half hour belongs to publishing.
    late = clock.now().replace(day=15, hour=14, minute=5)
    clock.now = lambda: late  # type: ignore[method-assign]
    first = run_pass(where, clock, inline=True, train=never, force_train=True)
    assert (first.state, first.step("decide").state) == (PassState.FAILED, StepState.TIMED_OUT)
    assert first.step("decide").detail == "no time is left before the session opens at 14:30 UTC"
    assert first.evidence("publish")["published"] == 5
    # They are published now, and nothing hurries any more.
    done = run_pass(where, clock, inline=True, train=copies)
    assert done.state is PassState.DONE
    assert done.evidence("train")["version"] == "2"
    assert (done.evidence("publish")["published"], done.evidence("publish")["already"]) == (0, 5)


def test_a_version_that_is_promoted_after_the_pass_is_published_by_the_next_look(home: Path) -> None:
    where, clock = settings_of(home), Days(LATER[0])
    registry = registry_of(where)
    MlflowClient(registry.uri, registry.uri).delete_registered_model_alias(where.model, "champion")
    done = run_pass(where, clock, inline=True, train=never, until="publish")
    assert done.step("publish").state is StepState.SKIPPED
    run_pass(where, clock, inline=True, train=never)
    registry.promote(registry.get("1"))
    again = run_pass(where, clock, inline=True, train=never)
    assert (again.state, again.evidence("publish")["published"]) == (PassState.DONE, 5)
    lines: list[str] = []
    run_pass(where, clock, inline=True, train=never, tell=lines.append)
    assert lines == [f"the pass of {LATER[0]} is complete"]


def test_a_challenger_that_nobody_judged_is_judged_by_the_next_pass(home: Path) -> None:
    where, clock = settings_of(home), Days(LATER[0])
    run_pass(where, clock, inline=True, train=copies, force_train=True, until="train")
    clock.go(LATER[1])
    done = run_pass(where, clock, inline=True, train=never)
    assert done.step("decide").detail == (
        f"yes, it is judged now: version 2 was trained by the pass next-close/{LATER[0]} and never judged"
    )
    assert [one.by for one in Decisions(home / "decisions").all("next-close") if one.version == "2"] == [
        f"pass next-close/{LATER[1]}"
    ]
    assert registry_of(where).by_alias("challenger").version == "2"


# Two sessions after the first pass. Of its prices 80 sessions were held out, and one lies between them and the last
# that the champion has learnt from.
@pytest.mark.parametrize(
    ("wanted", "train", "detail"),
    [
        ({"every_sessions": 2}, True, "yes, from scratch: the last training was 2 sessions ago, of at most 2"),
        ({"every_sessions": 2, "start": "champion"}, True, "yes, fine-tuned from the champion: the last training was"),
        ({"max_age_sessions": 82}, True, "the champion has learnt nothing of the last 83 sessions, of at most 82"),
        ({"every_sessions": 2, "pause_sessions": 3}, False, "no: version 1 was trained 2 sessions ago, and 3 have to"),
    ],
)
def test_reasons_to_retrain(home: Path, wanted: dict[str, Any], train: bool, detail: str) -> None:
    where = settings_of(home, **{"pause_sessions": 1, "on_drift": False, "on_error": False, **wanted})
    done = run_pass(where, Days(LATER[1]), inline=True, until="decide")
    assert done.evidence("decide")["train"] is train
    assert detail in done.step("decide").detail
