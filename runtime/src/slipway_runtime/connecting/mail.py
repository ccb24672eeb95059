"""SMTP: say hello, encrypt as configured, log in, leave. No mail is sent."""

import smtplib
import ssl
from collections.abc import Mapping

from slipway_runtime.conf.env import Env
from slipway_runtime.connecting import Found, Said, shown


def ask(environ: Mapping[str, str], seconds: float) -> Said:
    """Go as far as a mail would; what refuses is told by the step that it happened in."""
    env = Env(environ)
    host, port = env.text("EMAIL_HOST"), env.integer("EMAIL_PORT", 25, 1, 65535)
    user, password = env.text("EMAIL_HOST_USER"), env.text("EMAIL_HOST_PASSWORD")
    context, step = ssl.create_default_context(), "connecting"
    try:
        if env.boolean("EMAIL_USE_SSL", default=False):
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=seconds, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=seconds)
        with server:
            step = "EHLO"
            server.ehlo_or_helo_if_needed()
            if env.boolean("EMAIL_USE_TLS", default=False):
                step = "STARTTLS"
                server.starttls(context=context)
                server.ehlo()
            if user and password:
                step = "AUTH"
                server.login(user, password)
    except smtplib.SMTPAuthenticationError as error:
        # What the server says may repeat the user's name in base64: the number is enough.
        return Said((Found("mail", f"refuses user or password ({error.smtp_code})", "look at EMAIL_HOST_PASSWORD"),))
    except (OSError, smtplib.SMTPException) as error:
        return Said((Found("mail", f"fails at {step}: {shown(error)}", "look at EMAIL_HOST, EMAIL_PORT and its TLS"),))
    return Said()
