"""What an entry point names is not a Plugin."""

plugin = {"key": "thing"}
