"""Children who want to be drawn together or not at all: brothers and sisters, or friends whose families both agree.

A family makes a code and gives it to another; who enters it agrees, as who gave it did. Either may leave until the
asking ends. What binds is the line of each child (`together`), so it stands in the receipt and in the published file.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select

from core.db.uow import UnitOfWork
from core.enrollment.draw.models import DrawTogether
from core.people.models import Guardianship

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Of codes and receipts: what cannot be taken for one another on paper."""
MOST: Final = 4
"""Children of one party: the larger it is, the less likely that all of it gets in."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who wants to be drawn together in a round; one child alone waits for another."""

    code: str
    children: tuple[UUID, ...]
    one_family: bool
    """Whether some guardian is everybody's."""

    @property
    def bound(self) -> bool:
        return len(self.children) > 1


async def party_of(uow: UnitOfWork, round_id: UUID, student_id: UUID) -> Party | None:
    """The party of a child in a round."""
    query = select(DrawTogether.party).where(DrawTogether.round_id == round_id, DrawTogether.student_id == student_id)
    code = (await uow.session.execute(query)).scalar_one_or_none()
    return None if code is None else await party(uow, round_id, code)


async def party(uow: UnitOfWork, round_id: UUID, code: str) -> Party | None:
    """The party with this code; None where nobody is in it."""
    query = select(DrawTogether.student_id).where(DrawTogether.round_id == round_id, DrawTogether.party == code)
    children = tuple((await uow.session.execute(query.order_by(DrawTogether.student_id))).scalars())
    if not children:
        return None
    kin = select(Guardianship.guardian_id).where(Guardianship.student_id.in_(children))
    shared = Counter((await uow.session.execute(kin)).scalars())
    return Party(code, children, max(shared.values(), default=0) == len(children))


def drawn_code(groups: int) -> str:
    """A code of groups of four letters, such as K7QX-3MWD: 20 bits each."""
    letters = "".join(secrets.choice(ALPHABET) for _letter in range(4 * groups))
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))
