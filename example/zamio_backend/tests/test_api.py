from datetime import timedelta

import pytest
from django.utils import timezone

from plays.models import Play

pytestmark = pytest.mark.django_db

PLAY = {"artist": "yaw-tempo", "station": "Radio Keta"}


def test_health_needs_no_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/health/")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_production_redirects_to_https_except_health(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/api/stats/").status_code == 301
    assert client.get("/api/stats/", HTTP_X_FORWARDED_PROTO="https").status_code == 200
    assert client.get("/health/").status_code == 200


def test_answers_are_json_even_for_a_browser(client):
    assert client.get("/api/artists/", HTTP_ACCEPT="text/html,*/*;q=0.8")["Content-Type"] == "application/json"


def test_artists_come_with_their_plays_in_one_query(client, station, django_assert_num_queries):
    station.post("/api/plays/", PLAY, format="json")
    with django_assert_num_queries(1):
        artists = client.get("/api/artists/").json()
    assert len(artists) == 6
    assert artists[0] == {"slug": "yaw-tempo", "name": "Yaw Tempo", "publisher": "Baobab Rights", "plays": 1}
    assert {artist["plays"] for artist in artists[1:]} == {0}


def test_log_in_refuses_a_wrong_password(client, user):
    answer = client.post("/api/auth/token/", {"username": "ama", "password": "no"}, format="json")
    assert answer.status_code == 401


def test_a_token_can_be_renewed(client, user):
    body = {"username": "ama", "password": "a-long-enough-phrase"}
    tokens = client.post("/api/auth/token/", body, format="json").json()
    answer = client.post("/api/auth/token/refresh/", {"refresh": tokens["refresh"]}, format="json")
    assert answer.status_code == 200 and answer.json()["access"]


@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer x", "Bearer a.b.c", "Basic YTpi"])
def test_a_play_needs_a_valid_token(client, token):
    if token is not None:
        client.credentials(HTTP_AUTHORIZATION=token)
    assert client.post("/api/plays/", PLAY, format="json").status_code == 401
    assert client.get("/api/plays/").status_code == 401
    assert not Play.objects.exists()


def test_a_play_is_recorded_with_who_and_when(station, user):
    answer = station.post("/api/plays/", PLAY, format="json")
    assert answer.status_code == 201
    play = Play.objects.get()
    assert (play.artist.name, play.station, play.recorded_by) == ("Yaw Tempo", "Radio Keta", user)
    assert abs(timezone.now() - play.played_at) < timedelta(seconds=10)
    assert [row["artist_name"] for row in station.get("/api/plays/").json()] == ["Yaw Tempo"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"artist": "nobody"}, "artist"),
        ({"artist": None}, "artist"),
        ({"artist": ["yaw-tempo"]}, "artist"),
        ({"artist": "' OR 1=1 --"}, "artist"),
        ({"artist": "nul\x00"}, "artist"),
        ({"station": ""}, "station"),
        ({"station": "x" * 81}, "station"),
        ({"station": "nul\x00"}, "station"),
        ({"played_at": "yesterday"}, "played_at"),
        ({"played_at": "2999-01-01T00:00:00Z"}, "played_at"),
    ],
)
def test_a_bad_play_is_refused_by_field(station, change, field):
    answer = station.post("/api/plays/", PLAY | change, format="json")
    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert not Play.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe"])
def test_a_body_that_is_no_play_is_refused(station, body):
    assert station.post("/api/plays/", body, content_type="application/json").status_code == 400


def test_stats_by_publisher_and_station(client, station):
    for artist in ("yaw-tempo", "esi-marlow", "esi-marlow"):
        station.post("/api/plays/", PLAY | {"artist": artist}, format="json")
    stats = client.get("/api/stats/").json()
    assert (stats["artists"], stats["plays"]) == (6, 3)
    assert stats["counted"] == {"total": 0, "counted_at": None}
    assert stats["publishers"] == [
        {"publisher": "Gold Coast Songs", "artists": 2, "plays": 2},
        {"publisher": "Baobab Rights", "artists": 1, "plays": 1},
        {"publisher": "Harmattan Music", "artists": 3, "plays": 0},
    ]
    assert stats["stations"] == [{"station": "Radio Keta", "plays": 3}]


def test_a_portal_may_read_and_a_stranger_may_not(client, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://admin.example.org"]
    allowed = client.get("/api/artists/", HTTP_ORIGIN="https://admin.example.org")
    assert allowed["Access-Control-Allow-Origin"] == "https://admin.example.org"
    refused = client.get("/api/artists/", HTTP_ORIGIN="https://elsewhere.example.org")
    assert "Access-Control-Allow-Origin" not in refused


def test_home_names_the_endpoints(client, settings):
    settings.BASE_URL = "https://api.example.org"
    assert client.get("/").json()["artists"] == "https://api.example.org/api/artists/"
