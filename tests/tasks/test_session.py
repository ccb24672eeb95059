import pytest

from tasks._session import session


def test_a_variable_of_somebodys_shell_never_becomes_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG", "true")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@elsewhere:5432/app")

    with session(env="production") as s:
        assert set(s.process) & {"DEBUG", "DATABASE_URL"} == set()


def test_a_value_given_on_purpose_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_VAR_CELERY_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("SLIPWAY_DOMAIN", "zamio.example.org")

    with session(env="production") as s:
        given = (s.process["CELERY_LOG_LEVEL"], s.process["SLIPWAY_DOMAIN"])

    assert given == ("DEBUG", "zamio.example.org")
