"""Builds the Litestar application from a house: one guard, one unit of work a request, one exception handler."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Router
from litestar.config.compression import CompressionConfig
from litestar.datastructures import CacheControlHeader, State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.static_files import create_static_files_router

from core.base.context import TenantContext
from core.base.errors import KehouError
from core.base.text import add_catalogue
from core.db.house import House
from core.db.uow import UnitOfWork
from core.host.contribution import Contribution
from core.web import health
from core.web.access import enforce, public, refuse_undeclared
from core.web.frame import frame
from core.web.page import Pages
from core.web.problems import answer
from core.web.templating import build_environment

CORE_STATIC = Path(__file__).parent / "static"
UPLOAD_LIMIT = 20 * 1024 * 1024


async def provide_house(request: Request[Any, Any, Any]) -> House:
    house: House = request.app.state.house
    return house


async def provide_ctx(request: Request[Any, Any, Any]) -> TenantContext:
    ctx: TenantContext = request.state.ctx
    return ctx


async def provide_uow(request: Request[Any, Any, Any]) -> AsyncIterator[UnitOfWork]:
    """One request, one transaction: committed after the handler and before the answer is sent."""
    house: House = request.app.state.house
    async with house.unit(request.state.ctx) as uow:
        yield uow


def build_app(house: House, *, extra: Sequence[Any] = (), on_shutdown: Sequence[Any] = ()) -> Litestar:
    """The web application of a house. Two calls give two independent applications."""
    templates: dict[str, Path] = {}
    static: dict[str, Path] = {}
    handlers: list[Any] = [*health.HANDLERS, *extra]
    add_catalogue(Path(__file__).parent / "locale")
    for plugin, contribution in house.registry.contributions:
        if contribution.templates:
            templates[contribution.key] = contribution.templates
        if contribution.static:
            static[contribution.key] = contribution.static
        if contribution.locale:
            add_catalogue(contribution.locale)
        if plugin is None:
            handlers += contribution.handlers
        elif contribution.handlers:
            handlers.append(Router("/", route_handlers=list(contribution.handlers), opt={"plugin": plugin}))
    environment = build_environment(templates, static)
    app = Litestar(
        route_handlers=[*handlers, *_static(static)],
        dependencies={
            "house": Provide(provide_house),
            "ctx": Provide(provide_ctx),
            "uow": Provide(provide_uow),
        },
        guards=[enforce],
        middleware=[frame(_origin(house.settings.stripe_api_base))],
        exception_handlers={KehouError: answer, HTTPException: answer, Exception: answer},
        compression_config=CompressionConfig(backend="gzip", gzip_compress_level=5, minimum_size=1000),
        request_max_body_size=UPLOAD_LIMIT,
        state=State({"house": house, "pages": Pages(environment, demo=house.settings.demo is not None)}),
        openapi_config=OpenAPIConfig(
            title="Kehou", version="1", openapi_router=Router("/api/schema", route_handlers=[], opt=public())
        ),
        on_shutdown=list(on_shutdown),
        debug=False,
        pdb_on_exception=False,
    )
    refuse_undeclared(_http_handlers(app))
    return app


def check_handlers(contribution: Contribution) -> None:
    """Raise what the application would raise for these handlers, so that a plugin's mistake stays its own.

    Catches handlers that declare no access rule, that Litestar refuses, and names that it reserves.
    """
    if not contribution.handlers:
        return
    trial = Litestar(
        route_handlers=[Router("/", route_handlers=list(contribution.handlers))],
        dependencies={
            "house": Provide(provide_house),
            "ctx": Provide(provide_ctx),
            "uow": Provide(provide_uow),
        },
        openapi_config=None,
        logging_config=None,  # Litestar's default would take over the process's logging
    )
    refuse_undeclared(_http_handlers(trial))


def _http_handlers(app: Litestar) -> Iterator[HTTPRouteHandler]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if isinstance(handler, HTTPRouteHandler) and handler.http_methods != {"OPTIONS"}:
                yield handler


def _static(static: dict[str, Path]) -> list[Router]:
    """Addresses of static files carry a hash of the content (the `asset` global), so they may be kept for good."""
    forever = CacheControlHeader(public=True, max_age=31_536_000, immutable=True)
    folders = {f"/static/{key}": folder for key, folder in static.items()} | {"/static": CORE_STATIC}
    return [
        create_static_files_router(
            path=path, directories=[folder], name=path.strip("/"), opt=public(), cache_control=forever
        )
        for path, folder in folders.items()
    ]


def _origin(base: str | None) -> str:
    return base.rstrip("/") if base else "https://checkout.stripe.com"
