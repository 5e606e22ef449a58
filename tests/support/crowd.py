"""A crowd of families with sessions of their own, by number, and HTTP requests that cost their sender little."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg

from core.web.access import hash_token

GUARDIANS = 5_000
"""Families of a crowd at most; child number n is of family 1 + n % GUARDIANS."""


def child_id(number: int) -> UUID:
    """Child number `number` of a crowd; pgbench and _CHILDREN make the same ids in SQL."""
    return UUID(int=(7 << 76) | (2 << 62) | number)


def guardian_of(number: int) -> int:
    return 1 + number % GUARDIANS


def account_id(guardian: int) -> UUID:
    return UUID(int=(7 << 76) | (2 << 62) | (1 << 60) | guardian)


def token_of(guardian: int) -> str:
    return f"session-of-family-{guardian}"


_GUARDIAN = (
    "insert into account (id, phone, name) values (%(a)s, %(p)s, 'x')",
    "insert into sign_in_session (id, account_id, token_hash, expires_at) "
    "values (gen_random_uuid(), %(a)s, %(h)s, now() + interval '1 day')",
    "insert into membership (account_id, organisation_id, faces) values (%(a)s, %(t)s, '[\"home\"]')",
    "insert into role_member (tenant_id, id, account_id, role_key) "
    "values (%(t)s, gen_random_uuid(), %(a)s, 'guardian')",
    "insert into guardian (tenant_id, id, account_id, name, phone) values (%(t)s, %(a)s, %(a)s, 'x', %(p)s)",
)
_CHILDREN = (
    "insert into student (tenant_id, id, class_id, name, name_sort) select %(t)s, "
    "('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, %(c)s, 'x' || n, 'x' "
    "from generate_series(%(first)s::bigint, %(last)s::bigint) n",
    "insert into guardianship (tenant_id, id, student_id, guardian_id, relation) select %(t)s, gen_random_uuid(), "
    "('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, "
    "('00000000-0000-7000-9000-' || lpad(to_hex(1 + n %% %(g)s), 12, '0'))::uuid, 'x' "
    "from generate_series(%(first)s::bigint, %(last)s::bigint) n",
)


def families(db: psycopg.Connection[Any], tenant: UUID, class_id: UUID, *, guardians: range, children: range) -> None:
    """Guardians with sessions and rights of their own, and children of one class; `db` is the superuser's, and sees
    every tenant. The guardians of all `children` must be there."""
    assert child_id(255) == UUID("00000000-0000-7000-8000-0000000000ff")
    assert account_id(255) == UUID("00000000-0000-7000-9000-0000000000ff")
    with db.transaction():
        for guardian in guardians:
            names = {
                "t": tenant, "a": account_id(guardian), "p": f"18{guardian:09}", "h": hash_token(token_of(guardian))
            }  # fmt: skip
            for statement in _GUARDIAN:
                db.execute(statement, names)
    many = {"t": tenant, "c": class_id, "first": children[0], "last": children[-1], "g": GUARDIANS}
    for statement in _CHILDREN:
        db.execute(statement, many)


def post(path: str, number: int, key: str, body: Mapping[str, Any]) -> bytes:
    """What the guardian of child `number` sends, ready for the wire."""
    told = json.dumps(body).encode()
    return (
        b"POST " + path.encode() + b" HTTP/1.1\r\nHost: kehou\r\nAccept: application/json\r\n"
        b"Content-Type: application/json\r\nAuthorization: Bearer " + token_of(guardian_of(number)).encode() + b"\r\n"
        b"Idempotency-Key: " + key.encode() + b"\r\n"
        b"Content-Length: " + str(len(told)).encode() + b"\r\n\r\n" + told
    )


def claim_request(offering_id: UUID, number: int) -> bytes:
    """Child `number` claims; asked twice it is the same claim."""
    body = {"student_id": str(child_id(number)), "offering_id": str(offering_id)}
    return post("/api/t/school/home/claims", number, f"rush-{number}", body)


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The next answer on a connection: status and body. Raises IncompleteReadError when the server is gone."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return status, await reader.readexactly(length)
