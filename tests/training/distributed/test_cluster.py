import json

import pytest

from data_pipeline.errors import UserError
from training.distributed.cluster import Cluster

TWO = {"worker": ["a:1", "b:2"]}


def config(cluster, job, index):
    return json.dumps({"cluster": cluster, "task": {"type": job, "index": index}})


def test_the_first_worker_is_the_first_of_all():
    cluster = Cluster.read(config(TWO, "worker", 1))
    assert cluster.jobs == {"worker": ("a:1", "b:2")}
    assert (cluster.workers, cluster.place) == (2, 1)
    assert Cluster.read(config(TWO, "worker", 0)).place == 0


def test_a_chief_of_its_own_comes_before_the_workers():
    cluster = {**TWO, "chief": ["c:3"]}
    assert Cluster.read(config(cluster, "chief", 0)).place == 0
    assert [Cluster.read(config(cluster, "worker", index)).place for index in (0, 1)] == [1, 2]
    assert Cluster.read(config(cluster, "worker", 0)).workers == 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "needs the environment variable TF_CONFIG"),
        ("", "needs the environment variable TF_CONFIG"),
        ("{worker", "TF_CONFIG is not JSON"),
        ("[]", "TF_CONFIG has no cluster"),
        (json.dumps({"cluster": TWO}), "TF_CONFIG has no task"),
        (config({}, "worker", 0), "TF_CONFIG has no cluster"),
        (config({"ps": ["a:1"]}, "ps", 0), "tasks called 'ps'"),
        (config({"worker": "a:1"}, "worker", 0), "cluster.worker of TF_CONFIG is 'a:1'"),
        (config({"worker": ["a"]}, "worker", 0), "each as host:port"),
        (config({"worker": []}, "worker", 0), "give a list of addresses"),
        (config({"worker": ["a:1", "a:1"]}, "worker", 0), "names an address twice"),
        (config({"chief": ["a:1", "b:1"]}, "chief", 0), "several chiefs"),
        (config(TWO, "chief", 0), "task.type of TF_CONFIG is 'chief'"),
        (config(TWO, "worker", 2), "whole number from 0 to 1"),
        (config(TWO, "worker", True), "task.index of TF_CONFIG is True"),
    ],
)
def test_a_wrong_value_is_one_sentence(text, sentence):
    with pytest.raises(UserError, match="TF_CONFIG") as error:
        Cluster.read(text)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
