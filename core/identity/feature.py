"""What identity brings to the house: the front door, its API and its texts."""

from __future__ import annotations

from pathlib import Path

from core.host.contribution import Contribution
from core.identity import pages, routes

HERE = Path(__file__).parent

contribution = Contribution(
    key="identity",
    handlers=(*pages.HANDLERS, *routes.HANDLERS),
    templates=HERE / "templates",
    static=HERE / "static",
    locale=HERE / "locale",
)
