from __future__ import annotations

import re
import shutil
import subprocess
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import kubernetes_validate
import pytest
import yaml

from service.settings import ServiceSettings
from tests.deploy.files import DEPLOY, compose, is_ours, kustomization, manifests, parsed, settings_names, stage

FOLDER = DEPLOY / "kubernetes"
MANIFESTS = manifests()

# The oldest release with the pause before a pod is stopped, and the newest that there are schemas of.
RELEASES = ("1.30", "1.37")


def _named(kind: str, name: str) -> dict[str, Any]:
    found = [one for one in MANIFESTS if one["kind"] == kind and one["metadata"]["name"] == name]
    assert len(found) == 1
    return found[0]


def _pod(kind: str, name: str) -> dict[str, Any]:
    spec = _named(kind, name)["spec"]
    template = spec["jobTemplate"]["spec"]["template"] if kind == "CronJob" else spec["template"]
    pod: dict[str, Any] = template["spec"]
    return pod


PODS = {
    name: _pod(kind, name)
    for kind, name in (
        ("Deployment", "forecaster"),
        ("CronJob", "retrain"),
        ("Deployment", "mlflow"),
        ("StatefulSet", "postgres"),
    )
}
CONTAINERS = {name: pod["containers"][0] for name, pod in PODS.items()}
CONFIG = _named("ConfigMap", "forecaster")["data"]
EVERY = pytest.mark.parametrize("name", PODS)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("one", MANIFESTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_a_manifest_keeps_to_the_schema(one: dict[str, Any], release: str) -> None:
    kubernetes_validate.validate(one, release, strict=True)


def test_every_file_is_applied_but_for_the_example_of_the_secret() -> None:
    files = {one.name for one in FOLDER.glob("*.yaml")} - {"kustomization.yaml", "secret.example.yaml"}
    assert files == set(kustomization()["resources"])
    running = ("CronJob", "DaemonSet", "Deployment", "Job", "StatefulSet")
    assert set(PODS) == {one["metadata"]["name"] for one in MANIFESTS if one["kind"] in running}


def test_no_manifest_chooses_a_namespace() -> None:
    assert "namespace" not in kustomization()
    assert all("namespace" not in one["metadata"] for one in MANIFESTS)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_builds_the_kustomization() -> None:
    done = subprocess.run(["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))
    assert len(built) == len(MANIFESTS) - 1
    assert all(one["metadata"]["labels"]["app.kubernetes.io/part-of"] == "stock-forecaster" for one in built)


@EVERY
def test_nothing_runs_as_root_or_can_become_it(name: str) -> None:
    of_pod, of_container = PODS[name]["securityContext"], CONTAINERS[name]["securityContext"]
    assert of_pod["runAsNonRoot"] is True
    assert of_pod["runAsUser"] > 0
    assert of_pod["runAsGroup"] > 0
    assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert of_container["allowPrivilegeEscalation"] is False
    assert of_container["capabilities"] == {"drop": ["ALL"]}
    assert PODS[name]["automountServiceAccountToken"] is False
    assert len(PODS[name]["containers"]) == 1


@EVERY
def test_what_is_written_goes_to_a_claim_or_to_bounded_scratch(name: str) -> None:
    container, pod = CONTAINERS[name], PODS[name]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    volumes = {one["name"]: one for one in pod["volumes"]}
    volumes |= {
        one["metadata"]["name"]: one for one in _named("StatefulSet", "postgres")["spec"]["volumeClaimTemplates"]
    }
    mounts = {one["mountPath"]: one for one in container["volumeMounts"]}
    assert "/tmp" in mounts
    for mount in mounts.values():
        volume = volumes[mount["name"]]
        assert "emptyDir" not in volume or "sizeLimit" in volume["emptyDir"]
        assert "secret" not in volume or mount["readOnly"] is True
        if "persistentVolumeClaim" in volume:
            _named("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])


@EVERY
def test_no_variable_of_the_cluster_is_taken_for_a_setting(name: str) -> None:
    # A service called `forecaster` would set FORECASTER_PORT=tcp://... in every pod.
    assert PODS[name]["enableServiceLinks"] is False


@EVERY
def test_everything_asks_for_resources_and_has_limits(name: str) -> None:
    resources = CONTAINERS[name]["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert set(resources["limits"]) == {"cpu", "memory", "ephemeral-storage"}


@EVERY
def test_secrets_are_files_and_in_no_environment(name: str) -> None:
    example = _named("Secret", "forecaster")["stringData"]
    mounted: set[str] = set()
    for volume in PODS[name]["volumes"]:
        if "secret" in volume:
            assert volume["secret"]["secretName"] == "forecaster"
            assert volume["secret"]["defaultMode"] == 0o440
            mounted |= {one["path"] for one in volume["secret"]["items"]}
            assert all(one["key"] == one["path"] and one["key"] in example for one in volume["secret"]["items"])
    files = set()
    for one in CONTAINERS[name]["env"]:
        assert "valueFrom" not in one
        if one["name"].endswith("_FILE"):
            files.add(one["value"].removeprefix("/run/secrets/forecaster/"))
        assert not re.search(r"//[^/]*:[^/]*@", one["value"]), f"{one['name']} holds a password"
    assert files == mounted
    assert len(mounted) == 1
    assert all("secretRef" not in one for one in CONTAINERS[name].get("envFrom", []))


def test_the_example_of_the_secret_has_placeholders_and_the_names_that_compose_has() -> None:
    example = _named("Secret", "forecaster")["stringData"]
    assert set(example) == set(compose()["secrets"])
    assert all(re.fullmatch("<.*>", value) for value in example.values())


@pytest.mark.parametrize(
    ("name", "start", "live", "ready"),
    [
        ("forecaster", "/health/live", "/health/live", "/health/ready"),
        ("mlflow", "/health", "/health", "/health"),
    ],
)
def test_probes_ask_what_tells(name: str, start: str, live: str, ready: str) -> None:
    container = CONTAINERS[name]
    asked = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    assert asked == [{"path": path, "port": "http"} for path in (start, live, ready)]
    assert [one["name"] for one in container["ports"]] == ["http"]


def test_an_update_never_takes_an_answering_pod_away() -> None:
    spec = _named("Deployment", "forecaster")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    budget = _named("PodDisruptionBudget", "forecaster")["spec"]
    assert budget["minAvailable"] == 1
    assert budget["selector"] == spec["selector"]
    # The pause before SIGTERM, and the drain that the program does by default.
    pause = CONTAINERS["forecaster"]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert PODS["forecaster"]["terminationGracePeriodSeconds"] > pause + 25


def test_passes_come_one_at_a_time_in_the_time_zone_of_the_exchange() -> None:
    spec = _named("CronJob", "retrain")["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert ZoneInfo(spec["timeZone"]) == ZoneInfo("Asia/Shanghai")
    minute, hour, *_, days = spec["schedule"].split()
    # Bars of a session that closes at 15:00 are due by 16:00; the next one opens at 9:30, 14 h 45 min later.
    assert 16 * 60 < int(hour) * 60 + int(minute) < 20 * 60
    assert days == "1-5"
    assert 0 < spec["startingDeadlineSeconds"] < (24 + 9.5 - int(hour) - int(minute) / 60) * 3600
    job = spec["jobTemplate"]["spec"]
    assert job["activeDeadlineSeconds"] < 24 * 3600
    assert PODS["retrain"]["restartPolicy"] == "Never"


@pytest.mark.parametrize("name", ["forecaster", "retrain"])
def test_a_command_line_is_one_that_the_program_takes(name: str) -> None:
    parsed(CONTAINERS[name]["args"])


@pytest.mark.parametrize(("name", "target"), [("forecaster", "serve"), ("retrain", "train"), ("mlflow", "mlflow")])
def test_an_image_is_a_stage_of_the_dockerfile_and_runs_as_its_user(name: str, target: str) -> None:
    assert CONTAINERS[name]["image"] == f"stock-forecaster:{target}"
    assert [one["name"] for one in kustomization()["images"]] == ["stock-forecaster"]
    context = PODS[name]["securityContext"]
    user = re.findall(r"^USER (\d+)$", stage(target), re.MULTILINE)[-1]
    assert {str(context[key]) for key in ("runAsUser", "runAsGroup", "fsGroup")} == {user}


def test_settings_are_ones_that_the_program_has() -> None:
    named = {name for name in CONFIG if is_ours(name)}
    named |= {one["name"] for container in CONTAINERS.values() for one in container["env"] if is_ours(one["name"])}
    assert "FORECASTER_API_KEYS_FILE" in named
    assert named <= settings_names()


def test_settings_of_the_config_are_ones_that_the_program_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CONFIG.items():
        monkeypatch.setenv(name, value)
    settings = ServiceSettings()
    assert settings.retrain.provider == "tushare"
    assert settings.tracking_uri == "http://mlflow:5000"


def test_the_registry_is_asked_by_the_name_that_it_answers_to() -> None:
    host = CONFIG["MLFLOW_TRACKING_URI"].removeprefix("http://")
    name, port = host.split(":")
    service = _named("Service", name)["spec"]
    assert [one["port"] for one in service["ports"]] == [int(port)]
    allowed = {one["name"]: one["value"] for one in CONTAINERS["mlflow"]["env"]}["MLFLOW_SERVER_ALLOWED_HOSTS"]
    assert allowed == host


def test_a_service_reaches_its_pods_and_a_rule_names_who_may() -> None:
    labels = {
        _named(kind, name)["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]
        for kind, name in (("Deployment", "forecaster"), ("Deployment", "mlflow"), ("StatefulSet", "postgres"))
    }
    reached = {one["spec"]["selector"]["app.kubernetes.io/name"] for one in MANIFESTS if one["kind"] == "Service"}
    assert reached == labels
    rules = {one["metadata"]["name"]: one["spec"]["ingress"] for one in MANIFESTS if one["kind"] == "NetworkPolicy"}
    assert set(rules) == {"mlflow", "postgres"}
    ((who,),) = ([peer["podSelector"] for peer in one["from"]] for one in rules["mlflow"])
    assert who["matchExpressions"][0]["values"] == ["forecaster", "retrain"]
    ((who,),) = ([peer["podSelector"] for peer in one["from"]] for one in rules["postgres"])
    assert who["matchLabels"] == {"app.kubernetes.io/name": "mlflow"}


def test_images_are_named_once_and_never_the_latest() -> None:
    images = sorted(one["image"] for one in CONTAINERS.values())
    assert all(before != after for before, after in pairwise(images))
    assert all(not one.endswith(":latest") and ":" in one for one in images)
    assert CONTAINERS["postgres"]["image"] == compose()["services"]["postgres"]["image"]
