"""ASGI entry point: HTTP goes to Django, WebSockets to Channels."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

# Django has to be set up before anything that imports a model, and the routing does.
http = get_asgi_application()

from plays.routing import websocket_urlpatterns  # noqa: E402

# No origin check on the WebSocket: what it sends is as public as GET /api/stats/, and it reads no cookie.
application = ProtocolTypeRouter({"http": http, "websocket": URLRouter(websocket_urlpatterns)})
