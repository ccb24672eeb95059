"""SecurityConfig: whom the API trusts, and what it tells browsers to insist on."""

from typing import Literal

from pydantic import Field

from slipway.config.config import Config
from slipway.config.models.base import Model, SecretField
from slipway.config.models.reading import Reading
from slipway.config.workspace import Role

SameSite = Literal["Strict", "Lax", "None"]


class SecurityConfig(Model):
    """What decides who may talk to the API, as the API's own variables say it."""

    debug: bool = Field(description="Django's debug mode; never where others reach it.")
    secret_key: SecretField | None = Field(description="Signs sessions and tokens; None until it is set.")
    allowed_hosts: tuple[str, ...] = Field(description="Host names that the API answers to, without scheme and port.")
    trusted_origins: tuple[str, ...] = Field(description="Origins whose forms are trusted (CSRF), scheme and host.")
    cors_origins: tuple[str, ...] = Field(description="Origins that a browser lets read the API, scheme and host.")
    cors_for_all: bool = Field(description="Whether a browser lets every site read the API.")
    ssl_redirect: bool = Field(description="Whether plain http is sent to https.")
    hsts_seconds: int = Field(
        description="Seconds that a browser remembers to use https alone; 0 for not at all.", ge=0
    )
    hsts_subdomains: bool = Field(description="Whether that counts for every subdomain.")
    hsts_preload: bool = Field(description="Consent to the browsers' built-in list.")
    session_cookie_secure: bool = Field(description="Whether the session cookie travels over https alone.")
    csrf_cookie_secure: bool = Field(description="Whether the CSRF cookie travels over https alone.")
    session_cookie_samesite: SameSite = Field(description="When the session cookie crosses sites.")
    csrf_cookie_samesite: SameSite = Field(description="When the CSRF cookie crosses sites.")


def security_config(config: Config) -> SecurityConfig:
    """Return what the API's variables say. Raises `UsageError` naming every misshapen one."""
    (api, *_) = config.workspace.services_with(Role.WEB)
    read = Reading(config, api)
    found = SecurityConfig(
        debug=read.flag("DEBUG", default=False),
        secret_key=read.optional_secret("SECRET_KEY"),
        allowed_hosts=read.listed("ALLOWED_HOSTS"),
        trusted_origins=read.listed("CSRF_TRUSTED_ORIGINS"),
        cors_origins=read.listed("CORS_ALLOWED_ORIGINS"),
        cors_for_all=read.flag("CORS_ALLOW_ALL_ORIGINS", default=False),
        ssl_redirect=read.flag("SECURE_SSL_REDIRECT", default=False),
        hsts_seconds=max(read.number("SECURE_HSTS_SECONDS", 0), 0),
        hsts_subdomains=read.flag("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False),
        hsts_preload=read.flag("SECURE_HSTS_PRELOAD", default=False),
        session_cookie_secure=read.flag("SESSION_COOKIE_SECURE", default=False),
        csrf_cookie_secure=read.flag("CSRF_COOKIE_SECURE", default=False),
        session_cookie_samesite=_same_site(read, "SESSION_COOKIE_SAMESITE"),
        csrf_cookie_samesite=_same_site(read, "CSRF_COOKIE_SAMESITE"),
    )
    read.done("the API's security")
    return found


def _same_site(read: Reading, name: str) -> SameSite:
    match read.text(name, "Lax"):
        case "Strict":
            return "Strict"
        case "None":
            return "None"
        case other:
            if other != "Lax":
                read.fault(name, f"{name} is none of Strict, Lax, None")
            return "Lax"
