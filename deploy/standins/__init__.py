"""Programs that play outside services on a machine without internet: for tests and the demonstration."""
