"""Which clients may connect if certificates are required. All others get a TLS alert and nothing else."""

import re
import socket
import ssl
import subprocess
import urllib.request
from pathlib import Path

import grpc
import pytest
import trustme
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from data_pipeline.errors import UserError
from serving.server.local_server import LocalServer, ServerSettings
from serving.server.tls import TlsSettings

GRPC_REQUEST = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
REST_REQUEST = b"GET /v1/models/ser HTTP/1.0\r\n\r\n"
SSL_CONFIG = Path(__file__).parents[3] / "deployment/tls/ssl-config.sh"


class Certificates:
    """Two authorities, one for servers and one for clients, and an unknown one."""

    def __init__(self):
        self.servers, self.clients, self.strangers = trustme.CA(), trustme.CA(), trustme.CA()
        self.server = self.servers.issue_cert("localhost", "127.0.0.1")

    def ssl_config(self, folder: Path, *, mutual: bool) -> Path:
        """An `ssl.config` written by the script that is used in production."""
        (folder / "server.key").write_bytes(self.server.private_key_pem.bytes())
        (folder / "server.crt").write_bytes(self.server.cert_chain_pems[0].bytes())
        (folder / "clients.crt").write_bytes(self.clients.cert_pem.bytes())
        files = ["server.key", "server.crt", *(["clients.crt"] if mutual else [])]
        command = ["bash", str(SSL_CONFIG), *files]
        written = subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=30).stdout
        (folder / "ssl.config").write_bytes(written)
        return folder / "ssl.config"

    def credentials(self, authority: trustme.CA | None = None) -> grpc.ChannelCredentials:
        """Credentials of a client that trusts the servers, with or without its own certificate."""
        roots = self.servers.cert_pem.bytes()
        if authority is None:
            return grpc.ssl_channel_credentials(roots)
        own = authority.issue_cert("client")
        return grpc.ssl_channel_credentials(roots, own.private_key_pem.bytes(), own.cert_chain_pems[0].bytes())

    def context(self, authority: trustme.CA | None = None) -> ssl.SSLContext:
        """The same for `ssl`."""
        context = ssl.create_default_context()
        self.servers.configure_trust(context)
        if authority is not None:
            authority.issue_cert("client").configure_cert(context)
        return context


@pytest.fixture(scope="module")
def certificates():
    return Certificates()


def serve(models, certificates, folder, *, mutual):
    tls = TlsSettings.read(certificates.ssl_config(folder, mutual=mutual))
    return LocalServer.start(models, port=0, settings=ServerSettings(rest_port=0, tls=tls))


@pytest.fixture(scope="module")
def mutual(models, certificates, tmp_path_factory):
    with serve(models, certificates, tmp_path_factory.mktemp("mutual"), mutual=True) as server:
        yield server


def status_over(channel: grpc.Channel):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "ser"
    return model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=10)


def host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def everything_from(connection: socket.socket) -> bytes:
    received = b""
    while part := connection.recv(65_536):
        received += part
    return received


def test_tls_lets_everybody_in_who_trusts_the_server(models, certificates, tmp_path):
    with serve(models, certificates, tmp_path, mutual=False) as server:
        with grpc.secure_channel(server.address, certificates.credentials()) as channel:
            assert status_over(channel).model_version_status
        url = f"https://{server.rest_address}/v1/models/ser"
        with urllib.request.urlopen(url, timeout=10, context=certificates.context()) as answer:
            assert b"AVAILABLE" in answer.read()


def test_mutual_tls_lets_the_right_clients_in(mutual, certificates):
    with grpc.secure_channel(mutual.address, certificates.credentials(certificates.clients)) as channel:
        assert status_over(channel).model_version_status
    context = certificates.context(certificates.clients)
    with urllib.request.urlopen(f"https://{mutual.rest_address}/v1/models/ser", timeout=10, context=context) as answer:
        assert b"AVAILABLE" in answer.read()


@pytest.mark.parametrize("who", ["nobody", "stranger"])
def test_a_grpc_client_without_the_right_certificate_gets_no_answer(mutual, certificates, who):
    authority = certificates.strangers if who == "stranger" else None
    with (
        grpc.secure_channel(mutual.address, certificates.credentials(authority)) as channel,
        pytest.raises(grpc.RpcError) as refused,
    ):
        status_over(channel)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("port", ["address", "rest_address"])
@pytest.mark.parametrize("who", ["nobody", "stranger"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_nothing_but_the_alert_comes_back(mutual, certificates, port, who, version):
    context = certificates.context(certificates.strangers if who == "stranger" else None)
    context.minimum_version = context.maximum_version = version
    if port == "address":
        context.set_alpn_protocols(["h2"])
    with socket.create_connection(host_and_port(getattr(mutual, port)), timeout=10) as plain:
        received, reason = talk(plain, context, GRPC_REQUEST if port == "address" else REST_REQUEST)
    assert received == b""
    # gRPC sometimes ends the connection without even the alert.
    assert re.search("alert|handshake failure|EOF", reason, re.I), reason


def talk(plain: socket.socket, context: ssl.SSLContext, request: bytes) -> tuple[bytes, str]:
    """A server's response to a request over TLS, and the error that ends it."""
    received = b""
    try:
        with context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as connection:
            # With TLS 1.3 the client's side is done before the server has looked at the certificate.
            connection.sendall(request)
            while part := connection.recv(65_536):
                received += part
    except ssl.SSLError as error:
        return received, str(error)
    return received, ""


@pytest.mark.parametrize("port", ["address", "rest_address"])
def test_a_client_without_tls_gets_no_answer(mutual, port):
    with socket.create_connection(host_and_port(getattr(mutual, port)), timeout=10) as connection:
        connection.sendall(b"GET /v1/models/ser HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            received = everything_from(connection)
        except ConnectionResetError:
            received = b""
    assert b"HTTP" not in received
    assert b"AVAILABLE" not in received
    assert len(received) <= 7, "an alert is two bytes in a record of seven"


class TestFilesThatCannotBeUsed:
    def test_a_missing_key(self, tmp_path):
        (tmp_path / "ssl.config").write_text('server_cert: "x"')
        with pytest.raises(UserError, match="has no server_key"):
            TlsSettings.read(tmp_path / "ssl.config")

    def test_verification_without_an_authority(self, tmp_path):
        (tmp_path / "ssl.config").write_text('server_key: "x" server_cert: "x" client_verify: true')
        with pytest.raises(UserError, match="has no custom_ca"):
            TlsSettings.read(tmp_path / "ssl.config")

    def test_texts_that_are_not_pem(self, tmp_path):
        (tmp_path / "ssl.config").write_text('server_key: "x" server_cert: "x"')
        with pytest.raises(UserError, match=r"PEM texts in .* cannot be used"):
            TlsSettings.read(tmp_path / "ssl.config")

    def test_a_key_of_another_certificate(self, certificates, tmp_path):
        other = certificates.servers.issue_cert("localhost")
        config = certificates.ssl_config(tmp_path, mutual=False)
        (tmp_path / "server.key").write_bytes(other.private_key_pem.bytes())
        written = subprocess.run(
            ["bash", str(SSL_CONFIG), "server.key", "server.crt"], cwd=tmp_path, capture_output=True, check=True
        )
        config.write_bytes(written.stdout)
        with pytest.raises(UserError, match="cannot be used"):
            TlsSettings.read(config)
