"""Sensitive columns: AES-256-GCM under a key per tenant, itself wrapped by the master key outside the database."""

from __future__ import annotations

import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select

from core.base.errors import KehouError
from core.base.text import lazy_gettext as _l
from core.db.kernel_tables import TenantKey
from core.db.uow import UnitOfWork

_NONCE = 12


class Unreadable(KehouError):
    """A sealed value does not open: wrong master key, or bytes moved from another row or tenant."""

    code = "sealed_value_unreadable"
    status = 500
    text = _l("加密的资料无法读取，请联系系统管理员")


async def seal(uow: UnitOfWork, plaintext: str, *, purpose: str) -> bytes:
    """Encrypt for this tenant. `purpose` (table.column/row id) is bound in: a value moved elsewhere does not open."""
    return await seal_bytes(uow, plaintext.encode(), purpose=purpose)


async def seal_bytes(uow: UnitOfWork, plain: bytes, *, purpose: str) -> bytes:
    """The same for a file."""
    key_id, key = await _current_key(uow)
    nonce = secrets.token_bytes(_NONCE)
    bound = f"{uow.ctx.tenant_id}/{purpose}".encode()
    return key_id.bytes + nonce + AESGCM(key).encrypt(nonce, plain, bound)


async def unseal(uow: UnitOfWork, sealed: bytes, *, purpose: str, subject_kind: str, subject_id: UUID) -> str:
    """Decrypt, leaving the audit line that the guardian can see. Raises Unreadable."""
    plain = await unseal_bytes(uow, sealed, purpose=purpose, subject_kind=subject_kind, subject_id=subject_id)
    return plain.decode()


async def unseal_bytes(uow: UnitOfWork, sealed: bytes, *, purpose: str, subject_kind: str, subject_id: UUID) -> bytes:
    """The same for a file."""
    row = await uow.find(TenantKey, UUID(bytes=bytes(sealed[:16])))
    if row is None:
        raise Unreadable()
    nonce, body = sealed[16 : 16 + _NONCE], sealed[16 + _NONCE :]
    try:
        key = _unwrap(uow, row.wrapped)
        plain = AESGCM(key).decrypt(nonce, body, f"{uow.ctx.tenant_id}/{purpose}".encode())
    except InvalidTag as exc:
        raise Unreadable() from exc
    await uow.audit("sensitive.read", subject_kind, subject_id, purpose=purpose.partition("/")[0])
    return plain


async def _current_key(uow: UnitOfWork) -> tuple[UUID, bytes]:
    query = select(TenantKey).where(TenantKey.retired_at.is_(None)).order_by(TenantKey.id.desc()).limit(1)
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None:
        await uow.hold("tenant_key")
        row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None:
        key, nonce = secrets.token_bytes(32), secrets.token_bytes(_NONCE)
        master = AESGCM(uow.house.settings.master_key_bytes)
        row = TenantKey(wrapped=nonce + master.encrypt(nonce, key, uow.ctx.tenant_id.bytes))
        uow.session.add(row)
        await uow.session.flush()
        return row.id, key
    return row.id, _unwrap(uow, row.wrapped)


def _unwrap(uow: UnitOfWork, wrapped: bytes) -> bytes:
    master = AESGCM(uow.house.settings.master_key_bytes)
    return master.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], uow.ctx.tenant_id.bytes)
