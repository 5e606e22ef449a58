"""Asks the plugins that an organisation has switched on, with one failure policy for each family of hooks.

decide   a plugin that raises, hangs or answers nonsense counts as a blocking objection (fail closed);
compute  the operation is refused, nothing is written: never silently a zero;
present  the item is left out and logged.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Iterable
from typing import Any, TypeVar

import pluggy

from core.base.context import TenantContext
from core.base.errors import KehouError
from core.base.text import lazy_gettext as _l

log = logging.getLogger("kehou.hooks")

T = TypeVar("T")

DECIDE_SECONDS = 5.0
COMPUTE_SECONDS = 30.0
PRESENT_SECONDS = 2.0


class PluginFailed(KehouError):
    """A plugin did not answer a question whose answer is needed."""

    code = "plugin_failed"
    status = 503
    text = _l("扩展「%(plugin)s」暂时没有回应，操作没有进行。请稍后再试，或联系管理员")


class Dispatcher:
    """Calls hook implementations in dependency order, passing only the arguments that each asks for."""

    def __init__(self, manager: pluggy.PluginManager, order: list[str], objection: type[Any]) -> None:
        self._manager = manager
        self._order = {key: place for place, key in enumerate(order)}
        self._objection = objection

    async def decide(self, hook: str, ctx: TenantContext, /, **facts: Any) -> list[Any]:
        """Objections of all plugins, in order. A failing plugin objects with code "plugin.check_failed"."""
        objections: list[Any] = []
        for key, call in self._implementations(hook, ctx, facts):
            try:
                answer = await _answer(call, DECIDE_SECONDS)
                objections += self._typed(answer, self._objection)
            except Exception as exc:
                log.exception("plugin %s failed in %s", key, hook, exc_info=exc)
                objections.append(
                    self._objection(
                        code="plugin.check_failed",
                        message=str(PluginFailed(plugin=key).message),
                        force="block",
                    )
                )
        return objections

    async def compute(self, hook: str, ctx: TenantContext, kind: type[T], /, **facts: Any) -> list[T]:
        """Proposals of all plugins, each of type `kind`. Raises PluginFailed when any cannot answer."""
        proposals: list[T] = []
        for key, call in self._implementations(hook, ctx, facts):
            try:
                proposals += self._typed(await _answer(call, COMPUTE_SECONDS), kind)
            except KehouError:
                raise
            except Exception as exc:
                log.exception("plugin %s failed in %s", key, hook, exc_info=exc)
                raise PluginFailed(plugin=key) from exc
        return proposals

    async def first(self, hook: str, ctx: TenantContext, kind: type[T], /, **facts: Any) -> T | None:
        """The first answer that is not None. Raises PluginFailed when a plugin asked before it cannot answer."""
        for key, call in self._implementations(hook, ctx, facts):
            try:
                answer = await _answer(call, COMPUTE_SECONDS)
                if answer is not None:
                    return self._typed([answer], kind)[0]
            except KehouError:
                raise
            except Exception as exc:
                log.exception("plugin %s failed in %s", key, hook, exc_info=exc)
                raise PluginFailed(plugin=key) from exc
        return None

    async def present(self, hook: str, ctx: TenantContext, kind: type[T], /, **facts: Any) -> list[T]:
        """What the plugins show; one that fails is left out and logged, and the page's transaction stands."""
        shown: list[T] = []
        safe = _Savepoint(facts.get("uow"))
        for key, call in self._implementations(hook, ctx, facts):
            await safe.open()
            try:
                shown += self._typed(await _answer(call, PRESENT_SECONDS), kind)
            except Exception as exc:
                log.warning("plugin %s left out of %s: %s: %s", key, hook, type(exc).__name__, exc)
                await safe.undo()
        await safe.close()
        return shown

    def _implementations(self, hook: str, ctx: TenantContext, facts: dict[str, Any]) -> Iterable[tuple[str, Any]]:
        caller = getattr(self._manager.hook, hook)
        given = {"ctx": ctx, **facts}
        implementations = [i for i in caller.get_hookimpls() if i.plugin_name in ctx.plugins]
        for impl in sorted(implementations, key=lambda i: self._order.get(i.plugin_name, 0)):
            asked = {name: given[name] for name in impl.argnames}
            yield impl.plugin_name, lambda impl=impl, asked=asked: impl.function(**asked)

    @staticmethod
    def _typed(answer: Any, kind: type[T]) -> list[T]:
        if answer is None:
            return []
        items = list(answer)
        for item in items:
            if not isinstance(item, kind):
                raise TypeError(f"answered {type(item).__name__}, not {kind.__name__}")
        return items


class _Savepoint:
    """One savepoint round what the plugins read: a statement that fails must not take the page's transaction along."""

    def __init__(self, uow: Any) -> None:
        self._session = getattr(uow, "session", None)
        self._mark: Any = None

    async def open(self) -> None:
        if self._session is not None and self._mark is None:
            self._mark = await self._session.begin_nested()

    async def undo(self) -> None:
        if self._mark is not None:
            mark, self._mark = self._mark, None
            await mark.rollback()

    async def close(self) -> None:
        if self._mark is not None:
            mark, self._mark = self._mark, None
            await mark.commit()


async def _answer(call: Any, seconds: float) -> Any:
    result = call()
    if inspect.isawaitable(result):
        return await asyncio.wait_for(_awaited(result), seconds)
    return result


async def _awaited(result: Any) -> Any:
    return await result
