"""What may be set about asking one service how it is?"""

from __future__ import annotations

import shlex
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from healthmon.command_settings import Command, Environment  # noqa: TC001  pydantic reads them
from healthmon.probes.expect_settings import Expect, JsonScalar, JsonValue
from healthmon.probes.kinds import OURS, WITHOUT_URL, require_kind
from healthmon.probes.local_settings import HostSettings, ProcessSettings
from healthmon.redaction import redact
from healthmon.settings import DAY_S, MINUTE_S, SecretHeaders, Settings, Text, split_url, without_secrets

MIN_DURATION_S = 0.01
TIMEOUT_EXCEEDS_INTERVAL = "timeout_exceeds_interval"


def inherited(schema: dict[str, Any]) -> None:
    """Keep an editor from showing the built-in default of a key whose default is another key of the file."""
    schema.pop("default", None)


def _needs_url(schema: dict[str, Any]) -> None:
    """Tell an editor what `_fits_type` asks for."""
    asked = {"properties": {"type": {"enum": [kind for kind in OURS if kind not in WITHOUT_URL]}}}  # also where none is named
    schema["if"], schema["then"] = asked, {"required": ["url"]}


class TlsSettings(Settings):
    """How a certificate is judged."""

    verify: bool = Field(default=True, description="false accepts any certificate.")
    ca_file: Text | None = Field(None, description="PEM file with the authorities to trust instead of the system's.")
    strict: bool = Field(default=False, description="Judge by RFC 5280 to the letter, as Python 3.13 does; private authorities often fail it.")


class ProbeSettings(Settings):
    """How one service is asked. `url` may hold a password: show `shown_url`."""

    model_config = ConfigDict(json_schema_extra=_needs_url)

    type: Annotated[str, AfterValidator(require_kind), WithJsonSchema({"anyOf": [{"enum": list(OURS)}, {"type": "string"}]})] = Field(
        "http",
        description="http asks and judges the answer; tcp only connects; tls makes the handshake, too, and judges the certificate; command runs a plugin for Nagios; process and host look at this host itself; docker takes the container's own health check, else whether it runs. Packages may add types.",
    )
    url: str = Field(
        "",
        repr=False,
        description="What to ask: http://localhost:5120/health, or tcp://localhost:6379 for tcp and tls://mail.example.org:993 for tls; none for the others.",
        validate_default=True,
    )
    interval_seconds: float = Field(
        30,
        ge=MIN_DURATION_S,
        le=DAY_S,
        description="Time between two checks. Default: check_interval_seconds of the file.",
        json_schema_extra=inherited,
    )
    timeout_seconds: float = Field(
        10,
        ge=MIN_DURATION_S,
        le=DAY_S,
        description="Longest time for a whole answer. Default: timeout_seconds of the file.",
        json_schema_extra=inherited,
        validate_default=True,
    )
    expected_response_time: float | None = Field(
        None,
        gt=0,
        le=60 * MINUTE_S,
        description="Seconds within which a good answer usually comes; conditions know it as expected.",
    )
    expect: Expect = Field(Expect(), description="What a good answer looks like. Default: any status from 200 to 299.")
    headers: SecretHeaders = Field({}, description="Headers to send along, such as Authorization.")
    tls: TlsSettings = Field(TlsSettings(), description="How the certificate of an https or tls URL is judged.")
    command: Command = Field((), description="For type command: the program's full path and its arguments, run without a shell.", validate_default=True)
    environment: Environment = Field(
        {},
        description="What the command finds in its environment beside PATH; the place for ${env:…}, ${file:…} and ${cred:…}, which everybody could read in its arguments.",
    )
    process: ProcessSettings | None = Field(None, description="For type process: which one has to run.", validate_default=True)
    host: HostSettings = Field(HostSettings(), description="For type host: how full and how busy it may be.")
    options: dict[Text, JsonValue] = Field({}, description="For types that packages add: what theirs wants to know.", validate_default=True)

    @field_validator("url")
    @classmethod
    def _fits_type(cls, url: str, info: ValidationInfo) -> str:
        kind = info.data.get("type")
        if kind not in OURS:
            return url
        if kind in WITHOUT_URL:
            if url:
                raise ValueError(f"is not asked where type is {kind}: take it out, or set type to http or tcp")
        elif not url:
            raise PydanticCustomError("missing", "Field required")
        elif kind not in ("tcp", "tls"):
            split_url(url, schemes=("http", "https"))
        elif split_url(url, schemes=(kind,)).port is None:
            raise ValueError(f"names no port: write it as in '{kind}://localhost:6379'")
        return url

    @field_validator("command")
    @classmethod
    def _is_for_commands(cls, command: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        is_wanted = info.data.get("type") == "command"
        if is_wanted and not command:
            raise PydanticCustomError("missing", "Field required")
        if command and not is_wanted:
            raise ValueError("is only run where type is command")
        return command

    @field_validator("process")
    @classmethod
    def _is_for_processes(cls, process: ProcessSettings | None, info: ValidationInfo) -> ProcessSettings | None:
        is_wanted = info.data.get("type") == "process"
        if is_wanted and process is None:
            raise PydanticCustomError("missing", "Field required")
        if process is not None and not is_wanted:
            raise ValueError("is only looked for where type is process")
        return process

    @field_validator("host")
    @classmethod
    def _is_for_hosts(cls, host: HostSettings, info: ValidationInfo) -> HostSettings:
        if host != HostSettings() and info.data.get("type") != "host":
            raise ValueError("is only looked at where type is host")
        return host

    @field_validator("options")
    @classmethod
    def _is_for_packages(cls, options: dict[str, JsonScalar], info: ValidationInfo) -> dict[str, JsonScalar]:
        if options and info.data.get("type", "") in OURS:
            raise ValueError("is only for types that packages add")
        return options

    @field_validator("timeout_seconds")
    @classmethod
    def _within_interval(cls, value: float, info: ValidationInfo) -> float:
        require_within_interval(value, info.data.get("interval_seconds", value), key="interval_seconds")
        return value

    @property
    def is_probed(self) -> bool:
        """Whether a probe asks it; of a container, the healer tells what the engine says."""
        return self.type != "docker"

    @property
    def shown_url(self) -> str:
        """The URL as it may be shown and logged."""
        return redact(without_secrets(self.url))

    @property
    def shown_command(self) -> str:
        """The command as one types it; empty where none is run."""
        return redact(shlex.join(self.command))


def require_within_interval(timeout_s: float, interval_s: float, *, key: str) -> None:
    """Refuse a timeout that is longer than the interval: the next check would be due before this one ends."""
    if timeout_s > interval_s:
        raise PydanticCustomError(
            TIMEOUT_EXCEEDS_INTERVAL,
            "must not exceed {key} ({timeout} > {interval}): lower it to at most {interval}, or raise {key}",
            {"timeout": f"{timeout_s:g}", "interval": f"{interval_s:g}", "key": key},
        )
