"""A load generator for claims over HTTP that costs little itself: kept-open connections, requests made beforehand."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tests.support.crowd import answer, claim_request


@dataclass(slots=True)
class Said:
    """What the server said: outcomes, statuses that were no decision, latencies in seconds, who was told "claimed"."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failed: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    claimed: list[int] = field(default_factory=list)

    def hear(self, number: int, asked: float, status: int, body: bytes) -> None:
        """An answer to child `number`, asked at `asked`."""
        self.latencies.append(time.perf_counter() - asked)
        if status != 200:
            self.failed[status] += 1
            return
        outcome = json.loads(body)["outcome"]
        self.outcomes[outcome] += 1
        if outcome == "claimed":
            self.claimed.append(number)

    def slowest(self, part: float = 1.0) -> float:
        """Seconds within which this part of the answers came; 0 where there were none."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


def page_for(path: str, token: str = "") -> bytes:
    sign = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: kehou\r\nAccept: application/json\r\n{sign}\r\n".encode()


Ask = tuple[UUID, int]
"""A club and the number of a child."""


async def rush(port: int, asks: Iterator[Ask], *, connections: int, seconds: float = 0.0) -> Said:
    """Claim what `asks` names, over so many connections, for `seconds` (0: until they end)."""
    said = Said()
    stop = time.perf_counter() + seconds if seconds else float("inf")

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for offering_id, number in asks:
                asked = time.perf_counter()
                if asked > stop:
                    return
                writer.write(claim_request(offering_id, number))
                said.hear(number, asked, *await answer(reader))
        finally:
            writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return said


OPENS_IN = 6.0
"""Seconds ahead for which an opening is set: web processes may know the former one for some."""


async def opening(
    port: int,
    asks: Sequence[Ask],
    *,
    guardians: int,
    opens: Callable[[float], None],
    second: float = 1.0,
    seed: int = 1,
) -> Said:
    """An open loop: each guardian has a connection open, as a phone that waits on the page, and all of `asks` come at
    times of their own within the `second` after the opening, whether or not others have been answered. Latencies count
    from those times. `opens` is told the moment of the opening, in seconds since 1970."""
    said, chance = Said(), random.Random(seed)
    lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(guardians)]
    of_line: dict[int, list[tuple[float, Ask]]] = {}
    for place, ask in enumerate(asks):
        of_line.setdefault(place % guardians, []).append((chance.uniform(0, second), ask))
    opens(time.time() + OPENS_IN)
    begun = time.perf_counter() + OPENS_IN + 0.01

    async def one(line: int) -> None:
        reader, writer = lines[line]
        turns = sorted(of_line.get(line, []))

        async def send() -> None:
            for moment, (offering_id, number) in turns:
                await asyncio.sleep(max(0.0, begun + moment - time.perf_counter()))
                writer.write(claim_request(offering_id, number))

        sending = asyncio.create_task(send())
        for moment, (_, number) in turns:
            said.hear(number, begun + moment, *await answer(reader))
        await sending
        writer.close()

    await asyncio.gather(*(one(line) for line in range(guardians)))
    return said


async def pages(port: int, request: bytes, *, connections: int, seconds: float, pause: float = 0.0) -> Said:
    """Ask for one page again and again, with `pause` seconds between; `outcomes` counts statuses."""
    said = Said()
    stop = time.perf_counter() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (asked := time.perf_counter()) < stop:
            writer.write(request)
            status, _ = await answer(reader)
            said.latencies.append(time.perf_counter() - asked)
            said.outcomes[str(status)] += 1
            if pause:
                await asyncio.sleep(pause)
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return said
