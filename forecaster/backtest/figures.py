"""What a backtest comes to: figures of every model, with how sure each is; to JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from forecaster.backtest.contest import SIZE, Comparisons, Winners
from forecaster.backtest.estimates import Estimate
from forecaster.backtest.lags import PooledLag
from forecaster.backtest.scores import Interval, LevelShare, Quarter
from forecaster.diagnostics.diagnostics import INSUFFICIENT
from forecaster.diagnostics.ranks import CrossSection
from forecaster.diagnostics.verdict import MIN_SESSIONS, Verdict


@dataclass(frozen=True, slots=True)
class Figures:
    """How good one model was. Losses are relative to the last close; a mean over seeds where there are several.

    Attributes:
        mae_ratio, rmse_ratio: mean absolute and root mean squared error of the median, by the baseline's [1].
        r2: 1 - sum (r - p)^2 / sum r^2, out of sample (Campbell & Thompson 2008, with the last close as benchmark) [1].
        directional_accuracy: right signs among closes that changed; a forecast of no change counts one half [1].
        pinball: mean pinball loss [1].
        pinball_ratio: the same by the baseline's [1].
        ranks: IC, RankIC and ICIR over the symbols of each day; None with too few symbols or days.
        intervals: every central interval, the narrowest first.
        levels: every quantile's promise and what came of it.
        quarters: the widest interval by quarter.
        against_baseline: tests; None for the baseline itself.
        against_best: tests against the model ranked first; None for that one.
        confidence: p-value of "may be the best" [1], from the model confidence set.
        may_be_best: whether it is in that set.
        winners: on how many symbols it beats the baseline; None for the baseline itself.
        lag: by how many sessions its forecasts trail.
        over_seeds: standard errors over seeds of the figures of this class that are one number; empty for one seed.
    """

    mae_ratio: Estimate
    rmse_ratio: Estimate
    r2: Estimate
    directional_accuracy: Estimate
    pinball: Estimate
    pinball_ratio: Estimate
    ranks: CrossSection | None
    intervals: tuple[Interval, ...]
    levels: tuple[LevelShare, ...]
    quarters: tuple[Quarter, ...]
    against_baseline: Comparisons | None
    against_best: Comparisons | None
    confidence: float
    may_be_best: bool
    winners: Winners | None
    lag: PooledLag
    over_seeds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One model: its name, how many seeds of it were tried, its figures (None: insufficient data), its verdict."""

    model: str
    seeds: int
    figures: Figures | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Summary:
    """A backtest.

    Attributes:
        baseline: the model that the others are compared with.
        levels: of the quantiles.
        symbols, sessions, forecasts: how many of each were judged, the same for every model.
        first, last: sessions forecast.
        models: by mean pinball loss, the best first; below `MIN_SESSIONS` in the order of the table.
        note: what could not be done as it should have been; empty otherwise.
    """

    baseline: str
    levels: tuple[float, ...]
    symbols: int
    sessions: int
    forecasts: int
    first: date
    last: date
    models: tuple[ModelSummary, ...]
    note: str

    @property
    def sufficient(self) -> bool:
        """Whether there are figures."""
        return self.sessions >= MIN_SESSIONS

    @property
    def best(self) -> ModelSummary:
        """The model with the smallest pinball loss; by chance it may not be the best."""
        return self.models[0]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: what is undefined is None; figures of too small a sample are a status."""
        missing = {"status": INSUFFICIENT, "needed": MIN_SESSIONS, "sessions": self.sessions}
        return {
            "baseline": self.baseline,
            "levels": list(self.levels),
            "sample": {
                "first": self.first.isoformat(),
                "last": self.last.isoformat(),
                "sessions": self.sessions,
                "symbols": self.symbols,
                "forecasts": self.forecasts,
            },
            "confidence_set_size": SIZE,
            "note": self.note,
            "models": [
                {
                    "model": one.model,
                    "seeds": one.seeds,
                    "figures": dict(missing) if one.figures is None else asdict(one.figures),
                    "verdict": {
                        "code": one.verdict.code.value,
                        "text": one.verdict.text,
                        "text_zh": one.verdict.text_zh,
                        "codes": [code.value for code in one.verdict.codes],
                    },
                }
                for one in self.models
            ],
        }
