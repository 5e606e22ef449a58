"""The command `kehou`. Each subcommand is imported only when it is called, so that all of them start quickly."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import rich_click as click

COMMANDS = {
    "demo": ("demo", "Try it: a county with three schools, on this machine"),
    "serve": ("processes", "Run the web server"),
    "worker": ("processes", "Run a job worker"),
    "relay": ("processes", "Run the outbox relay"),
    "scheduler": ("processes", "Run the scheduler"),
    "db": ("database", "Migrate and check the database"),
    "plugins": ("plugins", "What became of each plugin"),
    "tenants": ("tenants", "Schools, bureaus and vendors"),
    "roster": ("roster", "Import a school's roster"),
    "packs": ("packs", "Policy packs: which rules hold where, and why"),
    "draw": ("draw", "Check how places were drawn"),
    "ledger": ("ledger", "Take a school's books out"),
    "doctor": ("doctor", "Is everything as it should be?"),
    "walkthrough": ("walkthrough", "Play the whole story over HTTP and check every step"),
    "keys": ("keys", "Make a master key"),
}
"""Name: (module below deploy.commands that has a command of this name, one line of help)."""


class LazyGroup(click.RichGroup):
    """Knows its commands by name, and imports one when it is asked for."""

    wanted: str | None = None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Click asks for commands to run one and to list all; only the one that runs is imported."""
        self.wanted = args[0]
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        if cmd_name != self.wanted:
            return click.Command(cmd_name, short_help=COMMANDS[cmd_name][1], help=COMMANDS[cmd_name][1])
        return getattr(import_module(f"deploy.commands.{COMMANDS[cmd_name][0]}"), cmd_name)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show where an error came from.")
def kehou(debug: bool) -> None:
    """课后 Kehou: after-school service for schools, families, vendors and education bureaus."""


def main(argv: list[str] | None = None) -> None:
    """Entry point. What goes wrong becomes a sentence and exit code 1; --debug shows the traceback as well."""
    args = sys.argv[1:] if argv is None else argv
    try:
        kehou.main(args=args, prog_name="kehou", standalone_mode=True)
    except Exception as exc:
        if "--debug" in args:
            raise
        print(sentence(exc), file=sys.stderr)
        # Not sys.exit: threads of a half-started server must not hold the terminal.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)


def sentence(exc: Exception) -> str:
    """What a person can do something with."""
    kind = type(exc)
    if kind.__name__ == "DeployError":
        return str(exc)
    if kind.__name__ in ("OperationalError", "InterfaceError", "ConnectionTimeout") or isinstance(exc, OSError):
        first = str(getattr(exc, "orig", None) or exc).strip().splitlines()
        return (
            f"数据库没有回应：{first[0] if first else kind.__name__}\n"
            "请检查 KEHOU_DATABASE_URL，并用 kehou doctor 查看。\n"
            "The database does not answer as it should: see KEHOU_DATABASE_URL, and run `kehou doctor`."
        )
    if hasattr(exc, "message"):  # a KehouError's, in the current language
        from deploy.commands.common import in_every_language

        return "\n".join(in_every_language(lambda: _refusal(exc)))
    return f"{kind.__name__}: {exc}\n（加上 --debug 可以看到出错的位置 / --debug shows where）"


def _refusal(exc: Any) -> str:
    """A refusal with its fields; a field that says what the whole says is not said again."""
    fields = "; ".join(f"{f.field}: {f.message}" for f in exc.fields if str(f.message) != exc.message)
    return f"{exc.message}" + (f" ({fields})" if fields else "")


if __name__ == "__main__":
    main()
