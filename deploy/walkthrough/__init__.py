"""The whole story of one term, played over HTTP by real clients, every outcome checked where the next party sees it."""
