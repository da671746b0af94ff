"""The settings of a year's home: small networks, a gate that is lenient and real."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.unattended.market import CALLS_A_MINUTE, TOKEN
from forecaster.pipeline.settings import RetrainSettings
from forecaster.promotion.thresholds import Thresholds
from forecaster.schedule_settings import ScheduleSettings
from forecaster.settings import Settings

NAME: Final = "next-close"

_SPEC: Final = """[model]
units = [4]
lookback = 5
[train]
epochs = 30
batch = 64
learning_rate = 0.01
averaging = 0.99
validation = 40
test = 60
"""
# It is trained to say the price itself, and hardly at all.
_NONSENSE: Final = '[model]\nunits = [2]\nlookback = 5\ntarget = "level"\nunit = "range"\n[train]\nepochs = 1\n'
_HELD_OUT: Final = "validation = 40\ntest = 60\n"

# Four units see little more than yesterday's close: a small lead is enough.
GATE: Final = Thresholds(sessions=20, significance=0.4, effect=0.0, naive_margin=0.06, coverage=0.08)


def furnished(home: Path, symbols: Sequence[str]) -> None:
    """The files that the settings name."""
    home.mkdir(parents=True)
    (home / "universe.txt").write_text("\n".join(symbols) + "\n", encoding="utf-8")
    (home / "spec.toml").write_text(_SPEC, encoding="utf-8")
    (home / "nonsense.toml").write_text(_NONSENSE + _HELD_OUT, encoding="utf-8")


def settings(home: Path, url: str, every: int, *, nonsense: bool = False, **more: Any) -> Settings:
    """What the scheduler and its passes go by, whatever the environment says.

    Args:
        home: furnished.
        url: the vendor's.
        every: sessions between two trainings.
        nonsense: whether a challenger is made bad.
        more: of the scheduler.
    """
    return Settings(
        home=home,
        store="",
        ledger="",
        model=NAME,
        tracking_uri="",
        gate=GATE,
        retrain=RetrainSettings(
            provider="tushare",
            universe=str(home / "universe.txt"),
            spec=home / ("nonsense.toml" if nonsense else "spec.toml"),
            every_sessions=every,
            pause_sessions=max(2, every // 2),
            leakcheck_symbols=1,
            wait=5,
        ),
        schedule=ScheduleSettings(exchanges=("XSHG",), heartbeat_seconds=60, **more),
        tushare_token=TOKEN,
        tushare_url=url,
        tushare_calls_per_minute=CALLS_A_MINUTE,
        tushare_timeout=1,
    )
