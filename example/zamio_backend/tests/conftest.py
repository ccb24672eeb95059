import pytest
from rest_framework.test import APIClient

PASSWORD = "a-long-enough-phrase"


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def client():
    return APIClient()


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user("ama", password=PASSWORD)


@pytest.fixture
def station(user):
    """A client that has logged in the way a portal does."""
    client = APIClient()
    answer = client.post("/api/auth/token/", {"username": "ama", "password": PASSWORD}, format="json")
    assert answer.status_code == 200
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    return client
