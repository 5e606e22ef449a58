"""What families were told, written down outside the system, and whether the books agree with it.

`Journal` is kept by the clients; `Books` is what the database says at the end; `disagreements` compares the two and
knows nothing of how either came to be.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import psycopg

from tests.support.crowd import answer, child_id, post

What = Literal["claim", "apply"]
SECONDS = 60.0
"""How long a family asks again before it gives up."""
PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Line:
    """One request that was sent. `status` 0: no answer came, so what became of it is unknown. Times are monotonic."""

    child: int
    what: What
    key: str
    sent: float
    came: float
    status: int
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def decided(self) -> bool:
        return self.status == 200

    @property
    def result(self) -> tuple[str, str]:
        """What must be the same whenever this key is sent."""
        if self.what == "claim":
            return str(self.said["outcome"]), str(self.said["claim_id"])
        return "applied", str(self.said["id"])


@dataclass(slots=True)
class Journal:
    """All requests in the order in which they ended. `moments`: what to do once so many answers have come."""

    moments: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    answers: int = 0

    def write(self, line: Line) -> None:
        self.lines.append(line)
        self.answers += line.decided
        while self.moments and self.answers >= self.moments[0][0]:
            self.moments.pop(0)[1]()

    @property
    def unknown(self) -> list[Line]:
        return [line for line in self.lines if line.status == 0]

    def told(self, what: What, outcome: str) -> set[int]:
        """The children whose families were told this."""
        return {line.child for line in self.lines if line.decided and (line.what, line.result[0]) == (what, outcome)}

    @property
    def failures(self) -> Counter[str]:
        """How often each key was sent in vain."""
        return Counter(line.key for line in self.lines if not line.decided)


# ---- the families -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Phone:
    """A family's connection. When a web process does not answer, the next request goes to the next one."""

    ports: Sequence[int]
    turn: int
    _line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> tuple[int, bytes] | None:
        """Status and body; (0, b"") when it was sent and no answer came; None when it could not be sent."""
        sent = False
        try:
            async with asyncio.timeout(10):
                if self._line is None:
                    self._line = await asyncio.open_connection("127.0.0.1", self.ports[self.turn % len(self.ports)])
                reader, writer = self._line
                writer.write(request)
                sent = True
                return await answer(reader)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            self.close()
            self.turn += 1
            return (0, b"") if sent else None

    def close(self) -> None:
        if self._line is not None:
            with suppress(OSError):
                self._line[1].close()
            self._line = None


@dataclass(frozen=True, slots=True)
class Club:
    """What the families want; `letter` is the hash of the letter to parents that they have read."""

    tenant: UUID
    offering: UUID
    places: int
    letter: str


@dataclass(slots=True)
class Families:
    """So many at a time, each child's family claims a place, applies with it, and some tap again.

    Whatever is not answered is asked again with the same key, at the next web process.
    """

    club: Club
    children: range
    ports: Sequence[int]
    dice: random.Random
    journal: Journal
    at_once: int = 24
    all_at: int | None = None
    """Which of the ports everybody asks first; None: each where chance has it."""

    async def rush(self) -> None:
        """Everybody, until everybody knows."""
        order = list(self.children)
        self.dice.shuffle(order)
        waiting = iter([(child, self.dice.random() < 0.3, self._first()) for child in order])

        async def one() -> None:
            for child, impatient, turn in waiting:
                phone = Phone(self.ports, turn)
                await self._family(phone, child, impatient)
                phone.close()

        await asyncio.gather(*(one() for _ in range(self.at_once)))

    async def ask_again(self) -> None:
        """Every family repeats what it has asked, by the same keys: nothing may come of it but the same answer."""
        asked = list(dict.fromkeys((line.child, line.what) for line in self.journal.lines))
        repeats = iter(asked)

        async def one() -> None:
            for child, what in repeats:
                phone = Phone(self.ports, self._first())
                await self._settle(phone, child, what)
                phone.close()

        await asyncio.gather(*(one() for _ in range(self.at_once)))

    def _first(self) -> int:
        return self.dice.randrange(len(self.ports)) if self.all_at is None else self.all_at

    async def _family(self, phone: Phone, child: int, impatient: bool) -> None:
        told = await self._settle(phone, child, "claim")
        if impatient:
            await self._settle(phone, child, "claim")
        if told is not None and told.decided and told.said["outcome"] == "claimed":
            await self._settle(phone, child, "apply")

    async def _settle(self, phone: Phone, child: int, what: What) -> Line | None:
        """Ask with one key until there is an answer that is final; None when there was none in time."""
        key, request = f"{what}-{child}", self._request(child, what)
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            sent = time.monotonic()
            got = await phone.send(request)
            if got is not None:
                status, body = got
                said = json.loads(body) if body.startswith(b"{") else {}
                line = Line(child, what, key, sent, time.monotonic(), status, said)
                self.journal.write(line)
                if 200 <= status < 500:
                    return line
            await asyncio.sleep(PAUSE)
        return None

    def _request(self, child: int, what: What) -> bytes:
        student, offering = str(child_id(child)), str(self.club.offering)
        if what == "claim":
            body: dict[str, Any] = {"student_id": student, "offering_id": offering}
            return post("/api/t/school/home/claims", child, f"claim-{child}", body)
        body = {"student_id": student, "items": [{"offering_id": offering}], "notice_sha256": self.club.letter}
        return post("/api/t/school/home/applications", child, f"apply-{child}", body)


# ---- the books ----------------------------------------------------------------------------------------------

_CLAIMS = """
select id::text, student_id::text, held_until is null from seat_claim
where tenant_id = %(t)s and offering_id = %(o)s and released_at is null"""
_AUDITS = """
select detail ->> 'claim', count(*) from audit_entry
where tenant_id = %(t)s and action = 'seat.claim' and detail ->> 'offering' = %(o)s::text group by 1"""
_APPLICATIONS = """
select a.id::text, a.student_id::text from application a
join application_item i on i.tenant_id = a.tenant_id and i.application_id = a.id
where a.tenant_id = %(t)s and i.offering_id = %(o)s and i.state = 'chosen' and a.state = 'submitted'"""
_NOTICES = """
select split_part(path, '/', 3), count(*) from message
where tenant_id = %(t)s and kind = 'application.submitted' group by 1"""


@dataclass(frozen=True, slots=True)
class Books:
    """What is written: the club's counter, its live claims (id, child, whether it stays), audit rows by claim,
    applications (id, child), and how often people were told of each application."""

    places: int
    taken: int
    claims: Sequence[tuple[str, str, bool]]
    audits: Mapping[str, int]
    applications: Sequence[tuple[str, str]]
    notices: Mapping[str, int]

    @classmethod
    def read(cls, superuser: str, club: Club) -> Books:
        where = {"t": club.tenant, "o": club.offering}
        with psycopg.connect(superuser) as db:
            seats = "select capacity, taken from offering_seats where tenant_id = %(t)s and id = %(o)s"
            ((places, taken),) = db.execute(seats, where).fetchall()
            return cls(
                places=places,
                taken=taken,
                claims=db.execute(_CLAIMS, where).fetchall(),
                audits=dict(db.execute(_AUDITS, where).fetchall()),
                applications=db.execute(_APPLICATIONS, where).fetchall(),
                notices=dict(db.execute(_NOTICES, where).fetchall()),
            )


def disagreements(lines: Sequence[Line], books: Books) -> list[str]:
    """Everything in which the journal and the books disagree, or either breaks a promise; each begins with its kind:

    oversold, unsold, miscounted (the counter is not the rows), twice (a child), unsettled (no final answer), refused
    (an answer that no family should get), two_answers (to one key), no_row (told yes, not written), untold (written,
    told nobody), no_audit, no_notice, notice_twice.
    """
    return [f"{kind}: {what}" for kind, what in _disagreements(lines, books)]


def _disagreements(lines: Sequence[Line], books: Books) -> Iterator[tuple[str, Any]]:
    children = {line.child for line in lines}
    by_key: dict[str, list[Line]] = {}
    for line in lines:
        by_key.setdefault(line.key, []).append(line)
    told: dict[What, dict[str, set[str]]] = {"claim": {}, "apply": {}}
    """By id of what was confirmed: the children whose families were told so."""
    for key, asked in by_key.items():
        decided = [line for line in asked if line.decided]
        if not asked[-1].decided:
            yield ("refused", (key, asked[-1].said)) if 400 <= asked[-1].status < 500 else ("unsettled", key)
        if len({line.result for line in decided}) > 1:
            yield "two_answers", (key, sorted({line.result for line in decided}))
        for line in decided:
            outcome, id_ = line.result
            if outcome in ("claimed", "applied"):
                told[line.what].setdefault(id_, set()).add(str(child_id(line.child)))

    if len(books.claims) > books.places:
        yield "oversold", len(books.claims) - books.places
    if len(books.claims) < min(books.places, len(children)):
        yield "unsold", min(books.places, len(children)) - len(books.claims)
    if books.taken != len(books.claims):
        yield "miscounted", (books.taken, len(books.claims))
    for what, rows in (
        ("claim", [(id_, child) for id_, child, _ in books.claims]),
        ("apply", list(books.applications)),
    ):
        written = dict(rows)
        yield from (("twice", (what, child)) for child, n in Counter(c for _, c in rows).items() if n > 1)
        for id_, whose in told[what].items():  # type: ignore[index]
            if whose != {written.get(id_)}:
                yield "no_row", (what, id_, sorted(whose))
        yield from (("untold", (what, id_, child)) for id_, child in rows if id_ not in told[what])  # type: ignore[index]
    applied = {child for _, child in books.applications}
    for id_, child, stays in books.claims:
        if books.audits.get(id_) != 1:
            yield "no_audit", (id_, books.audits.get(id_, 0))
        if stays != (child in applied):
            yield "no_row", ("application of a kept place", id_, child)
    yield from (("no_audit", (id_, "of no place")) for id_ in books.audits.keys() - {row[0] for row in books.claims})
    for id_, _ in books.applications:
        if books.notices.get(id_, 0) != 1:
            yield ("notice_twice" if books.notices.get(id_) else "no_notice"), (id_, books.notices.get(id_, 0))
