"""The manifests, checked against Kubernetes's schemas and against each other."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer

import ser
from training.distributed.cluster import Cluster

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deployment/kubernetes"


def read(path: Path) -> list[dict]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def validate(document: dict) -> None:
    kubernetes_validate = pytest.importorskip(
        "kubernetes_validate", reason="kubernetes-validate is not installed: pip install kubernetes-validate"
    )
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


@pytest.fixture(scope="module")
def manifests():
    names = yaml.safe_load((KUBERNETES / "model-server/kustomization.yaml").read_text())["resources"]
    documents = [document for name in names for document in read(KUBERNETES / "model-server" / name)]
    return {document["kind"]: document for document in documents}


@pytest.fixture(scope="module")
def container(manifests):
    (container,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
    return container


def build(overlay: str | Path) -> dict[str, dict]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed, which builds the overlays")
    built = subprocess.run(
        ["kubectl", "kustomize", str(KUBERNETES / overlay)], capture_output=True, text=True, timeout=60
    )
    assert built.returncode == 0, built.stderr
    return {document["kind"]: document for document in yaml.safe_load_all(built.stdout)}


def test_the_manifests_are_all_there(manifests):
    assert set(manifests) == {
        "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"
    }  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"]
)
def test_the_manifests_fit_the_schemas(manifests, kind):
    validate(manifests[kind])


@pytest.mark.parametrize("overlay", ["model-server", "overlays/gpu", "overlays/tls"])
def test_what_kustomize_builds_fits_the_schemas(overlay):
    documents = build(overlay)
    for document in documents.values():
        validate(document)
    names = {document["metadata"]["name"] for document in documents.values()}
    assert {re.sub(r"^ser-serving-\w{10}$", "ser-serving", name) for name in names} == {"ser-serving"}


def containers_of(document: dict) -> list[dict]:
    """All containers of a Deployment, a Job or a CronJob; none of other kinds."""
    spec = document.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    pod = spec.get("template", {}).get("spec", {})
    return [*pod.get("initContainers", []), *pod.get("containers", [])]


@pytest.mark.parametrize("kustomization", ["model-server", "overlays/gpu", "overlays/tls", "training", "retraining"])
def test_images_have_cuda_where_a_gpu_is_reserved_and_nowhere_else(kustomization):
    """The tags of images with CUDA end with `-gpu`, and their Dockerfiles say how to build them."""
    containers = [container for document in build(kustomization).values() for container in containers_of(document)]
    assert containers
    for container in containers:
        name, _, tag = container["image"].rpartition(":")
        reserves = "nvidia.com/gpu" in container["resources"]["limits"]
        assert reserves == tag.endswith("-gpu"), container["image"]
        dockerfile = (ROOT / f"Dockerfile.{name.removeprefix('ser-')}").read_text()
        assert not reserves or re.search(r"^#.*--build-arg \S+gpu", dockerfile, re.M)
        assert container["securityContext"]["readOnlyRootFilesystem"]


def test_the_gpu_overlay_has_its_own_image_whatever_the_base_is_given(tmp_path):
    shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    file = tmp_path / "kubernetes/model-server/kustomization.yaml"
    file.write_text(file.read_text().replace("newName: ser-serving", "newName: registry.example.com/ser-serving"))
    (container,) = containers_of(build(tmp_path / "kubernetes/overlays/gpu")["Deployment"])
    assert container["image"].endswith("-gpu")


@pytest.mark.parametrize("kustomization", ["model-server", "overlays/gpu"])
def test_a_pod_has_a_processor_for_each_thread_of_the_server(kustomization):
    (container,) = containers_of(build(kustomization)["Deployment"])
    (threads,) = (flag for flag in container["args"] if flag.startswith("--tensorflow_intra_op_parallelism="))
    assert container["resources"]["requests"]["cpu"] == threads.partition("=")[2]


@pytest.mark.parametrize("overlay", ["model-server", "overlays/gpu", "overlays/tls"])
def test_the_probes_ask_for_the_model_that_an_export_writes(overlay):
    documents = build(overlay)
    (container,) = containers_of(documents["Deployment"])
    (source,) = container["envFrom"]
    assert source["configMapRef"]["name"] == documents["ConfigMap"]["metadata"]["name"]
    (name,) = (option for option in typer.main.get_command(ser.app).commands["export"].params if option.name == "name")
    assert documents["ConfigMap"]["data"] == {"MODEL_NAMES": name.default}
    assert "ser export out/run out/models\n" in (ROOT / "README.md").read_text()


def test_a_kustomization_sets_the_names_of_the_models_in_one_place(tmp_path):
    shutil.copytree(KUBERNETES / "model-server", tmp_path / "model-server")
    file = tmp_path / "model-server" / "kustomization.yaml"
    file.write_text(file.read_text().replace("MODEL_NAMES=ser", "MODEL_NAMES=mobilenet wav2vec2"))
    text = "\n".join(yaml.safe_dump(document) for document in build(tmp_path / "model-server").values())
    assert text.count("mobilenet wav2vec2") == 1
    assert not re.search(r"model-status\S* ", text)


def test_the_tls_overlay_mounts_what_the_flag_names():
    pod = build("overlays/tls")["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (flag,) = [argument for argument in container["args"] if argument.startswith("--ssl_config_file=")]
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert flag == "--ssl_config_file=/tls/ssl.config"
    assert volumes[mounts["/tls"]]["secret"]["secretName"] == "ser-serving-tls"


def test_everything_selects_the_pods(manifests):
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    assert manifests["Deployment"]["spec"]["selector"]["matchLabels"].items() <= labels
    assert manifests["Service"]["spec"]["selector"].items() <= labels
    assert manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].items() <= labels
    assert manifests["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"].items() <= labels
    assert (
        manifests["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"]
        == manifests["Deployment"]["metadata"]["name"]
    )
    assert manifests["Service"]["spec"]["clusterIP"] == "None", "headless, for balancing in the client"


def test_the_container_is_not_privileged(manifests, container):
    assert manifests["Deployment"]["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"]
    context = container["securityContext"]
    assert context["readOnlyRootFilesystem"]
    assert not context["allowPrivilegeEscalation"]
    assert context["capabilities"]["drop"] == ["ALL"]
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe"])
def test_readiness_is_the_state_of_the_models(container, probe):
    (script,) = container[probe]["exec"]["command"]
    assert f"<<'EOF' {script}\n" in (ROOT / "Dockerfile.serving").read_text()


def test_the_probes_reach_the_ports_of_the_image(container):
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}
    assert container["livenessProbe"]["tcpSocket"]["port"] in ports


def test_the_autoscaler_asks_for_the_metric_that_the_adapter_makes(manifests):
    values = yaml.safe_load((KUBERNETES / "prometheus-adapter-values.yaml").read_text())
    (rule,) = values["rules"]["custom"]
    (metric,) = manifests["HorizontalPodAutoscaler"]["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == rule["name"]["as"]
    assert rule["seriesQuery"].startswith(":tensorflow:serving:batching_session:queuing_latency_bucket{")
    assert re.findall(r"<<\.(\w+)>>", rule["metricsQuery"])
    assert rule["metricsQuery"].count("(") == rule["metricsQuery"].count(")")


class TestRetraining:
    @pytest.fixture
    def cron_job(self):
        (document,) = read(KUBERNETES / "retraining/cron-job.yaml")
        return document

    @pytest.fixture
    def pod(self, cron_job):
        return cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]

    def test_it_fits_the_schema(self, cron_job):
        validate(cron_job)
        assert read(KUBERNETES / "retraining/kustomization.yaml")[0]["resources"] == ["cron-job.yaml"]

    def test_its_containers_are_not_privileged(self, pod):
        assert pod["securityContext"]["runAsNonRoot"]
        for container in [*pod["initContainers"], *pod["containers"]]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
            assert {mount["name"] for mount in container["volumeMounts"]} <= {one["name"] for one in pod["volumes"]}

    def test_a_job_has_one_folder_whichever_pod_works_on_it(self, pod):
        for container in [*pod["initContainers"], *pod["containers"]]:
            (variable,) = container["env"]
            assert variable["name"] == "JOB"
            assert "job-name" in variable["valueFrom"]["fieldRef"]["fieldPath"]

    @pytest.mark.parametrize(("status", "exit_status"), [(0, 0), (3, 0), (1, 1), (2, 2), (137, 137)])
    def test_to_keep_the_champion_is_no_failure(self, pod, tmp_path, status, exit_status):
        """Run the container's command with a fake `ser` that ends with a given status."""
        stand_in = tmp_path / "ser"
        stand_in.write_text(f"#!/bin/sh\nexit {status}\n")
        stand_in.chmod(0o755)
        (container,) = pod["containers"]
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "JOB": "ser-retraining-1"}
        done = subprocess.run([*container["command"], *container["args"]], env=environment, timeout=20)
        assert done.returncode == exit_status

    def test_what_cannot_get_better_is_not_tried_again(self, cron_job):
        rules = cron_job["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
        assert rules[0]["onExitCodes"]["values"] == [1, 2]
        assert rules[0]["action"] == "FailJob"

    def test_the_commands_are_those_of_ser(self, pod):
        commands = typer.main.get_command(ser.app).commands
        text = pod["containers"][0]["args"][0].replace("\\\n", " ").splitlines()[0]
        words = shlex.split(text)
        assert words[:2] == ["ser", "retrain"]
        options = {option for parameter in commands["retrain"].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options
        assert shlex.split(pod["initContainers"][0]["args"][0])[:3] == ["ser", "data", "prepare"]


class TestTraining:
    @pytest.fixture
    def job(self):
        (document,) = read(KUBERNETES / "training/job.yaml")
        return document

    @pytest.fixture
    def service(self):
        (document,) = read(KUBERNETES / "training/service.yaml")
        return document

    def test_it_fits_the_schemas(self, job, service):
        validate(job)
        validate(service)
        assert read(KUBERNETES / "training/kustomization.yaml")[0]["resources"] == ["job.yaml", "service.yaml"]

    def test_every_worker_reads_its_place_among_all(self, job, service):
        (container,) = job["spec"]["template"]["spec"]["containers"]
        config = {variable["name"]: variable.get("value") for variable in container["env"]}["TF_CONFIG"]
        count = job["spec"]["completions"]
        assert job["spec"]["parallelism"] == count
        clusters = [Cluster.read(config.replace("$(INDEX)", str(index))) for index in range(count)]
        assert [cluster.place for cluster in clusters] == list(range(count))
        (port,) = service["spec"]["ports"]
        name = job["metadata"]["name"]
        subdomain = job["spec"]["template"]["spec"]["subdomain"]
        assert subdomain == service["metadata"]["name"]
        assert clusters[0].jobs["worker"] == tuple(
            f"{name}-{index}.{subdomain}:{port['port']}" for index in range(count)
        )

    def test_the_service_finds_the_workers_before_they_are_ready(self, job, service):
        labels = job["spec"]["template"]["metadata"]["labels"].items()
        assert service["spec"]["selector"].items() <= labels
        assert service["spec"]["publishNotReadyAddresses"]

    def test_its_container_is_not_privileged(self, job):
        pod = job["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
        assert {mount["name"] for mount in container["volumeMounts"]} <= {one["name"] for one in pod["volumes"]}

    def test_the_command_is_one_of_ser(self, job):
        (container,) = job["spec"]["template"]["spec"]["containers"]
        program, group, family, *rest = container["args"]
        assert (program, group) == ("ser", "train")
        command = typer.main.get_command(ser.app).commands["train"].get_command(None, family)
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= options
