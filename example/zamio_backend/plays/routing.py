from django.urls import path

from plays.consumers import LivePlays

websocket_urlpatterns = [path("ws/plays/", LivePlays.as_asgi())]
