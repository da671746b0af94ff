# ruff: noqa: RUF001
"""Every code, alone and beside others, in both languages."""

from __future__ import annotations

import re
import time

import pytest

from forecaster.diagnostics.bias import Bias
from forecaster.diagnostics.coverage import Coverage
from forecaster.diagnostics.errors import Errors
from forecaster.diagnostics.lag import Lag
from forecaster.diagnostics.significance import Significance
from forecaster.diagnostics.verdict import Verdict, VerdictCode, aged, lag_text, too_few, verdict

BEATS, NO_BETTER, WORSE = (
    VerdictCode.BEATS_NAIVE,
    VerdictCode.NO_BETTER_THAN_NAIVE,
    VerdictCode.WORSE_THAN_NAIVE,
)
ECHOES, OVERCONFIDENT, BIASED, STALE, INSUFFICIENT = (
    VerdictCode.ECHOES_YESTERDAY,
    VerdictCode.OVERCONFIDENT,
    VerdictCode.BIASED,
    VerdictCode.STALE,
    VerdictCode.INSUFFICIENT_DATA,
)


def wrong(skill: float | None, mae: float = 1.0) -> Errors:
    return Errors(
        mae=mae,
        rmse=1.3,
        mape=0.01,
        bias=0.0,
        mase=None,
        rmsse=None,
        skill_vs_naive=skill,
        theil_u2=None,
        r2_out_of_sample=None,
        directional_accuracy=0.5,
        pinball=0.4,
        pinball_skill=None,
    )


def late(best: int | None, correlation: float | None, echo: float | None) -> Lag:
    return Lag(best, correlation, echo, best, ())


def figures(dm: float | None, p: float | None) -> Significance:
    return Significance(
        diebold_mariano=dm,
        dm_p_value=p,
        dm_squared=None,
        dm_squared_p_value=None,
        dm_pinball=None,
        dm_pinball_p_value=None,
        pt_statistic=None,
        pt_p_value=None,
    )


def kept(observed: float, p: float | None, level: float = 0.9) -> Coverage:
    return Coverage(
        level=level,
        observed=observed,
        mean_width=4.0,
        kupiec_p_value=p,
        independence_p_value=None,
        christoffersen_p_value=None,
        levels=(),
    )


def off(
    mean: float | None = 0.0,
    p: float | None = 0.5,
    slope: float | None = 1.0,
    joint: float | None = 0.5,
) -> Bias:
    return Bias(
        mean=mean,
        statistic=0.0,
        p_value=p,
        intercept=0.0,
        slope=slope,
        mincer_zarnowitz=1.0,
        mz_p_value=joint,
    )


ECHO, FRESH = late(1, 0.97, 0.97), late(0, 0.6, 0.1)
SOUND, FAIR = off(), kept(0.896, 0.83)


def judged(
    n: int,
    errors: Errors,
    lag: Lag,
    significance: Significance,
    *,
    bias: Bias = SOUND,
    coverage: Coverage = FAIR,
    gap: int | None = None,
) -> Verdict:
    return verdict(n, errors, bias, lag, significance, coverage, as_of_gap=gap)


def test_too_few_sessions_come_before_any_figure() -> None:
    found = judged(59, wrong(0.9), FRESH, figures(-9.0, 1e-9), coverage=kept(0.5, 1e-9), gap=300)
    assert found == too_few(59)
    assert (found.code, found.codes) == (INSUFFICIENT, (INSUFFICIENT,))
    assert found.text == "insufficient data: 59 sessions, at least 60 are needed"
    assert found.text_zh == "样本不足：只有 59 个交易日，至少需要 60 个。"


def test_significantly_better_beats_even_as_an_echo() -> None:
    found = judged(60, wrong(0.034), ECHO, figures(-2.6, 0.012))
    assert (found.code, found.codes) == (BEATS, (BEATS, ECHOES))
    assert found.text == (
        "Over 60 sessions this model beats yesterday's close: its error is 3.4 % smaller than that of simply "
        "repeating yesterday's close (p = 0.012). "
        "On a chart it still looks like an echo of yesterday's price (lag 1, correlation 0.97), as all forecasts of "
        "small moves do."
    )
    assert found.text_zh == (
        "在 60 个交易日中，该模型优于昨收：误差比直接沿用昨收小 3.4%（p = 0.012）。"
        "从走势图上看，其预测仍像昨收的翻版（滞后 1 个交易日，相关系数 0.97），涨跌幅度小的预测都是如此。"
    )


def test_significantly_worse_and_an_echo() -> None:
    found = judged(250, wrong(-0.34), ECHO, figures(8.0, 1e-12))
    assert (found.code, found.codes) == (ECHOES, (ECHOES, WORSE))
    assert found.text == (
        "Over 250 sessions this model echoes yesterday's price (its changes follow the close's by 1 session, "
        "correlation 0.97) and its error is 34 % larger than that of simply repeating yesterday's close "
        "(p < 0.001)."
    )
    assert found.text_zh == (
        "在 250 个交易日中，该模型只是在重复昨收（预测涨跌滞后实际涨跌 1 个交易日，相关系数 0.97），"
        "而且误差比直接沿用昨收大 34%（p < 0.001）。"
    )


def test_a_smoothed_past_is_an_echo_too() -> None:
    found = judged(250, wrong(-0.34), late(2, 0.65, 0.62), figures(8.0, 1e-12))
    assert found.code is ECHOES
    assert "its changes follow the close's by 1 session, correlation 0.62" in found.text


@pytest.mark.parametrize("lag", [FRESH, late(1, 0.49, 0.49), late(None, None, None)])
def test_significantly_worse_without_an_echo(lag: Lag) -> None:
    found = judged(250, wrong(-0.34), lag, figures(8.0, 0.0004))
    assert (found.code, found.codes) == (WORSE, (WORSE,))
    assert found.text == (
        "Over 250 sessions this model is worse than yesterday's close: its error is 34 % larger than that of "
        "simply repeating yesterday's close (p < 0.001)."
    )
    assert found.text_zh == "在 250 个交易日中，该模型不如昨收：误差比直接沿用昨收大 34%（p < 0.001）。"


def test_a_forecast_that_runs_late_without_an_echo_is_told_so() -> None:
    found = judged(250, wrong(-0.34), late(3, 0.3, 0.2), figures(8.0, 0.0004))
    assert found.code is WORSE
    assert found.text.endswith("It runs late: it is nearest to the close 3 sessions before the one that it is for.")
    assert found.text_zh.endswith("预测明显滞后：它最接近的是所预测交易日之前第 3 个交易日的收盘价。")


def test_worse_than_a_close_that_was_never_wrong() -> None:
    found = judged(250, wrong(None), FRESH, figures(8.0, 0.0004))
    assert "its error is larger than that of simply repeating yesterday's close" in found.text
    assert "误差比直接沿用昨收更大" in found.text_zh


@pytest.mark.parametrize("dm", [-0.41, 0.41])
def test_no_significant_difference(dm: float) -> None:
    found = judged(250, wrong(0.002), FRESH, figures(dm, 0.68))
    assert (found.code, found.codes) == (NO_BETTER, (NO_BETTER,))
    assert found.text == "Over 250 sessions this model did not beat yesterday's close (p = 0.68)."
    assert found.text_zh == "在 250 个交易日中，该模型没有优于昨收（p = 0.68）。"


def test_no_significant_difference_and_an_echo() -> None:
    found = judged(250, wrong(0.002), ECHO, figures(-0.41, 0.68))
    assert (found.code, found.codes) == (NO_BETTER, (NO_BETTER, ECHOES))
    assert found.text == (
        "Over 250 sessions this model did not beat yesterday's close (p = 0.68). "
        "Its forecast is an echo of yesterday's price (lag 1, correlation 0.97)."
    )


@pytest.mark.parametrize("errors", [wrong(0.0), wrong(None, mae=0.0)])
def test_an_identical_error_is_called_that(errors: Errors) -> None:
    found = judged(250, errors, late(1, 1.0, 1.0), figures(None, None))
    assert found.code is NO_BETTER
    assert found.text == (
        "Over 250 sessions this model did not beat yesterday's close: in every session its error equals that "
        "of repeating it. Its forecast is an echo of yesterday's price (lag 1, correlation 1.00)."
    )
    assert found.text_zh.startswith("在 250 个交易日中，该模型没有优于昨收：每个交易日的误差都与直接沿用昨收相同。")


@pytest.mark.parametrize("errors", [wrong(-0.1), wrong(None), wrong(1.0, mae=0.0)])
def test_a_constant_difference_is_not_called_identical(errors: Errors) -> None:
    found = judged(250, errors, FRESH, figures(None, None))
    assert found.code is NO_BETTER
    assert "differ by the same amount in every session" in found.text
    assert "在每个交易日都相差同一数值" in found.text_zh


@pytest.mark.parametrize(
    ("coverage", "holds"),
    [
        (kept(0.824, 0.0004), True),
        (kept(0.824, 0.012), False),  # chance may do that
        (kept(0.885, 0.0004), False),  # sure, but short of nothing that matters
        (kept(0.976, 0.0004), False),  # too wide: modest
        (kept(0.824, None), False),  # not tested
    ],
)
def test_an_interval_that_holds_too_little_is_overconfident(coverage: Coverage, holds: bool) -> None:
    found = judged(250, wrong(0.002), FRESH, figures(-0.41, 0.68), coverage=coverage)
    assert (OVERCONFIDENT in found.codes) is holds
    assert found.code is (OVERCONFIDENT if holds else NO_BETTER)


def test_overconfident_and_an_echo_that_is_no_worse() -> None:
    found = judged(250, wrong(0.002), ECHO, figures(-0.41, 0.68), coverage=kept(0.8244, 0.0004))
    assert found.codes == (OVERCONFIDENT, NO_BETTER, ECHOES)
    assert found.text == (
        "Over 250 sessions this model is overconfident: its 90 % interval held only 82.4 % of the closes (p < 0.001). "
        "It did not beat yesterday's close (p = 0.68). "
        "Its forecast is an echo of yesterday's price (lag 1, correlation 0.97)."
    )
    assert found.text_zh == (
        "在 250 个交易日中，该模型过于自信：90% 预测区间的实际覆盖率只有 82.4%（p < 0.001）。"
        "该模型没有优于昨收（p = 0.68）。"
        "其预测是昨收的翻版（滞后 1 个交易日，相关系数 0.97）。"
    )


def test_a_fault_leads_even_where_the_close_is_beaten() -> None:
    found = judged(250, wrong(0.034), FRESH, figures(-2.6, 0.012), coverage=kept(0.8, 1e-6))
    assert found.codes == (OVERCONFIDENT, BEATS)
    assert found.text.endswith(
        "Its error is 3.4 % smaller than that of simply repeating yesterday's close (p = 0.012)."
    )
    assert found.text_zh.endswith("其误差比直接沿用昨收小 3.4%（p = 0.012）。")


def test_what_is_worse_comes_before_the_interval() -> None:
    found = judged(250, wrong(-0.34), FRESH, figures(8.0, 1e-9), coverage=kept(0.5, 1e-9))
    assert found.codes == (WORSE, OVERCONFIDENT)
    assert found.text.endswith("Its 90 % interval held only 50 % of the closes (p < 0.001).")
    assert found.text_zh.endswith("其 90% 预测区间的实际覆盖率只有 50%（p < 0.001）。")


# `wrong` has a usual error of 1 % of the price, so that a mean error matters from 0.05 % on.
@pytest.mark.parametrize(
    ("bias", "sentence", "sentence_zh"),
    [
        (
            off(mean=0.0031, p=0.0004, joint=0.002),
            "its forecasts are too high by 0.3 % of the price on average (p = 0.002).",
            "预测值平均偏高，幅度为股价的 0.3%（p = 0.002）。",
        ),
        (
            off(mean=-0.0031, p=0.0004, slope=None, joint=None),
            "its forecasts are too low by 0.3 % of the price on average (p < 0.001).",
            "预测值平均偏低，幅度为股价的 0.3%（p < 0.001）。",
        ),
        (
            off(mean=0.0008, p=0.2, slope=0.21, joint=1e-9),
            "the moves that it forecasts are too large (slope 0.21, where 1 is right; p < 0.001).",
            "预测的涨跌幅度过大（斜率 0.21，应为 1；p < 0.001）。",
        ),
        (
            off(slope=-0.3, joint=0.004),
            "the close does not follow the moves that it forecasts (slope -0.30, where 1 is right; p = 0.004).",
            "收盘价并不跟随预测的涨跌（斜率 -0.30，应为 1；p = 0.004）。",
        ),
        (
            off(slope=3.5, joint=0.004),
            "the moves that it forecasts are too small (slope 3.50, where 1 is right; p = 0.004).",
            "预测的涨跌幅度过小（斜率 3.50，应为 1；p = 0.004）。",
        ),
    ],
)
def test_a_bias_that_matters_is_told(bias: Bias, sentence: str, sentence_zh: str) -> None:
    found = judged(250, wrong(0.002), FRESH, figures(-0.41, 0.68), bias=bias)
    assert found.codes == (BIASED, NO_BETTER)
    assert found.text.startswith(f"Over 250 sessions this model is biased: {sentence} It did not beat")
    assert found.text_zh.startswith(f"在 250 个交易日中，该模型存在系统性偏差：{sentence_zh}")
    beside = judged(250, wrong(-0.34), FRESH, figures(8.0, 1e-9), bias=bias)
    assert beside.codes == (WORSE, BIASED)
    assert beside.text.endswith(sentence[1:])
    assert beside.text_zh.endswith(sentence_zh)


@pytest.mark.parametrize(
    "bias",
    [
        off(mean=0.0031, p=0.0004, joint=0.3),  # the joint test decides where there is one
        off(mean=0.0004, p=1e-9, slope=1.1, joint=1e-9),  # sure, but too small to matter
        off(mean=0.0031, p=0.02, slope=None, joint=None),  # chance may do that
        off(mean=0.0031, p=None, slope=None, joint=None),  # not tested
    ],
)
def test_other_biases_are_not(bias: Bias) -> None:
    found = judged(250, wrong(0.002), FRESH, figures(-0.41, 0.68), bias=bias)
    assert found.codes == (NO_BETTER,)


def test_old_evidence_is_told_before_what_it_says() -> None:
    known = judged(250, wrong(0.002), ECHO, figures(-0.41, 0.68))
    found = judged(250, wrong(0.002), ECHO, figures(-0.41, 0.68), gap=126)
    assert found == aged(known, 126)
    assert found.codes == (STALE, NO_BETTER, ECHOES)
    assert found.text == (
        f"Its evidence is stale: it ends 126 sessions before this forecast, more than 125. {known.text}"
    )
    assert found.text_zh == f"评估结果已过时：评估样本截止于本次预测之前 126 个交易日，超过 125 个。{known.text_zh}"
    assert aged(found, 200) == found


@pytest.mark.parametrize("gap", [None, 0, 125])
def test_evidence_is_not_called_old_before_its_time(gap: int | None) -> None:
    known = judged(250, wrong(0.002), ECHO, figures(-0.41, 0.68))
    assert judged(250, wrong(0.002), ECHO, figures(-0.41, 0.68), gap=gap) == known
    assert aged(too_few(12), 300) == too_few(12)


def test_exactly_one_code_says_how_the_close_was_compared_with() -> None:
    seen = set()
    for dm, p in ((-3.0, 0.003), (3.0, 0.003), (1.0, 0.3), (None, None)):
        for lag in (ECHO, FRESH):
            for coverage in (FAIR, kept(0.5, 1e-9)):
                for bias in (SOUND, off(mean=0.01, p=1e-9, joint=1e-9)):
                    found = judged(250, wrong(0.1), lag, figures(dm, p), bias=bias, coverage=coverage)
                    assert len({BEATS, WORSE, NO_BETTER} & set(found.codes)) == 1
                    assert found.code is found.codes[0]
                    assert len(set(found.codes)) == len(found.codes)
                    assert (ECHOES in found.codes) == (lag is ECHO)
                    # Faults first: a merit leads only where there is none.
                    assert found.code not in (BEATS, NO_BETTER) or not {OVERCONFIDENT, BIASED} & set(found.codes)
                    assert "None" not in found.text + found.text_zh
                    # Each text has a sentence for each code; that of an echo that is worse says both.
                    both = found.code is ECHOES
                    assert found.text_zh.count("。") == len(found.codes) - both
                    assert re.search(r"[一-鿿]", found.text) is None
                    seen.update(found.codes)
    assert seen == {BEATS, NO_BETTER, WORSE, ECHOES, OVERCONFIDENT, BIASED}


def test_a_market_takes_no_time() -> None:
    started = time.process_time()
    for _ in range(5000):
        judged(250, wrong(-0.34), ECHO, figures(8.0, 1e-9), coverage=kept(0.5, 1e-9), gap=300)
    assert time.process_time() - started < 2.0  # a quarter of a second on an idle core


@pytest.mark.parametrize(
    ("lag", "text"),
    [
        (
            ECHO,
            "An echo of yesterday: the forecast's changes follow the close's by 1 session (correlation 0.97).",
        ),
        (FRESH, "No delay: the forecast's changes move with the close's (correlation 0.60)."),
        (
            late(3, 0.8, 0.2),
            "An echo of earlier prices: the forecast's changes follow the close's by 3 sessions (correlation 0.80).",
        ),
        (
            late(4, 0.21, 0.1),
            "No clear relation between the forecast's changes and the close's: the highest correlation is "
            "0.21, at a lag of 4 sessions.",
        ),
        (late(None, None, None), "No delay can be measured: the forecast or the close does not vary."),
    ],
)
def test_the_lag_in_words(lag: Lag, text: str) -> None:
    assert lag_text(lag) == text
