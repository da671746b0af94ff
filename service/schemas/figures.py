"""How forecasts have done: the sections that forecasts and diagnostics share."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from forecaster.diagnostics.verdict import VerdictCode
from service.schemas.base import Answer


class Missing(Answer):
    """Too few held-out sessions to state a figure."""

    status: Literal["insufficient data"]
    needed: int = Field(description="How many sessions are needed.")
    sessions: int = Field(description="How many there are.")


class Sample(Answer):
    """The held-out sessions behind the figures. The model was fitted to none of them."""

    first: date = Field(description="First session.")
    last: date = Field(description="Last session.")
    sessions: int = Field(description="How many.")


class Errors(Answer):
    """How wrong the forecasts were."""

    mae: float = Field(description="Mean absolute error [currency].")
    rmse: float = Field(description="Root mean squared error [currency].")
    mape: float = Field(description="Mean absolute error as a fraction of the close [1].")
    bias: float = Field(description="Mean of forecast - actual [currency].")
    mase: float | None = Field(description="`mae` / mean absolute daily change before the held-out span [1].")
    rmsse: float | None = Field(description="`rmse` / root mean square of those changes [1].")
    skill_vs_naive: float | None = Field(description="1 - `mae` / MAE of the last close [1].")
    theil_u2: float | None = Field(description="`rmse` / RMSE of the last close [1].")
    r2_out_of_sample: float | None = Field(
        description="1 - sum of squared errors / that of the last close, each relative to the last close [1]."
    )
    directional_accuracy: float = Field(description="Share of sessions whose direction was right [1].")
    pinball: float | None = Field(description="Mean pinball loss over sessions and quantiles [currency].")
    pinball_skill: float | None = Field(
        description="1 - `pinball` / that of the naive quantiles (the last close, spread by the symbol's past) [1]."
    )


class Bias(Answer):
    """Whether the forecasts are off on average, and whether their size means what it says. null: not defined."""

    mean: float | None = Field(description="Mean of forecast - actual, each relative to the last close [1].")
    statistic: float | None = Field(description="`mean` / its Newey-West standard error.")
    p_value: float | None = Field(description="Its two-sided p-value.")
    intercept: float | None = Field(
        description="Of the actual change on the predicted one, both relative to the last close [1]; 0 is right."
    )
    slope: float | None = Field(description="Of the same regression [1]; 1 is right, below it moves are too large.")
    mincer_zarnowitz: float | None = Field(description="Wald statistic of both together, F with 2 and n - 2.")
    mz_p_value: float | None = Field(description="Its p-value.")


class Lag(Answer):
    """How late the forecasts were: 0 for a perfect forecast, 1 for an echo of yesterday."""

    best_lag: int | None = Field(
        description="The lag, 0 to 10, at which the forecast's changes are most like the close's [sessions]."
    )
    correlation: float | None = Field(description="The correlation at `best_lag` [1].")
    echo: float | None = Field(description="The correlation at a lag of one session [1].")
    level_lag: int | None = Field(description="Lag of the lowest RMSE [sessions].")
    text: str = Field(description="The same in one sentence.")


class Significance(Answer):
    """Whether the difference to repeating the last close could be chance. null: not defined."""

    diebold_mariano: float | None = Field(description="Statistic on absolute loss; below 0 is better.")
    dm_p_value: float | None = Field(description="Its two-sided p-value.")
    dm_squared: float | None = Field(description="The same statistic on squared loss.")
    dm_squared_p_value: float | None = Field(description="Its two-sided p-value.")
    dm_pinball: float | None = Field(description="The same statistic on pinball loss, against the naive quantiles.")
    dm_pinball_p_value: float | None = Field(description="Its two-sided p-value.")
    pt_statistic: float | None = Field(description="Pesaran-Timmermann statistic for direction.")
    pt_p_value: float | None = Field(description="Its one-sided p-value.")


class LevelCoverage(Answer):
    """One central interval."""

    level: float = Field(description="Promised share of closes inside [1].")
    observed: float = Field(description="Share that was inside [1].")
    mean_width: float = Field(description="Mean width [currency].")
    kupiec_p_value: float | None = Field(description="p-value: chance alone explains the difference.")


class Coverage(Answer):
    """Whether the intervals held the close as often as they say; the single figures are about the widest."""

    level: float = Field(description="Promised share of closes inside [1].")
    observed: float = Field(description="Share that was inside [1].")
    mean_width: float = Field(description="Mean width [currency].")
    kupiec_p_value: float | None = Field(description="p-value: chance alone explains the difference.")
    independence_p_value: float | None = Field(description="p-value: a miss says nothing about the next session.")
    christoffersen_p_value: float | None = Field(description="p-value: both at once, conditional coverage.")
    levels: list[LevelCoverage] = Field(description="Every central interval, the narrowest first.")


class Verdict(Answer):
    """Does the model beat repeating yesterday's close, and can it be trusted?"""

    code: VerdictCode = Field(description="The first fault found, or else how it compares with yesterday's close.")
    text: str = Field(description="A sentence for each code, in English.")
    text_zh: str = Field(description="The same in Chinese.")
    codes: list[VerdictCode] = Field(description="Every code that holds, `code` first.")
