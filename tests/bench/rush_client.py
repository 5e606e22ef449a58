"""A load generator for claims over HTTP that costs little itself: kept-open connections, requests made beforehand."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(slots=True)
class Said:
    """What the server said: outcomes, statuses that were no decision, latencies in seconds, who was told "claimed"."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failed: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    claimed: list[int] = field(default_factory=list)


def child_id(number: int) -> UUID:
    """Child number `number` of the bench; pgbench makes the same ids in SQL."""
    return UUID(int=(7 << 76) | (2 << 62) | number)


GUARDIANS = 500
"""Families of the bench; child number n is of family 1 + n % GUARDIANS."""


def guardian_of(number: int) -> int:
    return 1 + number % GUARDIANS


def account_id(guardian: int) -> UUID:
    return UUID(int=(7 << 76) | (2 << 62) | (1 << 60) | guardian)


def token_of(guardian: int) -> str:
    return f"bench-session-of-family-{guardian}"


def request_for(offering_id: UUID, number: int) -> bytes:
    token = token_of(guardian_of(number))
    body = json.dumps({"student_id": str(child_id(number)), "offering_id": str(offering_id)}).encode()
    return (
        b"POST /api/t/school/home/claims HTTP/1.1\r\nHost: kehou\r\nAccept: application/json\r\n"
        b"Content-Type: application/json\r\nAuthorization: Bearer " + token.encode() + b"\r\n"
        b"Idempotency-Key: rush-" + str(number).encode() + b"\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )


async def rush(port: int, offering_id: UUID, numbers: Iterator[int], *, connections: int, seconds: float = 0.0) -> Said:
    """Claim for the children that `numbers` names, over so many connections, for `seconds` (0: until they end)."""
    said = Said()
    stop = time.perf_counter() + seconds if seconds else float("inf")

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for number in numbers:
                asked = time.perf_counter()
                if asked > stop:
                    return
                writer.write(request_for(offering_id, number))
                status, body = await _answer(reader)
                said.latencies.append(time.perf_counter() - asked)
                if status != 200:
                    said.failed[status] += 1
                    continue
                outcome = json.loads(body)["outcome"]
                said.outcomes[outcome] += 1
                if outcome == "claimed":
                    said.claimed.append(number)
        finally:
            writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return said


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return status, await reader.readexactly(length)
