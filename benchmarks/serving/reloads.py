"""What reloading does to memory: `python -m benchmarks.serving.reloads HOME COUNT` prints one JSON document.

Two versions are promoted in turns, and each time the host looks for news, loads, verifies, warms and swaps.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.serving.servers import resident_mib
from forecaster.registry import Registry
from service.app import create_app
from service.memory import keep_small
from service.model_host import ModelHost
from service.settings import ServiceSettings

# Pools and caches are full after a few.
_WARMING: Final = 10


def reload_often(home: Path, count: int) -> dict[str, Any]:
    """Memory of this process in MiB: after the first load, after the warming, and after `count` reloads more."""
    settings = ServiceSettings(home=home, store="", tracking_uri="", open_read=True)
    host: ModelHost = create_app(settings).state.host
    host.refresh()
    first = resident_mib("self")
    registry = Registry(settings.registry_uri, settings.artifacts, settings.model)
    # The champion comes second, so that the first promotion changes something.
    versions = sorted(registry.versions()[:2], key=lambda one: one.aliases != ())
    warm, highest = 0.0, 0.0
    for number in range(_WARMING + count):
        registry.promote(versions[number % 2])
        host.refresh()
        if host.last_error is not None:
            raise SystemExit(f"reload {number} failed: {host.last_error}")
        now = resident_mib("self")
        if number + 1 == _WARMING:
            warm = now
        highest = max(highest, now)
    return {
        "reloads": count,
        "rebuilt": host.outcomes["rebuilt"] - 1 - _WARMING,
        "first": first,
        "warm": warm,
        "highest": highest,
        "last": resident_mib("self"),
    }


if __name__ == "__main__":
    keep_small()
    print(json.dumps(reload_often(Path(sys.argv[1]), int(sys.argv[2]))))
