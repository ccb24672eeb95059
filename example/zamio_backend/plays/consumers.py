from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.utils import timezone

from plays import live
from plays.models import Play


class LivePlays(AsyncJsonWebsocketConsumer):
    """Sends the number of plays on connect and again after every count; what the browser sends is ignored."""

    groups = [live.GROUP]

    async def connect(self):
        await self.accept()
        await self.send_json(live.counter(await Play.objects.acount(), timezone.now()))

    async def plays_counted(self, message):
        await self.send_json(message["counter"])

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        return
