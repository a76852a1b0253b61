"""What may be set about the pages: where they are served, and what the dashboard shows?"""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints, ValidationInfo, field_validator

from healthmon.settings import DAY_S, HttpUrl, Secret, Settings, Text


class DashboardSettings(Settings):
    """The `dashboard` block."""

    refresh_interval_seconds: float = Field(10, ge=0.1, le=DAY_S, description="How often an open page asks for news.")
    retention_days: float = Field(30, gt=0, le=3_650, description="How long single checks are kept; older ones only as hourly figures.")
    show_trends: bool = Field(default=True, description="Show the health of past hours.")
    show_response_times: bool = Field(default=True, description="Show response times.")
    show_error_rates: bool = Field(default=True, description="Show error rates.")


class WebSettings(Settings):
    """The `web` block."""

    enabled: bool = Field(default=True, description="Serve the pages, the API and the metrics.")
    host: str = Field(
        "127.0.0.1",
        pattern=r"^[A-Za-z0-9_.:-]{1,253}$",
        description="Address to listen on. One that other hosts can reach needs a token.",
    )
    port: int = Field(8080, ge=1, le=65_535, description="Port to listen on.")
    allowed_hosts: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,253}$", to_lower=True)], ...] = Field(
        (),
        description="Further names by which it is reached, as a proxy's 'status.example.com'. localhost and its own address always work.",
    )
    public_url: HttpUrl | None = Field(None, description="Where people reach the pages, for links in messages: 'https://status.example.com'.")
    token: Secret | None = Field(
        None,
        description="What a request must carry that acknowledges, silences or restarts. Best as ${file:…} or ${cred:…}.",
        validate_default=True,
    )

    status_page: bool = Field(
        default=False,
        description="Serve /status to everybody who reaches the port: which services work, and when they did not. No hosts, addresses or errors.",
    )
    status_title: Text = Field("Status", description="What /status is called.")

    @field_validator("token")
    @classmethod
    def _needed_beyond_loopback(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        host = info.data.get("host")
        if token is None and host is not None and not is_loopback(host):
            raise ValueError(f"is missing: other hosts can reach {host}. Set a token, or set web.host to '127.0.0.1'")
        return token


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address is this host's own, which no other host can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url(settings: WebSettings) -> str:
    """Return where the pages are."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}/"
