# ruff: noqa: RUF001
"""Verdicts in Chinese (simplified), sentence by sentence as in `sentences_en`. Full-width marks are Chinese writing."""

from __future__ import annotations

from forecaster.diagnostics.reasons import Reasons, VerdictCode
from forecaster.diagnostics.wording import p_value, percent, share

JOINED = ""
"""What stands between two sentences."""


def head(code: VerdictCode, reasons: Reasons) -> str:
    """The sentence that a verdict begins with. Stale and insufficient data have their own functions."""
    over = f"在 {reasons.n} 个交易日中，该模型"
    match code:
        case VerdictCode.BEATS_NAIVE:
            return f"{over}优于昨收：{_error(reasons)}"
        case VerdictCode.WORSE_THAN_NAIVE:
            return f"{over}不如昨收：{_error(reasons)}{_late(reasons)}"
        case VerdictCode.ECHOES_YESTERDAY:
            echo = f"预测涨跌滞后实际涨跌 1 个交易日，相关系数 {reasons.echo:.2f}"
            return f"{over}只是在重复昨收（{echo}），而且{_error(reasons)}"
        case VerdictCode.OVERCONFIDENT:
            return f"{over}过于自信：{_interval(reasons)}"
        case VerdictCode.BIASED:
            return f"{over}存在系统性偏差：{_bias(reasons)}"
        case _:
            return f"{over}{_not_better(reasons)}"


def further(code: VerdictCode, reasons: Reasons) -> str:
    """The sentence of a code that holds beside the one at the head."""
    match code:
        case VerdictCode.BEATS_NAIVE:
            return f"其{_error(reasons)}"
        case VerdictCode.WORSE_THAN_NAIVE:
            return f"其{_error(reasons)}{_late(reasons)}"
        case VerdictCode.ECHOES_YESTERDAY:
            return _echo(reasons)
        case VerdictCode.OVERCONFIDENT:
            return f"其 {_interval(reasons)}"
        case VerdictCode.BIASED:
            return _bias(reasons)
        case _:
            return f"该模型{_not_better(reasons)}"


def too_few(n: int, needed: int) -> str:
    """`n` sessions, fewer than the `needed` ones."""
    return f"样本不足：只有 {n} 个交易日，至少需要 {needed} 个。"


def stale(gap: int, limit: int) -> str:
    """The evidence ends `gap` sessions before the forecast, more than `limit`."""
    return f"评估结果已过时：评估样本截止于本次预测之前 {gap} 个交易日，超过 {limit} 个。"


def _echo(reasons: Reasons) -> str:
    measured = f"（滞后 1 个交易日，相关系数 {reasons.echo:.2f}）"
    if reasons.better:
        return f"从走势图上看，其预测仍像昨收的翻版{measured}，涨跌幅度小的预测都是如此。"
    return f"其预测是昨收的翻版{measured}。"


def _error(reasons: Reasons) -> str:
    test = f"（{p_value(reasons.p)}）" if reasons.p is not None else ""
    return f"误差比直接沿用昨收{_compared(reasons.skill)}{test}。"


def _compared(skill: float | None) -> str:
    if skill is None:  # the last close was never wrong
        return "更大"
    size = "不到 0.1%" if abs(skill) < 0.001 else _tight(percent(abs(skill)))
    return f"{'小' if skill > 0.0 else '大'} {size}"


def _late(reasons: Reasons) -> str:
    """A sentence where the forecast is nearest to an older close than the naive forecast itself is."""
    back = reasons.level_lag
    if back is None or back < 2:
        return ""
    return f"预测明显滞后：它最接近的是所预测交易日之前第 {back} 个交易日的收盘价。"


def _not_better(reasons: Reasons) -> str:
    if reasons.p is not None:
        return f"没有优于昨收（{p_value(reasons.p)}）。"
    if reasons.same:
        return "没有优于昨收：每个交易日的误差都与直接沿用昨收相同。"
    return "无法被证明优于昨收：两者的误差在每个交易日都相差同一数值，没有检验能把它与偶然区分开。"


def _interval(reasons: Reasons) -> str:
    test = f"（{p_value(reasons.coverage_p)}）" if reasons.coverage_p is not None else ""
    return f"{_tight(share(reasons.level))} 预测区间的实际覆盖率只有 {_tight(share(reasons.observed))}{test}。"


def _bias(reasons: Reasons) -> str:
    test = p_value(reasons.bias_p) if reasons.bias_p is not None else ""
    if reasons.shift is not None:
        side = "高" if reasons.shift > 0.0 else "低"
        size = "不到 0.1%" if abs(reasons.shift) < 0.001 else _tight(percent(abs(reasons.shift)))
        return f"预测值平均偏{side}，幅度为股价的 {size}（{test}）。"
    slope = reasons.slope or 0.0
    measured = f"（斜率 {slope:.2f}，应为 1；{test}）"
    if slope <= 0.0:
        return f"收盘价并不跟随预测的涨跌{measured}。"
    return f"预测的涨跌幅度过{'大' if slope < 1.0 else '小'}{measured}。"


def _tight(amount: str) -> str:
    """Chinese writing has no space before the sign."""
    return amount.replace(" %", "%")
