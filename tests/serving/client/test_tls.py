"""Encrypted connections, with certificates that the test creates."""

import json

import grpc
import pytest
import soundfile
import trustme
from typer.testing import CliRunner

import ser
from data_pipeline.errors import UserError
from serving.client import EmotionClient, Samples, ServerUnavailableError, Tls
from tests.serving.client.fake_server import fake_server, happy
from tests.voice import voice

SPEECH = Samples(voice(), 16_000)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def mutual(authority):
    """A server that requires certificates."""
    own = authority.issue_cert("localhost")
    credentials = grpc.ssl_server_credentials(
        [(own.private_key_pem.bytes(), own.cert_chain_pems[0].bytes())], authority.cert_pem.bytes(), True
    )
    with fake_server(lambda request, context: happy(request), credentials) as address:
        yield address.replace("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def pem(authority, tmp_path_factory):
    """Paths of the authority's certificate, a client's, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    client = authority.issue_cert("client.example.com")
    files = {"ca": authority.cert_pem, "certificate": client.cert_chain_pems[0], "key": client.private_key_pem}
    for name, content in files.items():
        content.write_to_path(str(folder / f"{name}.pem"))
    return {name: folder / f"{name}.pem" for name in files}


def ask(address, tls):
    with EmotionClient(address, tls=tls, attempts=1, timeout=10) as client:
        return client.recognise(SPEECH)


def test_with_the_right_certificates_there_is_an_answer(mutual, pem):
    assert ask(mutual, Tls.from_files(pem["ca"], pem["certificate"], pem["key"])).emotion == "happiness"


@pytest.mark.parametrize("case", ["in the clear", "none of our own", "another authority", "another's certificate"])
def test_without_them_there_is_one_sentence(mutual, pem, case):
    stranger = trustme.CA()
    strange = stranger.issue_cert("client.example.com")
    tls = {
        "in the clear": None,
        "none of our own": Tls.from_files(pem["ca"]),
        "another authority": Tls(stranger.cert_pem.bytes(), pem["certificate"].read_bytes(), pem["key"].read_bytes()),
        "another's certificate": Tls(
            pem["ca"].read_bytes(), strange.cert_chain_pems[0].bytes(), strange.private_key_pem.bytes()
        ),
    }[case]
    words = {
        "in the clear": "requires TLS: add --tls",
        "none of our own": "wants a certificate of the client",
        "another authority": "has a certificate of an authority that is not known here",
        "another's certificate": "wants a certificate of the client",
    }[case]
    with pytest.raises(ServerUnavailableError, match=words):
        ask(mutual, tls)


def test_a_server_in_the_clear_is_told(pem):
    with (
        fake_server(lambda request, context: happy(request)) as address,
        pytest.raises(ServerUnavailableError, match="does not speak TLS: leave out --tls"),
    ):
        ask(address, Tls.from_files(pem["ca"]))


def test_the_name_in_the_certificate_may_be_given(mutual, pem):
    files = pem["ca"], pem["certificate"], pem["key"]
    address = mutual.replace("localhost", "127.0.0.1")
    with pytest.raises(ServerUnavailableError, match="is for another name: give the name that is in it"):
        ask(address, Tls.from_files(*files))
    assert ask(address, Tls.from_files(*files, server_name="localhost")).emotion == "happiness"


def test_half_of_a_pair_is_an_error(pem):
    with pytest.raises(UserError, match="go together"):
        Tls.from_files(pem["ca"], certificate_chain=pem["certificate"])
    with pytest.raises(ValueError, match="go together"):
        Tls(private_key=b"key")


def test_a_file_that_is_no_certificate_is_named(pem, tmp_path):
    path = tmp_path / "ca.der"
    path.write_bytes(b"\x30\x82")
    with pytest.raises(UserError, match=f"{path} is not a PEM file"):
        Tls.from_files(path)
    with pytest.raises(UserError, match="nowhere cannot be read"):
        Tls.from_files(tmp_path / "nowhere")


def test_ser_predict_takes_them_as_files(mutual, pem, tmp_path):
    soundfile.write(tmp_path / "clip.wav", SPEECH.values, SPEECH.rate)
    command = ["predict", str(tmp_path / "clip.wav"), "--server", mutual, "--json"]
    options = [part for name in pem for part in (f"--{name}", str(pem[name]))]
    answered = CliRunner().invoke(ser.app, command + options)
    assert json.loads(answered.stdout)["emotion"] == "happiness"
    refused = CliRunner().invoke(ser.app, [*command, "--ca", str(pem["ca"])])
    assert isinstance(refused.exception, ServerUnavailableError)
