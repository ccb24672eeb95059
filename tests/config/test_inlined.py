"""References between variables: put in place, per service, and always to an end."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.config.config import load_config
from slipway.config.inlined import LONGEST, Inlined, Look, Written, inline_faults, put_in_place
from slipway.config.workspace import Workspace
from slipway.errors import UsageError
from slipway.secret import Secret

NAMES = [f"V{number}" for number in range(8)]


def looking(texts: Mapping[str, str], secret: frozenset[str] = frozenset()) -> Look:
    def look(name: str) -> Written | None:
        where = f"env/x.env:{[*texts].index(name) + 1}" if name in texts else ""
        return Written(texts[name], where, name in secret) if name in texts else None

    return look


def faults(texts: Mapping[str, str]) -> list[str]:
    return [f"{fault.id} {fault.where}: {fault.message}" for fault in inline_faults(texts, looking(texts), "DOMAIN")]


pieces = st.one_of(
    st.sampled_from(["a", " ", "$", "{", "}", "${domain}"]), st.sampled_from(NAMES).map("${{variable.{}}}".format)
)
graphs = st.dictionaries(st.sampled_from(NAMES), st.lists(pieces, max_size=6).map("".join))


@given(graphs)
def test_any_graph_of_references_comes_to_an_end_and_a_clean_one_holds_nothing_unresolved(
    texts: dict[str, str],
) -> None:
    found = faults(texts)
    for name, text in texts.items():
        whole = put_in_place(name, looking(texts))
        assert len(whole.text) <= LONGEST + len(text)
        if not found:
            left = [other for other in NAMES if f"${{variable.{other}}}" in whole.text]
            assert not set(left) & set(texts), "only what does not exist stays"


@given(st.lists(st.integers(0, 7), min_size=1, max_size=8, unique=True))
def test_every_circle_is_found_and_named_whole(turn: list[int]) -> None:
    texts = {NAMES[at]: f"x${{variable.{NAMES[turn[(index + 1) % len(turn)]]}}}" for index, at in enumerate(turn)}
    (fault,) = inline_faults(texts, looking(texts), "DOMAIN")
    assert fault.id == "env.cycle"
    for number, name in enumerate(texts, 1):
        assert name in fault.message
        assert f"{name} env/x.env:{number}" in fault.hint


def test_texts_are_put_in_place_however_deep_and_one_secret_makes_the_whole_secret() -> None:
    texts = {"A": "<${variable.B}>", "B": "${variable.C}-${variable.C}", "C": "${service.x.host}"}
    assert put_in_place("A", looking(texts)) == Inlined("<${service.x.host}-${service.x.host}>", parts=("B", "C"))
    assert put_in_place("A", looking(texts, frozenset({"C"}))).secret
    assert not put_in_place("C", looking(texts, frozenset({"A"}))).secret


def test_growth_without_measure_is_refused_and_costs_nothing() -> None:
    """Each of sixty variables holds the one before it twice: whole, that were 2**60 characters."""
    texts = {"V0": "laugh"} | {f"V{n}": f"${{variable.V{n - 1}}}${{variable.V{n - 1}}}" for n in range(1, 60)}
    assert len(put_in_place("V59", looking(texts)).text) < LONGEST
    assert any("becomes longer than" in line for line in faults(texts))


def test_a_thousand_variables_in_a_row_are_no_trouble() -> None:
    texts = {f"V{n}": f"${{variable.V{n + 1}}}" for n in range(1000)} | {"V1000": "end"}
    assert put_in_place("V0", looking(texts)).text == "end"


def test_a_reference_that_comes_about_where_two_texts_meet_is_refused() -> None:
    texts = {"A": "${variable.B}{domain}", "B": "$"}
    assert faults(texts) == ["env.reference env/x.env:1: A: a reference comes about only where two texts meet"]


def test_the_domain_cannot_be_made_of_an_address_that_is_made_of_it() -> None:
    assert faults({"DOMAIN": "x.${domain}"}) == ["env.cycle env/x.env:1: DOMAIN refers to itself"]
    (line,) = faults({"DOMAIN": "${variable.A}", "A": "${service.api.public_host}"})
    assert "A -> DOMAIN -> A" in line


def test_a_service_sees_its_own_value_through_a_reference(root: Path, workspace: Workspace) -> None:
    with (root / "env" / "production.env").open("a") as file:
        file.write("SERVER_EMAIL=${variable.DEFAULT_FROM_EMAIL}\n")
    schema = root / "env" / "schema.yaml"
    new = "\n  SERVER_EMAIL: {type: string, services: [backend], description: From whom errors come.}\n"
    schema.write_text(schema.read_text() + new)
    (root / "env" / "production.worker.env").write_text("DEFAULT_FROM_EMAIL=worker@zamio.com\n")
    config = load_config(root, "production", workspace)
    found = {name: config.setting("SERVER_EMAIL", name) for name in ("api", "worker")}
    assert {name: one and one.text.reveal() for name, one in found.items()} == {
        "api": "no-reply@zamio.com",
        "worker": "worker@zamio.com",
    }
    assert found["api"] is not None
    assert found["api"].parts == ("DEFAULT_FROM_EMAIL",)


def test_a_circle_that_only_one_service_sees_stops_everything_that_acts(root: Path, workspace: Workspace) -> None:
    (root / "env" / "production.api.env").write_text(
        "EMAIL_HOST=${variable.EMAIL_HOST_USER}\nEMAIL_HOST_USER=${variable.EMAIL_HOST}\n"
    )
    with pytest.raises(UsageError) as raised:
        load_config(root, "production", workspace)
    assert "EMAIL_HOST -> EMAIL_HOST_USER -> EMAIL_HOST" in raised.value.message
    assert "env/production.api.env:1" in raised.value.hint
    assert "env/production.api.env:2" in raised.value.hint


def test_a_secret_that_is_made_of_another_is_a_secret_everywhere(root: Path, workspace: Workspace) -> None:
    given_values = {
        "SECRET_KEY": "k" * 60,
        "POSTGRES_PASSWORD": "${variable.REDIS_PASSWORD}",
        "REDIS_PASSWORD": "only-here-once",
        "SLIPWAY_DOMAIN": "zamio.com",
        "DEFAULT_FROM_EMAIL": "x-${variable.SECRET_KEY}",
    }
    config = load_config(root, "rehearsal", workspace, given_values)
    assert config.secrets()["POSTGRES_PASSWORD"] == Secret("only-here-once")
    observed = {f"service.{name}.internal_url": Secret("x://u:p@h/0") for name in workspace.databases}
    assert config.variables_for("api", observed)["DEFAULT_FROM_EMAIL"] == Secret("x-" + "k" * 60)


def test_a_portal_is_never_built_with_a_secret(root: Path, workspace: Workspace) -> None:
    given_values = {"SECRET_KEY": "k" * 60, "VITE_API_URL": "https://${variable.SECRET_KEY}"}
    with pytest.raises(UsageError, match="every browser would get it"):
        load_config(root, "rehearsal", workspace, given_values).build_arguments("admin")
