"""The Helm chart, rendered by Helm's own engine, and values that ask for all that it can make."""

from __future__ import annotations

from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from tests.house.tree import ROOT

helm = pytest.importorskip("helm_python", reason="Helm's engine has no wheel for this machine")

CHART = ROOT / "deploy/helm/packmule"
PARTS = ("api", "worker")
GIVEN: dict[str, Any] = {
    "existingSecret": "",
    "secret": {"PACKMULE_DATABASE_URL": "postgresql://d/p"},
}
EVERYTHING: dict[str, Any] = {
    **GIVEN,
    "image": {"digest": f"sha256:{'0f' * 32}"},
    "imagePullSecrets": [{"name": "registry"}],
    "serviceAccount": {"create": True, "annotations": {"role": "archives"}},
    "podAnnotations": {"team": "packing"},
    "settings": {
        "PUBLIC_URL": "https://packmule.example.org",
        "ALLOW_NETWORKS": "10.1.0.0/16, fd00::1",
    },
    "api": {
        "autoscaling": {"enabled": True},
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    },
    "worker": {"autoscaling": {"enabled": True}, "scratch": {"existingClaim": "scratch"}},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "tlsSecret": "certificate",
        "annotations": {"a": "b"},
    },
    "metrics": {
        "serviceMonitor": {
            "enabled": True,
            "labels": {"release": "stack"},
            "tokenFromSecret": True,
        },
        "prometheusRule": {"enabled": True},
    },
    "networkPolicy": {
        "enabled": True,
        "database": {"to": [{"ipBlock": {"cidr": "10.2.0.7/32"}}]},
        "bucket": {"to": [{"ipBlock": {"cidr": "10.2.0.8/32"}}], "port": 9000},
        "clients": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}],
        "monitoring": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
        "extraEgress": [{"to": [{"ipBlock": {"cidr": "10.2.0.9/32"}}]}],
    },
    "nodeSelector": {"disk": "nvme"},
    "tolerations": [{"key": "packing", "operator": "Exists"}],
}
# Not Kubernetes' own, so no schema of its knows them.
FOREIGN = frozenset({"ScaledObject", "ServiceMonitor", "PrometheusRule"})

Made = dict[tuple[str, str], dict[str, Any]]


def merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Merge values as Helm does: maps by their keys, all else as a whole."""
    found = dict(first)
    for key, value in second.items():
        both = isinstance(value, dict) and isinstance(first.get(key), dict)
        found[key] = merged(first[key], value) if both else value
    return found


def rendered(values: dict[str, Any], name: str = "pm") -> Made:
    """Render the chart as a release in the namespace `packing`; give what it makes."""
    with helm.Chart.load(str(CHART)) as chart:
        texts = chart.render(values, name=name, namespace="packing")
    documents = [
        document
        for file, text in texts.items()
        if not file.endswith("NOTES.txt")
        for document in yaml.safe_load_all(text)
        if document
    ]
    found = {(each["kind"], each["metadata"]["name"]): each for each in documents}
    assert len(found) == len(documents)
    return found


def pod_of(made: Made, part: str) -> dict[str, Any]:
    """Give the pods' template of a part."""
    template: dict[str, Any] = made["Deployment", f"pm-{part}"]["spec"]["template"]
    return template
