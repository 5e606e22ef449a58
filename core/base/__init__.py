"""The ground floor: settings, clock, ids, context, errors, words, money. No database, no network, no plugin."""
