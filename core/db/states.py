"""State machines. Nobody assigns a status: `transition` checks the move, writes history and audit, emits the event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import text

from core.base.errors import Conflict, Invalid
from core.base.text import lazy_gettext as _l
from core.db.kernel_tables import Transition
from core.db.uow import UnitOfWork

Guard = Callable[[UnitOfWork, Any], Awaitable[None]]


class MoveRefused(Conflict):
    """The state has no such move: somebody was quicker, or the page is old."""

    code = "move_refused"
    text = _l("现在是「%(state)s」，不能%(event)s。请刷新后查看最新情况")


class ReasonOwed(Invalid):
    """A decision against a family or a school carries a reason."""

    code = "reason_owed"
    text = _l("请写明理由，对方会看到")


class ReasonTooLong(Invalid):
    """A reason is read by people and kept whole: nothing is cut off silently."""

    code = "reason_too_long"
    text = _l("理由最多 %(most)s 个字，现在有 %(now)s 个字")


MOST_REASON = 2000
"""The most characters of a reason that a person gives."""


@dataclass(frozen=True, slots=True)
class Move:
    """One allowed move. `permission` is checked unless a worker moves; `guard` may raise; `reason` makes one owed."""

    event: str
    sources: Sequence[str]
    target: str
    title: Any
    permission: str | None = None
    reason: bool = False
    guard: Guard | None = None
    emits: str | None = None


class Stateful(Protocol):
    """A row with a life: an id and a state."""

    id: Any
    state: Any


class Machine:
    """The states of one kind of aggregate, in words, and the moves between them."""

    def __init__(self, name: str, states: Mapping[str, Any], moves: Sequence[Move]) -> None:
        self.name = name
        self.states = dict(states)
        self.moves: dict[tuple[str, str], Move] = {}
        for move in moves:
            if move.target not in self.states:
                raise ValueError(f"{name}: unknown state {move.target}")
            for source in move.sources:
                if source not in self.states or (source, move.event) in self.moves:
                    raise ValueError(f"{name}: {source} --{move.event}--> is unknown or said twice")
                self.moves[source, move.event] = move

    def title(self, state: str) -> str:
        """The state's name for people."""
        return str(self.states[state])

    def possible(self, state: str, uow_or_ctx: Any = None) -> list[Move]:
        """Moves out of `state` that the actor may make."""
        ctx = getattr(uow_or_ctx, "ctx", uow_or_ctx)
        return [
            move
            for (source, _), move in self.moves.items()
            if source == state and (ctx is None or move.permission is None or ctx.may(move.permission))
        ]

    async def transition(
        self,
        uow: UnitOfWork,
        row: Stateful,
        event: str,
        *,
        reason: str = "",
        clause: str = "",
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        """Make one move on a row that the caller has locked.

        Raises MoveRefused (no such move now), Forbidden, ReasonOwed, ReasonTooLong, or what the guard raises.
        """
        source: str = row.state
        move = self.moves.get((source, event))
        if move is None:
            raise MoveRefused(state=self.title(source), event=str(self._event_title(event)))
        if move.permission is not None and uow.ctx.actor.kind == "person":
            uow.ctx.require(move.permission)
        if move.reason and not reason.strip():
            raise ReasonOwed()
        if uow.ctx.actor.kind == "person" and len(reason.strip()) > MOST_REASON:
            raise ReasonTooLong(most=MOST_REASON, now=len(reason.strip()))
        if move.guard is not None:
            await move.guard(uow, row)
        row.state = move.target
        subject: UUID = row.id
        uow.session.add(
            Transition(
                machine=self.name,
                subject_id=subject,
                event=event,
                source=source,
                target=move.target,
                account_id=uow.ctx.actor.account_id,
                actor_name=uow.ctx.actor.name,
                reason=reason.strip(),
                clause=clause,
            )
        )
        await uow.audit(f"{self.name}.{event}", self.name, subject, source=source, target=move.target, reason=reason)
        if move.emits:
            await uow.emit(move.emits, {"id": subject, "source": source, "target": move.target, **(payload or {})})

    def _event_title(self, event: str) -> Any:
        return next((move.title for (_, name), move in self.moves.items() if name == event), event)


async def history(uow: UnitOfWork, machine: Machine, subject_id: UUID) -> list[Any]:
    """All moves of one aggregate, oldest first: at, event, source, target, actor_name, reason, clause."""
    rows = await uow.session.execute(
        text(
            "select at, event, source, target, actor_name, reason, clause from transition "
            "where tenant_id = :t and machine = :m and subject_id = :s order by at, id"
        ),
        {"t": uow.ctx.tenant_id, "m": machine.name, "s": subject_id},
    )
    return list(rows.all())
