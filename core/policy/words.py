"""The words that rules are made of, each with its Chinese label. Glossary: requirements, section 4.

A word that is in no list cannot stand in a pack: it is added first, with its label and its translation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from core.base.text import LazyText
from core.policy.show import joined


class Vocab:
    """A closed list of words (or numbers) with labels; the order of the list is the order of display."""

    def __init__(self, name: str, labels: Mapping[Any, LazyText]) -> None:
        self.name = name
        self.labels = labels
        self._place = {word: place for place, word in enumerate(labels)}
        kind: Any = int if all(isinstance(w, int) for w in labels) else str
        word: Any = Annotated[
            kind, Field(strict=True, json_schema_extra={"enum": list(labels)}), AfterValidator(self._known)
        ]
        self.one_type: Any = word
        self.type: Any = Annotated[list[word], Field(min_length=1), AfterValidator(self._set)]
        self.ordered_type: Any = Annotated[list[word], Field(min_length=1), AfterValidator(self._chain)]

    def _known(self, word: Any) -> Any:
        if word not in self.labels:
            raise ValueError(f"{word!r} is not one of {self.name}: {', '.join(map(str, self.labels))}")
        return word

    @staticmethod
    def _set(words: list[Any]) -> frozenset[Any]:
        if len(set(words)) != len(words):
            raise ValueError("a word stands twice")
        return frozenset(words)

    @staticmethod
    def _chain(words: list[Any]) -> tuple[Any, ...]:
        if len(set(words)) != len(words):
            raise ValueError("a step stands twice")
        return tuple(words)

    def label(self, word: Any) -> str:
        return self.labels.get(word, str(word))

    def show(self, words: Iterable[Any]) -> str:
        """The labels in the order of the list; an unknown word shows as itself."""
        return joined(self.label(w) for w in sorted(words, key=lambda w: (self._place.get(w, 999), str(w))))

    def chain(self, words: Iterable[Any]) -> str:
        """The labels in the given order, with arrows."""
        return joined((self.label(w) for w in words), (" → ", " → "))
