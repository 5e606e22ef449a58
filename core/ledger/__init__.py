"""Double entry in fen: journals that balance within each fund, a hash chain over them, numbers without
gaps."""
