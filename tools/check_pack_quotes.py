"""Holds the packs against the documents they were read from: every quote must stand there, every hash must fit.

Run by hand where the documents are at hand: `python tools/check_pack_quotes.py DOCUMENTS [PACKS]`. Tests do not use
it. Line breaks and spaces are ignored, and so is pinyin in brackets that one web copy left after some characters.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
from pathlib import Path


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", re.sub(r"\([a-zāáǎàēéěèīíǐìōóǒòūúǔùüǘǚǜ]+\)", "", text))


def main(documents: Path, packs: Path) -> int:
    faults = 0
    for path in sorted(packs.glob("*.toml")):
        pack = tomllib.loads(path.read_text("utf-8"))
        texts: dict[str, str] = {}
        for source in pack["source"]:
            lines = (documents / source["file"]).read_text("utf-8").split("\n")
            if source.get("lines"):
                first, last = map(int, source["lines"].split("-"))
                lines = lines[first - 1 : last]
            text = "\n".join(lines)
            digest = hashlib.sha256(text.encode()).hexdigest()
            if digest != source["sha256"]:
                faults += 1
                print(f"{path.name}: {source['ref']}: sha256 should be {digest}")
            texts[source["ref"]] = squeezed(text)
        for rule in pack["rule"]:
            if not any(squeezed(rule["quote"]) in text for text in texts.values()):
                faults += 1
                print(f"{path.name}: {rule['key']}: not in the document: {rule['quote']}")
            if not rule["clause"].startswith(tuple(texts)):
                faults += 1
                print(f"{path.name}: {rule['key']}: clause names no source: {rule['clause']}")
        print(f"{path.name}: {len(pack['rule'])} rules")
    return 1 if faults else 0


if __name__ == "__main__":
    default = Path(__file__).parent.parent / "tenants" / "packs"
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else default))
