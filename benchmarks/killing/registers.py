"""A registration as a process: `python -m benchmarks.killing.registers ORDER BUNDLE`.

It does what a training does when it has its bundle: the run is begun and written down, the bundle registered, and a
process that goes on after a kill takes up that run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from forecaster.registry import Registry
from forecaster.settings import Settings


def main() -> None:
    order, bundle = Path(sys.argv[1]), Path(sys.argv[2])
    where = Settings()
    registry = Registry(where.registry_uri, where.artifacts, where.model)
    begun = order.read_text(encoding="utf-8") if order.exists() else ""
    made = registry.made_by(begun) if begun else None
    if made is not None:
        registry.run(begun).end("FINISHED")
    else:
        source = json.loads((bundle / "bundle.json").read_bytes())["training"]
        tags = {"order": order.name, "trained_through": source["trained_through"], "data_version": "0"}
        run = registry.begin(params={"order": order.name}, tags=tags, run_id=begun)
        draft = order.with_suffix(".new")
        draft.write_text(run.id, encoding="utf-8")
        draft.replace(order)
        made = registry.register(bundle, params={}, metrics={"loss": 1.0}, curves={}, tags=tags, run=run)
    print(json.dumps({"version": made.version, "run": made.run_id}))


if __name__ == "__main__":
    main()
