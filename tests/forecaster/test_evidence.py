from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from data.scaling import WindowScaling
from data.sessions import Calendars
from data.windows import Windows, cut, panel
from forecaster.calibration import Calibration
from forecaster.diagnostics.diagnostics import diagnose
from forecaster.diagnostics.record import ForecastRecord
from forecaster.evidence import column, diagnose_all, evidence, naive_column, record_of
from forecaster.model import Model
from forecaster.spec import ModelSpec
from tests.forecaster.markets import make_bars, make_windows, walk
from tests.forecaster.predictors import Constant

LEVELS = (0.1, 0.5, 0.9)
SPEC = ModelSpec(units=(1,), lookback=2, features=("close",), unit="range", quantiles=LEVELS)

# AAA is split two for one at its sixth session: the close halves, the factor doubles.
CLOSES = {"AAA": [10.0, 11.0, 13.0, 12.0, 14.0, 8.0, 9.0, 7.0], "BBB": [50.0, 51.0, 50.0, 52.0, 51.0, 53.0, 52.0, 54.0]}
FACTORS = {"AAA": [1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0], "BBB": [3.0] * 8}
# What a share of AAA after the split cost before it, and BBB as it was.
ON_LAST_SCALE = {"AAA": [5.0, 5.5, 6.5, 6.0, 7.0, 8.0, 9.0, 7.0], "BBB": CLOSES["BBB"]}


def constant_model(output: list[float], spec: ModelSpec = SPEC) -> Model:
    """Moves the last close by these parts of the window's range."""
    calibration = Calibration(np.zeros((spec.horizon, 3)), 1)
    return Model(spec, WindowScaling(), calibration, Constant(np.tile(output, (spec.horizon, 1))))


def held_out(windows: Windows, sessions: int) -> Windows:
    """The windows whose origin is among the last sessions."""
    return windows.take(windows.origin >= np.unique(windows.origin)[-sessions])


@pytest.fixture
def table() -> pd.DataFrame:
    windows = make_windows(make_bars(CLOSES, factors=FACTORS), lookback=2)
    return evidence(constant_model([-0.5, 0.25, 1.0]), held_out(windows, 4))[0]


def own(table: pd.DataFrame, symbol: str) -> pd.DataFrame:
    return table[table["symbol"] == symbol].reset_index(drop=True)


def test_one_row_a_symbol_and_session_in_order(table: pd.DataFrame) -> None:
    assert list(table.columns[:5]) == ["symbol", "origin", "session", "actual", "previous_close"]
    assert list(table.columns[5:7]) == ["in_sample_mae", "in_sample_mse"]
    assert list(table.columns[7:]) == ["0.1", "0.5", "0.9", "naive 0.1", "naive 0.5", "naive 0.9"]
    assert table["symbol"].tolist() == ["AAA"] * 4 + ["BBB"] * 4
    days = pd.bdate_range("2020-01-06", periods=8)
    for symbol in CLOSES:
        assert own(table, symbol)["origin"].tolist() == list(days[3:7])
        assert own(table, symbol)["session"].tolist() == list(days[4:8])


@pytest.mark.parametrize("symbol", ["AAA", "BBB"])
def test_prices_are_on_the_scale_of_the_symbols_last_session(table: pd.DataFrame, symbol: str) -> None:
    assert own(table, symbol)["actual"].tolist() == pytest.approx(ON_LAST_SCALE[symbol][4:])
    assert own(table, symbol)["actual"].iloc[-1] == CLOSES[symbol][-1]
    assert own(table, symbol)["previous_close"].tolist() == pytest.approx(ON_LAST_SCALE[symbol][3:7])


def test_only_what_is_judged_is_in_the_table(table: pd.DataFrame) -> None:
    windows = make_windows(make_bars(CLOSES, factors=FACTORS), lookback=2)
    judged = np.flatnonzero(windows.origin >= np.unique(windows.origin)[-4])
    found, after = evidence(constant_model([-0.5, 0.25, 1.0]), windows, judged[::-1])
    pd.testing.assert_frame_equal(found, table, check_exact=True)
    assert (after.shift == 0).all()  # nothing moves a calibration without a step


def test_each_previous_close_is_the_actual_of_the_row_before(table: pd.DataFrame) -> None:
    for symbol in CLOSES:
        rows = own(table, symbol)
        assert rows["previous_close"].iloc[1:].tolist() == pytest.approx(rows["actual"].iloc[:-1].tolist())


def test_forecasts_by_hand(table: pd.DataFrame) -> None:
    # Windows of AAA end with closes (6.5, 6), (6, 7), (7, 8) and (8, 9): ranges of 0.5, 1, 1 and 1.
    rows = own(table, "AAA")
    assert rows["0.5"].tolist() == pytest.approx([6.125, 7.25, 8.25, 9.25])
    assert rows["0.1"].tolist() == pytest.approx([5.75, 6.5, 7.5, 8.5])
    assert rows["0.9"].tolist() == pytest.approx([6.5, 8.0, 9.0, 10.0])


def test_the_yardstick_is_the_mean_change_up_to_the_first_held_out_origin(table: pd.DataFrame) -> None:
    # AAA moved by 0.5, 1 and 0.5; BBB by 1, 1 and 2.
    assert own(table, "AAA")["in_sample_mae"].tolist() == pytest.approx([2 / 3] * 4)
    assert own(table, "BBB")["in_sample_mae"].tolist() == pytest.approx([4 / 3] * 4)
    assert own(table, "AAA")["in_sample_mse"].tolist() == pytest.approx([(0.25 + 1 + 0.25) / 3] * 4)
    assert own(table, "BBB")["in_sample_mse"].tolist() == pytest.approx([(1 + 1 + 4) / 3] * 4)


@pytest.mark.parametrize("last", [7.0, 700.0])
def test_later_prices_leave_the_yardstick(last: float) -> None:
    closes = {"AAA": [10.0, 11.0, 13.0, 12.0, 28.0, 16.0, 45.0, last]}
    windows = make_windows(make_bars(closes), lookback=2)
    found, _ = evidence(constant_model([-1.0, 0.0, 1.0]), held_out(windows, 4))
    assert found["in_sample_mae"].tolist() == pytest.approx([4 / 3] * 4)


def test_a_later_split_changes_the_yardstick_by_its_factor_only() -> None:
    closes = {"AAA": [10.0, 11.0, 13.0, 12.0, 14.0, 15.0, 16.0, 4.0]}
    windows = make_windows(make_bars(closes, factors={"AAA": [1.0] * 7 + [4.0]}), lookback=2)
    found, _ = evidence(constant_model([-1.0, 0.0, 1.0]), held_out(windows, 4))
    assert found["in_sample_mae"].tolist() == pytest.approx([4 / 3 / 4] * 4)
    assert found["in_sample_mse"].tolist() == pytest.approx([(1 + 4 + 1) / 3 / 4**2] * 4)


def test_of_a_longer_horizon_the_first_step_counts() -> None:
    spec = ModelSpec(units=(1,), lookback=2, horizon=3, features=("close",), unit="range", quantiles=LEVELS)
    windows = make_windows(make_bars({"AAA": CLOSES["BBB"]}), lookback=2, horizon=3)
    predictor = Constant([[-1.0, 0.0, 1.0], [50.0, 60.0, 70.0], [500.0, 600.0, 700.0]])
    model = Model(spec, WindowScaling(), Calibration(np.zeros((3, 3)), 1), predictor)
    found, _ = evidence(model, held_out(windows, 2))
    assert found["actual"].tolist() == [51.0, 53.0]
    assert found["0.5"].tolist() == pytest.approx([52.0, 51.0])
    assert found["0.9"].tolist() == pytest.approx([54.0, 52.0])


def test_a_symbol_that_begins_within_the_held_out_span_has_the_yardstick_of_its_own_past() -> None:
    windows = make_windows(
        make_bars({"AAA": walk(1, 12), "NEW": [20.0, 21.0, 19.0, 19.5]}, listed={"NEW": 8}), lookback=2
    )
    found = own(evidence(constant_model([-1.0, 0.0, 1.0]), held_out(windows, 6))[0], "NEW")
    assert len(found) == 2
    assert found["in_sample_mae"].tolist() == [1.0, 1.0]
    assert found["in_sample_mse"].tolist() == [1.0, 1.0]


def test_the_naive_distribution_is_that_of_the_symbols_own_past() -> None:
    closes = {"AAA": walk(1, 100), "BBB": walk(2, 80), "NEW": walk(3, 30)}
    listed = {"BBB": 20, "NEW": 70}
    windows = make_windows(make_bars(closes, listed=listed, factors={"BBB": [1.0] * 70 + [2.0] * 10}), lookback=2)
    found, _ = evidence(constant_model([-1.0, 0.0, 1.0]), held_out(windows, 15))
    naive = [naive_column(level) for level in LEVELS]
    for symbol, adjusted in {"AAA": closes["AAA"], "BBB": closes["BBB"] * np.repeat([0.5, 1.0], [70, 10])}.items():
        rows = own(found, symbol)
        assert rows["naive 0.5"].tolist() == rows["previous_close"].tolist()
        for place, row in zip(range(len(adjusted) - 16, len(adjusted) - 1), rows[naive].to_numpy(), strict=True):
            low, _, high = np.quantile(np.diff(np.log(adjusted[: place + 1])), LEVELS)
            assert row == pytest.approx(adjusted[place] * np.exp([low, 0.0, high]), rel=1e-9)
    assert own(found, "NEW")[naive].isna().all(axis=None)
    diagnosed = diagnose_all(found, LEVELS)
    assert diagnosed["NEW"].sessions == 15


@pytest.mark.parametrize("changed", [85, 99])
def test_later_prices_leave_the_naive_distribution(changed: int) -> None:
    closes, other = walk(1, 100), walk(1, 100)
    other[changed:] *= 3.0
    before, after = (
        evidence(constant_model([-1.0, 0.0, 1.0]), held_out(make_windows(make_bars({"AAA": one}), lookback=2), 30))[0]
        for one in (closes, other)
    )
    early = before["session"] <= pd.bdate_range("2020-01-06", periods=100)[changed]
    names = ["previous_close", "in_sample_mae", "in_sample_mse", *(naive_column(level) for level in LEVELS)]
    assert early.sum() == changed - 69
    pd.testing.assert_frame_equal(before.loc[early, names], after.loc[early, names], check_exact=True)


def test_quantile_columns_are_named_by_the_level_and_no_rounding_error() -> None:
    assert [column(level) for level in (0.05, 0.5, 1 - 0.05, 1 - 0.9, 0.025)] == ["0.05", "0.5", "0.95", "0.1", "0.025"]


def test_the_record_holds_median_and_outermost_quantiles(table: pd.DataFrame) -> None:
    record = record_of(table, "AAA", LEVELS)
    assert isinstance(record, ForecastRecord)
    rows = own(table, "AAA")
    assert record.session.tolist() == [one.date() for one in rows["session"]]
    assert record.forecast.tolist() == rows["0.5"].tolist()
    assert (record.lower.tolist(), record.upper.tolist()) == (rows["0.1"].tolist(), rows["0.9"].tolist())
    assert (record.actual.tolist(), record.level) == (rows["actual"].tolist(), 0.8)
    assert record.previous_close.tolist() == rows["previous_close"].tolist()
    assert record.naive_quantiles is None  # fewer than 60 returns before


def test_the_record_holds_the_naive_distribution_where_it_is_known_throughout(table: pd.DataFrame) -> None:
    naive = [naive_column(level) for level in LEVELS]
    known = table.assign(**dict(zip(naive, (1.0, 2.0, 3.0), strict=True)))
    record = record_of(known, "AAA", LEVELS)
    assert record is not None
    assert record.naive_quantiles is not None
    assert record.naive_quantiles.tolist() == [[1.0, 2.0, 3.0]] * 4
    known.loc[2, naive] = np.nan
    partly = record_of(known, "AAA", LEVELS)
    assert partly is not None
    assert partly.naive_quantiles is None
    old = record_of(table.drop(columns=[*naive, "in_sample_mse"]), "AAA", LEVELS)
    assert old is not None
    assert old.naive_quantiles is None


def test_a_symbol_without_forecasts_has_no_record(table: pd.DataFrame) -> None:
    assert record_of(table, "CCC", LEVELS) is None


def test_every_symbol_with_forecasts_is_diagnosed() -> None:
    windows = make_windows(make_bars({"AAA": walk(1, 100), "BBB": walk(2, 30)}, listed={"BBB": 70}), lookback=2)
    found, _ = evidence(constant_model([-1.0, 0.1, 1.0]), held_out(windows, 80))
    diagnosed = diagnose_all(found, LEVELS)
    assert list(diagnosed) == ["AAA", "BBB"]
    record = record_of(found, "AAA", LEVELS)
    assert record is not None
    scales = own(found, "AAA")[["in_sample_mae", "in_sample_mse"]].iloc[0]
    assert diagnosed["AAA"] == diagnose(record, *scales)
    assert diagnosed["AAA"].errors is not None
    assert (diagnosed["BBB"].errors, diagnosed["BBB"].sessions) == (None, 28)  # fewer than 60


def test_forecasts_of_nothing_are_errors_and_no_failure() -> None:
    # A badly trained level network can say less than nothing; a price ends at zero.
    windows = make_windows(make_bars({"AAA": walk(1, 100)}), lookback=2)
    found, _ = evidence(constant_model([-1e6, -1e5, 1.0]), held_out(windows, 70))
    assert (found["0.5"] == 0.0).all()
    errors = diagnose_all(found, LEVELS)["AAA"].errors
    assert errors is not None
    assert errors.mape == pytest.approx(1.0)


def test_evidence_goes_the_way_of_an_answer() -> None:
    bars = make_bars(CLOSES, factors=FACTORS)
    model = constant_model([-0.5, 0.25, 1.0])
    windows = cut(panel(bars, ("close",)), lookback=2, horizon=1, target="change", scaling=WindowScaling())
    found = own(evidence(model, held_out(windows.take(windows.known), 4))[0], "BBB")
    known_before = bars.frame[bars.frame["session"] < "2020-01-15"]
    answered = model.forecasts(type(bars)(known_before), Calendars())["BBB"]
    assert not isinstance(answered, Exception)
    assert answered.quantiles[0].tolist() == pytest.approx(found[["0.1", "0.5", "0.9"]].iloc[-1].tolist())
