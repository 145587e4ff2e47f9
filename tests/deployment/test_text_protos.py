"""The text protos of `deployment/` and of an export, parsed as TensorFlow Serving parses them."""

import subprocess
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from serving.model_repository.config_messages import message_type, read_text_proto

DEPLOYMENT = Path(__file__).parents[2] / "deployment"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIE/+abc=\n-----END PRIVATE KEY-----\n"
CERTIFICATES = "-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----\n" * 2


def write_ssl_config(folder: Path, *contents: str) -> subprocess.CompletedProcess:
    files = []
    for number, content in enumerate(contents):
        files.append(folder / f"{number}.pem")
        files[-1].write_text(content)
    command = ["bash", str(DEPLOYMENT / "tls/ssl-config.sh"), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_the_models_have_version_policies_and_labels_of_loaded_versions():
    config = text_format.Parse((DEPLOYMENT / "examples/models.config").read_text(), ModelServerConfig())
    models = {model.name: model for model in config.model_config_list.config}
    assert set(models) == {"mobilenet", "wav2vec2"}
    for name, model in models.items():
        assert model.base_path == f"/models/{name}"
        assert model.model_platform == "tensorflow"
        assert model.model_version_policy.WhichOneof("policy_choice")
        assert set(model.version_labels.values()) <= set(model.model_version_policy.specific.versions)
    assert dict(models["mobilenet"].version_labels) == {"stable": 1, "canary": 2}


def test_the_example_of_tls_asks_for_client_certificates():
    config = read_text_proto(DEPLOYMENT / "tls/ssl.config", "SSLConfig")
    assert config.client_verify
    for pem in (config.server_key, config.server_cert, config.custom_ca):
        assert pem.startswith("-----BEGIN ")
        assert pem.endswith("-----\n")


def test_pem_files_arrive_in_ssl_config_as_they_are(tmp_path):
    ssl_config = message_type("SSLConfig")
    mutual = text_format.Parse(write_ssl_config(tmp_path, KEY, CERTIFICATES, CERTIFICATES).stdout, ssl_config())
    assert mutual == ssl_config(
        server_key=KEY, server_cert=CERTIFICATES, custom_ca=CERTIFICATES, client_verify=True
    )  # fmt: skip
    windows = write_ssl_config(tmp_path, KEY.replace("\n", "\r\n"), CERTIFICATES)
    assert text_format.Parse(windows.stdout, ssl_config()) == ssl_config(server_key=KEY, server_cert=CERTIFICATES)


def test_a_file_that_is_not_pem_is_named(tmp_path):
    refused = write_ssl_config(tmp_path, KEY, "\x30\x82")
    assert refused.returncode == 1
    assert "1.pem is no PEM file" in refused.stderr
    assert refused.stdout == ""
