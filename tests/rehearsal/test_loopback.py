import socket

import pytest

from slipway.errors import UsageError
from slipway.rehearsal.loopback import require_ports


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_something_listens_on_is_named(address: str) -> None:
    with socket.create_server((address, 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(UsageError, match=f"needs port {port} of 127.0.0.1") as raised:
            require_ports((port,), lambda _: None)
        assert f"sudo ss -ltnp '( sport = :{port} )'" in raised.value.hint
        require_ports((port,), lambda _: "")  # our own ground
    require_ports((port,), lambda _: None)


def test_where_this_user_may_not_bind_the_port_is_knocked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        class Strict(socket.socket):
            def bind(self, address: object, /) -> None:
                raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("slipway.rehearsal.loopback.socket.socket", Strict)
        with pytest.raises(UsageError, match=f"port {port}"):
            require_ports((port,), lambda _: None)
    require_ports((port,), lambda _: None)


def test_all_ports_come_in_one_message_with_their_containers() -> None:
    with pytest.raises(UsageError) as raised:
        require_ports((80, 443), {80: "web", 443: "proxy"}.get)
    assert "port 80 (container web) and 443 (container proxy) of 127.0.0.1" in raised.value.message
    assert "sport = :80 or sport = :443" in raised.value.hint
