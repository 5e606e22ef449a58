"""A plugin that thinks it is a program."""

raise SystemExit("usage: ...")
