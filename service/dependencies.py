"""What a route gets from the app and from the request's path, checked."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request
from starlette.convertors import Convertor, register_url_convertor

from data.symbols import LISTED_PATTERN, parse_symbol
from service.model_host import ModelHost
from service.working import Workbench

_SYMBOL = Path(
    description="Letters, digits and hyphens, with the exchange's suffix outside New York: AAPL, 600519.SH.",
    # Told, and not checked here: `parse_symbol` says more about what is wrong.
    json_schema_extra={"pattern": LISTED_PATTERN},
    openapi_examples={"New York": {"value": "AAPL"}, "Shanghai": {"value": "600519.SH"}},
)


class _AnyText(Convertor[str]):
    r"""Whatever comes, slashes and line ends included, so that every text reaches the symbol check.

    Starlette's own `path` stops before a line end, and would take "AAPL\n" for AAPL.
    """

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("any", _AnyText())


# Asynchronous although they wait for nothing: FastAPI moves plain functions to a thread.
async def _host(request: Request) -> ModelHost:
    host: ModelHost = request.app.state.host
    return host


async def _symbol(symbol: Annotated[str, _SYMBOL]) -> str:
    return parse_symbol(symbol)


async def _bench(request: Request) -> Workbench:
    bench: Workbench = request.app.state.workbench
    return bench


Host = Annotated[ModelHost, Depends(_host)]
Bench = Annotated[Workbench, Depends(_bench)]

# A symbol is checked by its pattern before it is used for anything.
Symbol = Annotated[str, Depends(_symbol)]
