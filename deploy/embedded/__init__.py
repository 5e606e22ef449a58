"""Servers of a one-machine installation: PostgreSQL and Valkey out of wheels, and the folder they live in."""

from deploy.embedded.home import Home
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.valkey import EmbeddedValkey
from deploy.process import DeployError

__all__ = ["DeployError", "EmbeddedPostgres", "EmbeddedValkey", "Home"]
