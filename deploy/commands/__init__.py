"""The subcommands of `kehou`, one module for each family; they import what they need when they run."""
