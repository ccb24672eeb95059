"""The live counter: one channel-layer group that every open WebSocket listens to."""

from datetime import datetime

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

GROUP = "plays"


def counter(total: int, counted_at: datetime) -> dict:
    """What a browser receives: `{"total": 12, "counted_at": "2025-01-31T12:00:00+00:00"}`."""
    return {"total": total, "counted_at": counted_at.isoformat()}


def publish(total: int, counted_at: datetime) -> None:
    """Send the counter to every open WebSocket; raises the channel layer's own error when it is not reachable."""
    message = {"type": "plays.counted", "counter": counter(total, counted_at)}
    async_to_sync(get_channel_layer().group_send)(GROUP, message)
