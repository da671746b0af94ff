"""What clients send, as it is read and as it is documented: one place for both."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Final, NotRequired

from fastapi import Query
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from data.symbols import LISTED_PATTERN, SYMBOL_PATTERN

MOST_BARS: Final = 5000

_ISO_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

# Nothing is guessed: "1" is no number and true neither, and a name that is not known may be a name misspelt.
_STRICT: Final = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

# A list of many bad cells is told by its first.
_Many: Final = Field(fail_fast=True, min_length=1, max_length=MOST_BARS)
# The rules of `data.bars` see to that, and say which came again.
_Once: Final = Field(fail_fast=True, min_length=1, max_length=MOST_BARS, json_schema_extra={"uniqueItems": True})


def _number(least: dict[str, float], told: str = "") -> Any:
    """A number whose bound is documented here and held by the rules of `data.bars`, which name row and rule."""
    return Field(description=told or None, json_schema_extra=dict(least))


_Price = Annotated[float, _number({"exclusiveMinimum": 0}, "[currency], as traded.")]
_Volume = Annotated[float, _number({"minimum": 0}, "[shares]")]
_Amount = Annotated[float | None, Field(description="Traded value [currency]; no forecast needs it.")]
_Factor = Annotated[
    float,
    _number(
        {"exclusiveMinimum": 0},
        "Adjustment factor [1]; price x factor is backward-adjusted. In every bar, or in none, where prices need none.",
    ),
]


@with_config(_STRICT)
class Bar(TypedDict):
    """One session as traded."""

    session: Annotated[date, Field(description="The trading day.")]
    open: _Price
    high: _Price
    low: _Price
    close: _Price
    volume: _Volume
    amount: NotRequired[_Amount]
    adj_factor: NotRequired[_Factor]


@with_config(_STRICT)
class Columns(TypedDict):
    """The same as columns of equal length: half as many bytes, and read in a quarter of the time."""

    session: Annotated[list[date], _Once]
    open: Annotated[list[_Price], _Many]
    high: Annotated[list[_Price], _Many]
    low: Annotated[list[_Price], _Many]
    close: Annotated[list[_Price], _Many]
    volume: Annotated[list[_Volume], _Many]
    amount: NotRequired[Annotated[list[_Amount], _Many]]
    adj_factor: NotRequired[Annotated[list[_Factor], _Many]]


@with_config(_STRICT)
class ManySymbols(TypedDict):
    """Forecasts of many symbols that the store has prices of."""

    symbols: Annotated[
        list[Annotated[str, Field(pattern=SYMBOL_PATTERN)]],
        Field(fail_fast=True, min_length=1, description="Each once.", json_schema_extra={"uniqueItems": True}),
    ]


@with_config(_STRICT)
class OwnBars(TypedDict):
    """A forecast from bars that come with the request and are not kept."""

    symbol: Annotated[
        str,
        Field(
            pattern=LISTED_PATTERN,
            description="Whose; the store need not know it. Its suffix names the exchange, whose trading days count.",
        ),
    ]
    bars: Annotated[
        Annotated[list[Bar], _Once] | Columns,
        Field(description=f"At most {MOST_BARS} in any order, every session once; the newest is forecast from."),
    ]


MANY_SYMBOLS: Final = TypeAdapter(ManySymbols)
OWN_BARS: Final = TypeAdapter(OwnBars)


def _iso(text: object) -> object:
    """Only what looks like a date goes on: pydantic would also take seconds since 1970."""
    if isinstance(text, str) and not _ISO_DATE.fullmatch(text):
        raise ValueError("expected a date such as 2026-11-20")
    return text


AsOf = Annotated[
    date | None,
    BeforeValidator(_iso),
    Query(
        description="Use no bar of a later session, and no outcome that came later.",
        openapi_examples={"the present": {"value": None}, "a day": {"value": "2012-06-29"}},
    ),
]

_BAR: Final = {"open": 1688.0, "high": 1706.0, "low": 1681.5, "close": 1700.0, "volume": 2913400, "amount": 4.94e9}
_EXAMPLES: Final[dict[str, Any]] = {
    "many": {"summary": "Many symbols", "value": {"symbols": ["600519.SH", "000001.SZ", "AAPL"]}},
    "bars": {
        "summary": "Your own bars",
        "description": "Cut to one: a model needs some forty sessions, and says how many.",
        "value": {"symbol": "600519.SH", "bars": [{"session": "2026-11-20", **_BAR, "adj_factor": 8.0}]},
    },
    "columns": {
        "summary": "Your own bars as columns",
        "value": {
            "symbol": "600519.SH",
            "bars": {"session": ["2026-11-20"], **{name: [value] for name, value in _BAR.items()}},
        },
    },
}


def describe(openapi: dict[str, Any], most_symbols: int) -> None:
    """Write what `POST /v1/forecasts` takes into an OpenAPI document; it is read without FastAPI, which is slower.

    Args:
        openapi: the document.
        most_symbols: in one request.
    """
    forms = []
    for name, form in ((ManySymbols.__name__, MANY_SYMBOLS), (OwnBars.__name__, OWN_BARS)):
        schema = form.json_schema(ref_template="#/components/schemas/{model}")
        openapi["components"]["schemas"] |= {**schema.pop("$defs", {}), name: schema}
        forms.append({"$ref": f"#/components/schemas/{name}"})
    schemas = openapi["components"]["schemas"]
    schemas[ManySymbols.__name__]["properties"]["symbols"]["maxItems"] = most_symbols
    # The most bars are told in words: who fills a list to its end by the schema alone makes no bars that fit together.
    for described in (*schemas[Columns.__name__]["properties"].values(), *_forms_of_bars(schemas)):
        described.pop("maxItems", None)
    openapi["paths"]["/v1/forecasts"]["post"]["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": {"oneOf": forms}, "examples": _EXAMPLES}},
    }


def describe_model(openapi: dict[str, Any], model: str) -> None:
    """Write which model a path may name into an OpenAPI document: this service knows one.

    Args:
        openapi: the document.
        model: its name.
    """
    for operations in openapi["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if (parameter["in"], parameter["name"]) == ("path", "name"):
                    parameter["description"] = "The model of this service."
                    parameter["schema"]["enum"] = [model]


def _forms_of_bars(schemas: dict[str, Any]) -> list[dict[str, Any]]:
    forms: list[dict[str, Any]] = schemas[OwnBars.__name__]["properties"]["bars"]["anyOf"]
    return forms
