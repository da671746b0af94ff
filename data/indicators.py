"""What the features are computed from; `data.features` names and documents them.

Each function takes a `History` and gives `(bars, symbols)`, from each bar and earlier ones alone. NaN where the past is
too short, and where a column has ended.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from data.history import Array, History, lag, recent_max, recent_mean
from data.price_limits import board_of, limit_prices, percent_on, reference_price, tick_of

RISKMETRICS_DECAY: Final = 0.94

# Below this a share is taken to stand still: a daily volatility of a hundredth of a per cent.
LEAST_VOLATILITY: Final = 1e-4

# Half-life of the volatility that moves and targets are measured in, and how many bars it needs at least.
HALF_LIFE: Final = 10
LEAST_BARS: Final = 10


def log_volume(past: History) -> Array:
    """ln(1 + volume)."""
    return np.log(past.volume + 1)


def log_return(past: History) -> Array:
    """Ln c(t)/c(t-1)."""
    return past.once("log_return", lambda: np.log(past.close / lag(past.close, 1)))


def log_range(past: History) -> Array:
    """Ln high/low."""
    return np.log(past.high / past.low)


def overnight(past: History) -> Array:
    """Ln open(t)/c(t-1)."""
    return past.once("overnight", lambda: np.log(past.open / lag(past.close, 1)))


def ewma_volatility(past: History) -> Array:
    """RiskMetrics' (1996) volatility of log returns."""
    half_life = np.log(0.5) / np.log(RISKMETRICS_DECAY)
    return np.sqrt(recent_mean(log_return(past) ** 2, half_life, 128, 1))


def weekday(past: History) -> Array:
    """Monday 0 to Friday 4."""
    days = past.session.astype("int64").astype(np.float64)
    return np.where(np.isnat(past.session), np.nan, (days + 3) % 7)  # 1970-01-01 was a Thursday


def pause_days(past: History) -> Array:
    """Calendar days since the previous bar."""
    days = np.where(np.isnat(past.session), np.nan, past.session.astype("int64").astype(np.float64))
    return days - lag(days, 1)


def session_variance(past: History) -> Array:
    """Squared overnight return, plus Garman & Klass' (1980) estimate from the session's open, high, low and close."""

    def make() -> Array:
        traded = 0.5 * log_range(past) ** 2 - (2 * np.log(2) - 1) * np.log(past.close / past.open) ** 2
        variance: Array = overnight(past) ** 2 + np.maximum(traded, 0.0)
        return variance

    return past.once("session_variance", make)


def volatility(past: History, half_life: int = HALF_LIFE, sessions: int = 64) -> Array:
    """The root of the mean session variance of the last bars, at least `LEAST_VOLATILITY`."""

    def make() -> Array:
        mean = recent_mean(session_variance(past), half_life, sessions, LEAST_BARS)
        return np.maximum(np.sqrt(mean), LEAST_VOLATILITY)

    return past.once(f"volatility {half_life} {sessions}", make)


def move(past: History) -> Array:
    """Log return in units of volatility."""
    return log_return(past) / volatility(past)


def overnight_move(past: History) -> Array:
    """Overnight return in units of volatility."""
    return overnight(past) / volatility(past)


def excess_return(past: History) -> Array:
    """Log return less the universe's mean on that session."""
    return past.once("excess_return", lambda: log_return(past) - past.across(log_return(past)))


def excess(past: History, sessions: int) -> Array:
    """Excess return of the last sessions, in units of volatility over as many."""
    one = excess_return(past)
    total = one.copy()
    for back in range(1, sessions):
        total += lag(one, back)
    return _scaled(total, past, sessions)


def momentum(past: History, sessions: int) -> Array:
    """Log return of the last sessions, in units of volatility over as many."""
    return _scaled(np.log(past.close / lag(past.close, sessions)), past, sessions)


def highest_move(past: History) -> Array:
    """The largest log return of 16 sessions, in units of volatility."""
    return recent_max(log_return(past), 16) / volatility(past)


def drawdown(past: History) -> Array:
    """Three times the log distance to the highest close of 256 sessions, at most 0."""
    return 3 * np.log(past.close / recent_max(past.close, 256))


def close_position(past: History) -> Array:
    """The close within the session's range, from -0.5 to 0.5; 0 in a session without a range."""
    width = past.high - past.low
    inside = np.divide(past.close - past.low, width, out=np.full_like(width, 0.5), where=width > 0)
    return np.where(np.isnan(width), np.nan, inside - 0.5)


def session_range(past: History) -> Array:
    """Ln of the session's own volatility over that of the last bars."""
    return 0.5 * np.log(np.maximum(session_variance(past), LEAST_VOLATILITY**2)) - np.log(volatility(past))


def week_volatility(past: History) -> Array:
    """Ln of the volatility of about a week over that of about a month."""
    return np.log(volatility(past, 3, 16) / volatility(past))


def long_volatility(past: History) -> Array:
    """Ln of the volatility of about half a year over that of about a month."""
    return np.log(volatility(past, 40, 256) / volatility(past))


def volatility_level(past: History) -> Array:
    """The long volatility itself, on a scale where 1.8 % a day is 0 and twice as much 1.4."""
    return 2 * (np.log(volatility(past, 40, 256)) + 4)


def month_size(past: History) -> Array:
    """The mean absolute log return of about a month over the volatility, as a logarithm."""
    mean = recent_mean(np.abs(log_return(past)), 10, 64, LEAST_BARS)
    return _log_ratio(mean, volatility(past))


def volume_surge(past: History) -> Array:
    """Ln volume less its mean."""
    return log_volume(past) - _usual_volume(past)


def volume_trend(past: History) -> Array:
    """Ln volume of about a week less its mean."""
    return recent_mean(log_volume(past), 3, 16, LEAST_BARS) - _usual_volume(past)


def _usual_volume(past: History) -> Array:
    return past.once("usual_volume", lambda: recent_mean(log_volume(past), 20, 128, LEAST_BARS))


def at_limit(past: History) -> Array:
    """1 where the close is the highest that the exchange allows, -1 where it is the lowest, else 0."""
    found = np.where(np.isnan(past.close), np.nan, 0.0)
    boards = [board_of(symbol) for symbol in past.symbols]
    for board in {one for one in boards if one is not None}:
        own = np.array([one is board for one in boards])
        tick = tick_of(board)
        closes = (past.close / past.factor)[:, own]
        step = past.factor[:, own] / lag(past.factor, 1)[:, own]
        known = ~np.isnan(step)
        reference = reference_price(lag(past.close / past.factor, 1)[:, own][known], step[known], tick)
        lowest, highest = limit_prices(reference, percent_on(board, past.session[:, own][known]), tick)
        reached = np.zeros(closes.shape)
        reached[known] = (closes[known] >= highest - tick / 2).astype(float) - (closes[known] <= lowest + tick / 2)
        found[:, own] += reached
    return found


def universe_size(past: History, half_life: int | None) -> Array:
    """Ln of the universe's mean absolute return, of the session or of the last few, over that of about half a year."""
    size_now = past.once("universe_size", lambda: past.across(np.abs(log_return(past))))
    recent = size_now if half_life is None else recent_mean(size_now, half_life, 16, 1)
    return _log_ratio(recent, recent_mean(size_now, 40, 256, LEAST_BARS))


def dispersion(past: History) -> Array:
    """Ln of the spread of the universe's returns around their mean, of about a week over that of about half a year."""
    spread = np.sqrt(past.across(excess_return(past) ** 2))
    return _log_ratio(recent_mean(spread, 3, 16, 1), recent_mean(spread, 40, 256, LEAST_BARS))


def _scaled(returns: Array, past: History, sessions: int) -> Array:
    """Returns of so many sessions in units of the volatility over as many."""
    scaled: Array = returns / volatility(past) / np.sqrt(sessions)
    return scaled


def _log_ratio(recent: Array, usual: Array) -> Array:
    ratio: Array = np.log(np.maximum(recent, LEAST_VOLATILITY) / np.maximum(usual, LEAST_VOLATILITY))
    return ratio
