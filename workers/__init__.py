"""Broker, outbox relay, schedule, and the processes that run jobs. They get their house from `deploy`."""
