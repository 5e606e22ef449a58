"""The data folder of one installation on one machine (`kehou demo --data DIR`)."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path
from typing import TypedDict

from deploy.embedded.folders import FolderLock, make_folder, write_private
from deploy.embedded.sentences import cannot_write, not_ours

MARK = "kehou-home.json"


class _State(TypedDict):
    secrets: dict[str, str]
    done: list[str]


class Home:
    """A folder that is ours from the first file on, so that it can be wiped without fear.

    Holds postgres/, valkey/, logs/, files/, a lock for the instance that runs, secrets and finished steps.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).expanduser().absolute()
        self.postgres = self.root / "postgres"
        self.valkey = self.root / "valkey"
        self.logs = self.root / "logs"
        self.files = self.root / "files"
        self._mark = self.root / MARK
        self._lock = FolderLock(self.root / "lock")

    def open(self) -> None:
        """Make the folder, or recognise it, and lock it for us. DeployError: not ours, in use, no room."""
        if self._foreign():
            raise not_ours(self.root)
        make_folder(self.root)
        self._lock.acquire()
        if not self._mark.exists():
            self._write({"secrets": {}, "done": []})
        for folder in (self.logs, self.files):
            make_folder(folder)

    def close(self) -> None:
        """Free it for the next instance; secrets stay."""
        self._lock.release()

    def reset(self) -> None:
        """Wipe all in it (never a folder that is not ours, never under a running instance), then `open()`."""
        if self._foreign():
            raise not_ours(self.root)
        if not self.root.exists():
            return self.open()
        self._lock.acquire()
        # Servers hold locks of their own for as long as they live, even when who started them is gone.
        for server in (self.postgres, self.valkey):
            if server.exists():
                lock = FolderLock(server / "lock")
                lock.acquire()
                lock.release()
        try:
            # The mark goes last: a reset cut short can be done again.
            for path in sorted(self.root.iterdir(), key=lambda p: p.name == MARK):
                if path.name == "lock":
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        except OSError as error:
            raise cannot_write(self.root, error) from error
        self.open()

    def secret(self, name: str, length: int = 32) -> bytes:
        """`length` random bytes, drawn on first use and the same ever after."""
        state = self._read()
        if name not in state["secrets"]:
            state["secrets"][name] = secrets.token_bytes(length).hex()
            self._write(state)
        return bytes.fromhex(state["secrets"][name])

    def done(self, step: str) -> bool:
        """Whether a step of the first start was finished."""
        return step in self._read()["done"]

    def mark_done(self, step: str) -> None:
        """Note that a step is finished; a start cut short before this does it again."""
        state = self._read()
        if step not in state["done"]:
            state["done"].append(step)
            self._write(state)

    def _foreign(self) -> bool:
        """Something is there that we did not make (an empty folder and a lone lock are as good as none)."""
        if not self.root.exists() or self._mark.exists():
            return False
        return not self.root.is_dir() or any(path.name != "lock" for path in self.root.iterdir())

    def _read(self) -> _State:
        state: _State = json.loads(self._mark.read_text())
        return state

    def _write(self, state: _State) -> None:
        try:
            write_private(self._mark, json.dumps(state, indent=1))
        except OSError as error:
            raise cannot_write(self.root, error) from error
