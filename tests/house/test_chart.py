"""The Helm chart: what comes out of it is Kubernetes', and ours."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from tests.fakes.documents import the_block, typed
from tests.house.chart import (
    CHART,
    EVERYTHING,
    FOREIGN,
    GIVEN,
    PARTS,
    Made,
    helm,
    merged,
    pod_of,
    rendered,
)
from tests.house.tree import ROOT, read

import packmule
from packmule import settings
from packmule.cli import COMMANDS
from packmule.telemetry.metrics import ALL

if TYPE_CHECKING:
    from pathlib import Path

kubernetes_validate = pytest.importorskip("kubernetes_validate")

# Of what `helm lint` says: that an icon is recommended.
INFO = 1
# What the chart says itself, so that its probes and ports are right.
SET_BY_THE_CHART = {"HOST", "PORT", "DATA_DIR", "WORKER_METRICS_PORT"}


def environment(made: Made, part: str) -> dict[str, str]:
    """Give the variables of a part's process, beside those of the image."""
    [container] = pod_of(made, part)["spec"]["containers"]
    found = {"PACKMULE_HOST": "0.0.0.0", "PACKMULE_DATA_DIR": "/data"}
    for source in container["envFrom"]:
        match source:
            case {"configMapRef": {"name": name}}:
                found |= made["ConfigMap", name]["data"]
            case {"secretRef": {"name": name}}:
                found |= made["Secret", name]["stringData"]
    return found | {each["name"]: each["value"] for each in container.get("env", ())}


@pytest.mark.parametrize("values", [GIVEN, EVERYTHING], ids=["little", "everything"])
def test_kubernetes_knows_all_that_is_made(values: dict[str, Any]) -> None:
    made = rendered(values)
    for (kind, _), document in made.items():
        if kind not in FOREIGN:
            kubernetes_validate.validate(document, "1.34", strict=True)
    kinds = {kind for kind, _ in made}
    assert {"Deployment", "Service", "ConfigMap", "Secret", "PodDisruptionBudget"} <= kinds
    more = {"Ingress", "HorizontalPodAutoscaler", "NetworkPolicy", "ServiceAccount", *FOREIGN}
    assert more & kinds == (more if values is EVERYTHING else set())


def test_helm_finds_nothing_to_complain_of() -> None:
    said = helm.lint(str(CHART), GIVEN)
    assert said["errors"] == []
    assert [each for each in said["messages"] if each["severity"] > INFO] == []


@pytest.mark.parametrize("part", PARTS)
def test_a_process_gets_settings_that_it_takes_and_a_command_that_there_is(part: str) -> None:
    made = rendered(GIVEN)
    found = settings.read(environment(made, part))
    assert found.database_url == "postgresql://d/p"
    pod = pod_of(made, part)
    [container] = pod["spec"]["containers"]
    assert container["args"] == [part]
    assert part in COMMANDS
    [port] = container["ports"]
    listens = found.port if part == "api" else found.worker_metrics_port
    assert port["containerPort"] == listens
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == str(listens)
    assert pod["spec"]["terminationGracePeriodSeconds"] > found.drain_timeout


@pytest.mark.parametrize("part", PARTS)
def test_a_pod_may_do_nothing_but_its_work(part: str) -> None:
    spec = pod_of(rendered(GIVEN), part)["spec"]
    [container] = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/data"]


def test_the_apis_probes_ask_what_the_api_answers() -> None:
    [container] = pod_of(rendered(GIVEN), "api")["spec"]["containers"]
    probes = {name: container[name]["httpGet"] for name in container if name.endswith("Probe")}
    asked = {name: probe["path"] for name, probe in probes.items()}
    assert asked == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert {probe["port"] for probe in probes.values()} == {"http"}


def test_the_image_is_of_this_version_where_no_tag_is_given() -> None:
    given = {**GIVEN, "image": {"repository": "registry.internal/packmule"}}
    digest = f"sha256:{'0f' * 32}"
    pinned = merged(given, {"image": {"tag": "1.0.0", "digest": digest}})
    for values, end in ((given, f":{packmule.__version__}"), (pinned, f"@{digest}")):
        made = rendered(values)
        pods = [pod_of(made, part) for part in PARTS]
        for pod in (*pods, made["Job", "pm-migrate"]["spec"]["template"]):
            [container] = pod["spec"]["containers"]
            assert container["image"] == f"registry.internal/packmule{end}"


def test_services_and_budgets_find_the_pods_of_their_part() -> None:
    made = rendered(GIVEN)
    for part in PARTS:
        labels = pod_of(made, part)["metadata"]["labels"]
        budget = made["PodDisruptionBudget", f"pm-{part}"]["spec"]["selector"]["matchLabels"]
        deployment = made["Deployment", f"pm-{part}"]["spec"]["selector"]["matchLabels"]
        assert labels == budget == deployment
        assert labels["app.kubernetes.io/component"] == part
    selector = made["Service", "pm-api"]["spec"]["selector"]
    assert selector == pod_of(made, "api")["metadata"]["labels"]


def test_workers_are_counted_by_a_metric_that_is_told() -> None:
    made = rendered(EVERYTHING)
    scaled = made["ScaledObject", "pm-worker"]["spec"]
    assert ("Deployment", scaled["scaleTargetRef"]["name"]) in made
    assert "replicas" not in made["Deployment", "pm-worker"]["spec"]
    [trigger] = scaled["triggers"]
    query = trigger["metadata"]["query"]
    [name] = re.findall(r"packmule_\w+", query)
    assert name in {metric.name for metric in ALL}
    # Of another release beside this one, no metric counts.
    assert '{app_kubernetes_io_instance="pm",namespace="packing"}' in query


def test_an_existing_secret_is_taken_and_none_made() -> None:
    made = rendered({"existingSecret": "mine"})
    assert "Secret" not in {kind for kind, _ in made}
    for part in PARTS:
        [container] = pod_of(made, part)["spec"]["containers"]
        assert {"secretRef": {"name": "mine"}} in container["envFrom"]


def test_the_schema_knows_every_setting_and_which_are_secret() -> None:
    schema = json.loads(read("deploy/helm/packmule/values.schema.json"))["properties"]
    names = {row.name for row in settings.TABLE if not row.secret}
    allowed = set(schema["settings"]["propertyNames"]["enum"])
    assert {f"PACKMULE_{n}" for n in allowed | SET_BY_THE_CHART} == names
    assert not allowed & SET_BY_THE_CHART
    secrets = {row.name for row in settings.TABLE if row.secret}
    assert {
        n for n in schema["secret"]["propertyNames"]["enum"] if n.startswith("PACKMULE")
    } == secrets


def test_what_the_document_tells_to_type_installs_what_the_chart_makes(tmp_path: Path) -> None:
    """Type docs/kubernetes.md; stand-ins for kubectl and helm note what they are told."""
    told = tmp_path / "told"
    for program in ("kubectl", "helm"):
        file = tmp_path / program
        file.write_text(f'#!/bin/sh\nprintf "%s\\n" {program} "$@" >> {told}\n')
        file.chmod(0o755)
    block = the_block("docs/kubernetes.md", "kubectl create secret")
    code, said = typed(block, ROOT, {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert code == 0, said
    kubectl, installed = told.read_text().removeprefix("kubectl\n").split("\nhelm\n")
    assert kubectl.splitlines()[:4] == ["create", "secret", "generic", "packmule"]
    literals = re.findall(r"^--from-literal=([A-Z_]+)=", kubectl, re.MULTILINE)
    install, release, chart, *options = installed.splitlines()
    assert (install, release, (ROOT / chart).resolve()) == ("install", "packmule", CHART)
    assert set(options[::2]) == {"--set"}
    values: dict[str, Any] = helm.parse_set_string(",".join(options[1::2]))
    made = rendered(values)
    assert ("Ingress", "pm-api") in made
    [container] = pod_of(made, "worker")["spec"]["containers"]
    assert {"secretRef": {"name": "packmule"}} in container["envFrom"]
    secret = dict.fromkeys(literals, "postgresql://d/p")
    found = settings.read(made["ConfigMap", "pm-settings"]["data"] | secret)
    assert found.database_url == "postgresql://d/p"
    assert found.storage_url.startswith("s3://")


def test_what_the_document_waits_for_after_the_installation_is_in_the_chart() -> None:
    block = the_block("docs/kubernetes.md", "kubectl rollout")
    made = rendered(GIVEN)
    named = re.findall(r"(deployment|service)/packmule-(\w+)", block)
    assert [(kind.title(), part) for kind, part in named] == [
        ("Deployment", "api"),
        ("Deployment", "worker"),
        ("Service", "api"),
    ]
    for kind, part in named:
        assert (kind.title(), f"pm-{part}") in made
    [port] = re.findall(r"8000:(\d+)", block)
    assert [each["port"] for each in made["Service", "pm-api"]["spec"]["ports"]] == [int(port)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"settings": {"MAX_URL": "1"}}, "MAX_URL"),
        ({"settings": {"DATABASE_URL": "postgresql://d/p"}}, "DATABASE_URL"),
        ({"settings": {"MAX_URLS": 1_000_000}}, "MAX_URLS"),
        ({"settings": {"PORT": "80"}}, "PORT"),
        ({"settings": {"STORAGE_URL": ""}}, "STORAGE_URL"),
        ({"settings": {"PUBLIC_URL": "zip.example.org"}}, "PUBLIC_URL"),
        ({"settings": {"DRAIN_TIMEOUT": "soon"}}, "DRAIN_TIMEOUT"),
        ({"replicas": 3}, "replicas"),
        ({"secret": {"PACKMULE_DATABASE_URL": ""}}, "PACKMULE_DATABASE_URL"),
        ({"secret": {"PACKMULE_DATABASE_URL": "sqlite:///f"}}, "PACKMULE_DATABASE_URL"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"image": {"repository": "p@sha256:1"}}, "repository"),
        ({"worker": {"disruptionBudget": {"minAvailable": 1}}}, "disruptionBudget"),
        ({"worker": {"scratch": {"sizeLimit": "plenty"}}}, "sizeLimit"),
        ({"worker": {"scratch": {"sizeLimit": "2G"}}}, "MAX_SCRATCH_BYTES"),
        (
            {
                "worker": {"scratch": {"sizeLimit": "1Gi"}},
                "settings": {"MAX_SCRATCH_BYTES": "1.1 GB"},
            },
            "MAX_SCRATCH_BYTES",
        ),
        ({"worker": {"terminationGracePeriodSeconds": 30}}, "DRAIN_TIMEOUT"),
        ({"api": {"terminationGracePeriodSeconds": 40}}, "DRAIN_DELAY"),
        (
            {
                "settings": {"DRAIN_TIMEOUT": "2 min"},
                "worker": {"terminationGracePeriodSeconds": 120},
            },
            "worker.terminationGracePeriodSeconds is 120",
        ),
        ({"api": {"autoscaling": {"minReplicas": 11}}}, "minReplicas"),
        ({"networkPolicy": {"enabled": True}}, "database"),
        (
            {"ingress": {"enabled": True}, "settings": {"PUBLIC_URL": "https://other.example"}},
            "PUBLIC_URL",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_made(
    wrong: dict[str, Any], said: str
) -> None:
    assert rendered(GIVEN)
    with pytest.raises(helm.HelmError, match=said):
        rendered(merged(GIVEN, wrong))


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://zip.example.org", "/"),
        ("https://example.org/packmule", "/packmule"),
    ],
)
def test_the_ingress_has_the_path_of_the_public_url(url: str, path: str) -> None:
    host = {"host": urlsplit(url).hostname}
    made = rendered(merged(EVERYTHING, {"settings": {"PUBLIC_URL": url}, "ingress": host}))
    [rule] = made["Ingress", "pm-api"]["spec"]["rules"]
    assert [each["path"] for each in rule["http"]["paths"]] == [path]
