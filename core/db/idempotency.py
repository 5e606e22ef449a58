"""The same write sent twice is done once: the key and its answer are kept in the transaction of the write."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from core.base.errors import Conflict, Invalid
from core.base.ids import new_id
from core.base.text import lazy_gettext as _l
from core.db.kernel_tables import IdempotencyKey
from core.db.uow import UnitOfWork, plain


class KeyReused(Conflict):
    """The key was used before for something else."""

    code = "idempotency_key_reused"
    text = _l("这次提交用了以前的凭据，但内容不同。请重新打开页面再提交")


class KeyMissing(Invalid):
    """A write that creates or charges came without a key."""

    code = "idempotency_key_missing"
    status = 400
    text = _l("缺少防重复提交的凭据（Idempotency-Key）。请重新打开页面再提交")


async def once(
    uow: UnitOfWork,
    scope: str,
    key: str | None,
    content: Mapping[str, Any],
    act: Callable[[], Awaitable[Mapping[str, Any]]],
) -> dict[str, Any]:
    """Run `act` once for (scope, key) and give its answer again to every repetition.

    A second caller with the same key waits until the first has committed. Raises KeyMissing without a key and
    KeyReused when the same key comes with other content. `act` returns JSON-like facts, such as an id.
    """
    if not key or len(key) > 200:
        raise KeyMissing()
    canonical = json.dumps(plain(content), sort_keys=True, ensure_ascii=False)
    fingerprint = hashlib.sha256(canonical.encode()).hexdigest()
    row = {
        "tenant_id": uow.ctx.tenant_id,
        "id": new_id(),
        "scope": scope,
        "key": key,
        "fingerprint": fingerprint,
    }
    made = insert(IdempotencyKey).values(**row).on_conflict_do_nothing().returning(IdempotencyKey.id)
    mine = (await uow.session.execute(made)).scalar_one_or_none()
    if mine is None:
        query = select(IdempotencyKey).where(IdempotencyKey.scope == scope, IdempotencyKey.key == key)
        known = (await uow.session.execute(query)).scalar_one()
        if known.fingerprint != fingerprint:
            raise KeyReused()
        return dict(known.answer or {})
    answer: dict[str, Any] = plain(dict(await act()))
    await uow.session.execute(update(IdempotencyKey).where(IdempotencyKey.id == mine).values(answer=answer))
    return answer
