import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.testing import WebsocketCommunicator

from artists.models import Artist
from core.asgi import application
from plays.models import Play, PlayTotal
from plays.tasks import count_plays

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def record(slug, times=1):
    artist = Artist.objects.get(slug=slug)
    Play.objects.bulk_create(Play(artist=artist, station="Radio Keta") for _ in range(times))


def test_counting_stores_a_total_for_each_artist():
    record("yaw-tempo", 3)
    record("esi-marlow")
    assert count_plays() == 4
    totals = dict(PlayTotal.objects.values_list("artist__slug", "total"))
    assert (totals["yaw-tempo"], totals["esi-marlow"], totals["akua-sands"]) == (3, 1, 0)


def test_counting_again_replaces_the_totals():
    record("yaw-tempo")
    count_plays()
    first = PlayTotal.objects.get(artist__slug="yaw-tempo")
    record("yaw-tempo")
    assert count_plays() == 2
    second = PlayTotal.objects.get(artist__slug="yaw-tempo")
    assert second.total == 2 and second.counted_at > first.counted_at
    assert PlayTotal.objects.count() == Artist.objects.count()


def test_counting_nothing_is_zero():
    Artist.objects.all().delete()
    assert count_plays() == 0


def test_the_counter_moves_with_each_count():
    @async_to_sync
    async def scenario():
        socket = WebsocketCommunicator(application, "/ws/plays/")
        connected, _ = await socket.connect()
        assert connected
        assert (await socket.receive_json_from())["total"] == 0
        await sync_to_async(record)("yaw-tempo", 2)
        await socket.send_to(text_data="this is not JSON and nobody asked")
        await sync_to_async(count_plays)()
        assert (await socket.receive_json_from())["total"] == 2
        await socket.disconnect()

    scenario()


def test_a_new_listener_gets_the_count_at_once():
    record("yaw-tempo", 5)

    @async_to_sync
    async def scenario():
        socket = WebsocketCommunicator(application, "/ws/plays/")
        await socket.connect()
        assert (await socket.receive_json_from())["total"] == 5
        await socket.disconnect()

    scenario()


def test_an_unknown_socket_is_refused():
    @async_to_sync
    async def scenario():
        with pytest.raises(ValueError, match="No route found"):
            await WebsocketCommunicator(application, "/ws/other/").connect()

    scenario()
