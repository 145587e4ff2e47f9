"""The examples of `docs/serving.md` parse, and its links lead to existing targets."""

import re
import textwrap
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, text_format
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

GUIDE = Path(__file__).parents[2] / "docs/serving.md"


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", GUIDE.read_text(), re.S | re.M)
    return [textwrap.dedent(code) for _, code in found]


def test_python_examples_compile():
    assert len(blocks("python")) == 5
    for number, code in enumerate(blocks("python")):
        compile(code, f"{GUIDE} example {number}", "exec")


def test_text_protos_parse():
    (config,) = (text_format.Parse(code, ModelServerConfig()) for code in blocks("textproto"))
    assert config.model_config_list.config[0].name == "mobilenet"


def test_the_protoset_that_it_names_describes_both_services():
    [place] = set(re.findall(r"\]\(([^)]+\.protoset)\)", GUIDE.read_text()))
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString((GUIDE.parent / place).read_bytes()).file:
        pool.Add(file)  # refuses a file that comes before what it imports
    assert pool.FindMethodByName("tensorflow.serving.PredictionService.Predict")
    assert pool.FindMethodByName("tensorflow.serving.ModelService.HandleReloadConfigRequest")


def test_the_json_of_grpcurl_is_a_predict_request():
    (code,) = (code for code in blocks("sh") if "string_val" in code)
    document = re.search(r"^\{.*\}$", code, re.S | re.M)[0].replace("$(base64 -w 0 clip.wav)", "UklGRg==")
    request = json_format.Parse(document, PredictRequest())
    assert request.model_spec.signature_name == "wav_bytes"
    assert request.inputs["audio"].string_val == [b"RIFF"]


def headings() -> set[str]:
    titles = re.findall(r"^#+ (.+)$", GUIDE.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)]+)\)", GUIDE.read_text()))))
def test_links_lead_somewhere(target):
    if target.startswith("#"):
        assert target[1:] in headings()
    else:
        # Headings of other pages are looked up by tests/test_docs.py.
        assert (GUIDE.parent / target.partition("#")[0]).exists()
