import io

import pytest
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-enough-phrase"


def run(**options):
    out = io.StringIO()
    call_command("create_demo_user", stdout=out, **options)
    return out.getvalue()


def test_password_from_the_environment_opens_the_log_in(client, monkeypatch):
    monkeypatch.setenv("DEMO_USER_PASSWORD", PASSWORD)
    assert run() == "demo: created\n"
    answer = client.post("/api/auth/token/", {"username": "demo", "password": PASSWORD}, format="json")
    assert answer.status_code == 200


def test_password_from_stdin(client, monkeypatch):
    monkeypatch.delenv("DEMO_USER_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    run(username="other")
    answer = client.post("/api/auth/token/", {"username": "other", "password": PASSWORD}, format="json")
    assert answer.status_code == 200


def test_a_second_run_sets_the_password(monkeypatch, django_user_model):
    monkeypatch.setenv("DEMO_USER_PASSWORD", PASSWORD)
    run()
    monkeypatch.setenv("DEMO_USER_PASSWORD", PASSWORD + "-2")
    assert run() == "demo: password set\n"
    assert django_user_model.objects.get(username="demo").check_password(PASSWORD + "-2")


@pytest.mark.parametrize("password", ["", "shrt-1", "12345678901", "qwertyuiop"])
def test_a_missing_or_weak_password_creates_nobody(monkeypatch, django_user_model, password):
    monkeypatch.setenv("DEMO_USER_PASSWORD", password)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(CommandError) as refused:
        run()
    assert not password or password not in str(refused.value)
    assert not django_user_model.objects.exists()


def test_a_member_of_staff_is_left_alone(monkeypatch, django_user_model):
    django_user_model.objects.create_superuser("demo", password="the-real-password")
    monkeypatch.setenv("DEMO_USER_PASSWORD", PASSWORD)
    with pytest.raises(CommandError, match="member of staff"):
        run()
    assert django_user_model.objects.get(username="demo").check_password("the-real-password")
