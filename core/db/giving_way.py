"""Whose turn it is in a web process: a crowd that asks for one thing gives way to everybody else.

While a rush lasts, hundreds of its requests are ready at any moment, and a page of another school would wait behind all
of them at each of its steps. So the crowd is answered in small portions: one after another while anybody else waits for
an answer, larger ones while nobody does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from core.db.house import House

PORTION: Final = 8
"""Answers in one turn of the loop while nobody else waits."""
PAUSE: Final = 0.001
"""Seconds that the crowd leaves to others between its answers while they wait; a loop measures no less."""
PAUSES: Final = 32
"""At most so many in one batch: a crowd that is large must not wait for ever either."""


class Others:
    """The requests of everybody else that one process is answering. Ask `others_of(house)` for it."""

    def __init__(self) -> None:
        self.waiting = 0
        self._given = 0

    def came(self) -> None:
        """A request of somebody else has come; `answered` is called once when its answer begins, or fails."""
        self.waiting += 1

    def answered(self) -> None:
        self.waiting -= 1

    async def give_way(self, batch: int) -> None:
        """Called by the crowd after each answer of a batch of so many."""
        self._given += 1
        if self._given >= (max(1, batch // PAUSES) if self.waiting else PORTION):
            self._given = 0
            await asyncio.sleep(PAUSE if self.waiting else 0)


def others_of(house: House) -> Others:
    """This process's; made when first asked for."""
    others = house.services.get(Others)
    if not isinstance(others, Others):
        others = house.services[Others] = Others()
    return others
