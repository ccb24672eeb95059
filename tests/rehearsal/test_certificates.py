import socket
import ssl
import threading
from pathlib import Path

import pytest

from slipway.rehearsal.certificates import Certificates, throwaway_certificates

DOMAIN = "zamio.localhost"


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return throwaway_certificates(DOMAIN, (DOMAIN, f"api.{DOMAIN}"))


def shake_hands(served: Certificates, trusted: Certificates, name: str, folder: Path, *, strict: bool = True) -> str:
    """Return the TLS version that a client which trusts `trusted` and asks for `name` agrees on."""
    folder.joinpath("server.pem").write_bytes(served.certificate)
    folder.joinpath("server.key").write_bytes(served.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    client = ssl.create_default_context(cadata=trusted.authority.decode())
    if strict:
        client.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    here, there = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(there, server_side=True).close()
        except OSError:
            there.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with here, client.wrap_socket(here, server_hostname=name) as wrapped:
            return str(wrapped.version())
    finally:
        thread.join()


@pytest.mark.parametrize("name", [DOMAIN, f"api.{DOMAIN}"])
def test_the_chain_verifies_strictly(certificates: Certificates, name: str, tmp_path: Path) -> None:
    assert shake_hands(certificates, certificates, name, tmp_path) == "TLSv1.3"


def test_another_name_is_refused(certificates: Certificates, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(certificates, certificates, f"other.{DOMAIN}", tmp_path)


def test_another_authority_is_refused(certificates: Certificates, tmp_path: Path) -> None:
    other = throwaway_certificates(DOMAIN, (DOMAIN,))
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(certificates, other, DOMAIN, tmp_path)


def test_the_authority_can_vouch_for_nothing_outside_its_domain(tmp_path: Path) -> None:
    outside = throwaway_certificates(DOMAIN, ("example.org",))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        shake_hands(outside, outside, "example.org", tmp_path, strict=False)


def test_a_long_domain_fits(tmp_path: Path) -> None:
    domain = ".".join(["a" * 60, "b" * 60, "localhost"])
    made = throwaway_certificates(domain, (f"api.{domain}",))
    assert shake_hands(made, made, f"api.{domain}", tmp_path).startswith("TLS")


def test_it_lives_for_days_and_keeps_no_authority_key(certificates: Certificates) -> None:
    from cryptography import x509

    authority = x509.load_pem_x509_certificate(certificates.authority)
    certificate = x509.load_pem_x509_certificate(certificates.certificate)
    for one in (authority, certificate):
        assert 6 <= (one.not_valid_after_utc - one.not_valid_before_utc).days <= 8
    assert certificates.key.count(b"PRIVATE KEY") == 2
    assert b"PRIVATE" not in certificates.authority + certificates.certificate
    again = throwaway_certificates(DOMAIN, (DOMAIN,))
    assert again.key != certificates.key
