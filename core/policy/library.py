"""All packs of an installation, and what holds for one of them on a day once its upper levels are added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from core.policy.ask import EffectivePack
from core.policy.catalogue import Catalogue
from core.policy.errors import UnknownPack
from core.policy.types import PLATFORM, Entry, Level, Pack


class PackLibrary:
    """Immutable. Effective packs are built once for each chain of versions and shared by all who ask."""

    def __init__(self, packs: Iterable[Pack], catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._versions: dict[str, tuple[Pack, ...]] = {}
        for pack in sorted(packs, key=lambda p: (p.key, p.valid_from or date.min)):
            self._versions[pack.key] = (*self._versions.get(pack.key, ()), pack)
        self._built: dict[tuple[str, ...], EffectivePack] = {}

    def __iter__(self) -> Iterator[Pack]:
        return (pack for versions in self._versions.values() for pack in versions)

    def __contains__(self, key: object) -> bool:
        return key in self._versions

    def keys(self) -> tuple[str, ...]:
        return tuple(self._versions)

    def choices(self, level: Level | None = None, on: date | None = None) -> tuple[Pack, ...]:
        """Packs to choose from when a school is set up: those of a level, those in force on a day."""
        return tuple(p for p in self if (level is None or p.level == level) and (on is None or p.valid_on(on)))

    def version(self, key: str, on: date) -> Pack:
        """The version of a pack that holds on a day (Asia/Shanghai). Raises UnknownPack."""
        for pack in self._versions.get(key, ()):
            if pack.valid_on(on):
                return pack
        raise UnknownPack(pack=key, day=on.isoformat())

    def chain(self, key: str, on: date) -> tuple[Pack, ...]:
        """The pack's versions on a day, uppermost level first. Raises UnknownPack (a lapsed parent's too)."""
        chain = [self.version(key, on)]
        while (parent := chain[-1].parent) is not None:
            chain.append(self.version(parent, on))
        return tuple(reversed(chain))

    def effective(self, key: str, on: date) -> EffectivePack:
        """What holds for pack `key` on day `on`, upper levels added. Raises UnknownPack."""
        chain = self.chain(key, on)
        revisions = tuple(p.revision for p in chain)
        built = self._built.get(revisions)
        if built is None:
            built = self._built.setdefault(revisions, self._build(chain))
        return built

    def silent(self) -> EffectivePack:
        """The pack of an organisation that has none: it says nothing, so the platform's defaults answer."""
        built = self._built.get(())
        if built is None:
            built = self._built.setdefault((), EffectivePack((NOTHING,), (), {}, self.catalogue))
        return built

    def _build(self, chain: tuple[Pack, ...]) -> EffectivePack:
        """Level by level: a lower entry takes the place of an upper one it covers, unless it bites softer.

        What it does not cover stays beside it, so nothing an upper level limits can fall away.
        """
        entries: list[Entry] = []
        overrode: dict[int, tuple[Entry, ...]] = {}
        for pack in chain:
            kept = list(entries)
            for ours in pack.entries:
                gone = [
                    e
                    for e in kept
                    if e.key == ours.key
                    and ours.when.covers(e.when)
                    and not (e.force == "block" and ours.force == "warn")
                ]
                kept = [e for e in kept if e not in gone]
                if gone:
                    earlier = tuple(o for e in gone for o in overrode.get(id(e), ()))
                    overrode[id(ours)] = (*gone, *earlier)
            entries = [*kept, *pack.entries]
        return EffectivePack(chain, tuple(entries), overrode, self.catalogue)


NOTHING = Pack(
    key=PLATFORM,
    title="",
    issuer="",
    level=Level.CITY,
    territory="",
    parent=None,
    stages=frozenset(),
    ownership=frozenset(),
    school_kinds=frozenset(),
    valid_from=None,
    valid_to=None,
    provisional=False,
    sources=(),
    entries=(),
    file="",
    revision="",
)
