"""All settings of a deployment, read once from the environment (prefix KEHOU_) into one frozen value."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

PREFIX = "KEHOU_"


class SettingsError(SystemExit):
    """A setting is missing or wrong; the process says which and stops."""


class Settings(BaseModel):
    """Settings of one deployment. Each field is the environment variable KEHOU_<NAME IN CAPITALS>."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_url: Annotated[SecretStr, Field(description="PostgreSQL as the role kehou_app (postgresql://…)")]
    owner_url: Annotated[
        SecretStr | None,
        Field(description="PostgreSQL as kehou_owner; only migrations and provisioning use it"),
    ] = None
    relay_url: Annotated[
        SecretStr | None, Field(description="PostgreSQL as kehou_relay; only the outbox relay uses it")
    ] = None
    redis_url: Annotated[str, Field(description="Redis or Valkey that carries the jobs' wake-up calls")] = (
        "redis://127.0.0.1:6379/0"
    )
    master_key: Annotated[
        SecretStr,
        Field(description="32 random bytes in base64: wraps each tenant's key; keep it outside the database"),
    ]
    public_url: Annotated[str, Field(description="Address that families type; used in links, QR codes, callbacks")] = (
        "http://127.0.0.1:8765"
    )
    data_dir: Annotated[Path, Field(description="Folder for uploaded files and documents")] = Path(".kehou")
    pool_size: Annotated[int, Field(ge=2, le=200, description="Database connections of one process")] = 10
    plugins_allow: Annotated[
        frozenset[str] | None,
        Field(description="Only these plugins may load (comma-separated); empty: all found"),
    ] = None
    plugins_block: Annotated[frozenset[str], Field(description="These plugins never load (comma-separated)")] = (
        frozenset()
    )
    stripe_key: Annotated[SecretStr | None, Field(description="Stripe secret key")] = None
    stripe_webhook_secret: Annotated[SecretStr | None, Field(description="Signing secret of Stripe's webhook")] = None
    stripe_api_base: Annotated[
        str | None,
        Field(description="Address that plays Stripe where there is no internet; empty: Stripe itself"),
    ] = None
    sms_outbox: Annotated[
        Path | None,
        Field(description="Where one-time codes are written when no SMS gateway is there (demo, tests)"),
    ] = None
    demo: Annotated[
        str | None,
        Field(description="Set by `kehou demo` alone: must equal the marker that it left in the database"),
    ] = None
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$", description="Least level logged")] = "info"

    @field_validator("plugins_allow", "plugins_block", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return frozenset(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("master_key")
    @classmethod
    def _thirty_two_bytes(cls, value: SecretStr) -> SecretStr:
        try:
            good = len(base64.b64decode(value.get_secret_value(), validate=True)) == 32
        except ValueError:
            good = False
        if not good:
            raise ValueError("must be 32 bytes in base64")
        return value

    @property
    def master_key_bytes(self) -> bytes:
        return base64.b64decode(self.master_key.get_secret_value())

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; an empty variable counts as not set.

        Raises SettingsError with a sentence for each missing, wrong or unknown variable.
        """
        environ = os.environ if environ is None else environ
        given = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in environ.items()
            if name.startswith(PREFIX) and value and not name.startswith(PREFIX + "TEST_")
        }
        try:
            return cls.model_validate(given)
        except ValidationError as exc:
            lines = [f"  {PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in exc.errors(include_url=False)]
            raise SettingsError(
                "Kehou cannot start; these settings are wrong or missing:\n" + "\n".join(lines)
            ) from exc
