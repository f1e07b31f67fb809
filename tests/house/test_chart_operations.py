"""The chart's operations: how pods end, where they run, whom they reach, who looks at them."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from tests.house.chart import EVERYTHING, GIVEN, PARTS, merged, pod_of, rendered
from tests.house.tree import read

from packmule import settings
from packmule.cli import COMMANDS
from packmule.outbound.addresses import GLOBAL_UNICAST, NOT_PUBLIC_IPV4, NOT_PUBLIC_IPV6

DEFAULTS = settings.read({})


@pytest.mark.parametrize(
    ("set_to", "api", "worker"),
    [
        ({}, 55, 45),
        ({"DRAIN_TIMEOUT": "2 min"}, 145, 135),
        ({"DRAIN_TIMEOUT": "90", "DRAIN_DELAY": "0 s"}, 105, 105),
        ({"DRAIN_TIMEOUT": "1.5h"}, 5425, 5415),
    ],
)
def test_pods_have_longer_to_end_than_they_drain(
    set_to: dict[str, str], api: int, worker: int
) -> None:
    made = rendered(merged(GIVEN, {"settings": set_to}))
    grace = {p: pod_of(made, p)["spec"]["terminationGracePeriodSeconds"] for p in PARTS}
    assert grace == {"api": api, "worker": worker}
    given = settings.read(made["ConfigMap", "pm-settings"]["data"])
    assert worker > given.drain_timeout
    assert api > given.drain_timeout + given.drain_delay


def test_a_limit_of_the_scratch_is_taken_just_above_its_bound() -> None:
    above = f"{DEFAULTS.max_scratch_bytes + 1}"
    made = rendered(merged(GIVEN, {"worker": {"scratch": {"sizeLimit": above}}}))
    [data] = pod_of(made, "worker")["spec"]["volumes"]
    assert str(data["emptyDir"]["sizeLimit"]) == above


def test_pods_of_a_part_are_spread_over_zones_and_nodes() -> None:
    made = rendered(EVERYTHING)
    for part in PARTS:
        pod = pod_of(made, part)
        spread = pod["spec"]["topologySpreadConstraints"]
        keys = [each["topologyKey"] for each in spread]
        assert keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
        for each in spread:
            assert each["labelSelector"]["matchLabels"] == pod["metadata"]["labels"]
        assert pod["metadata"]["annotations"]["team"] == "packing"
    assert "nodeAffinity" in pod_of(made, "api")["spec"]["affinity"]
    assert "affinity" not in pod_of(made, "worker")["spec"]


def test_the_database_is_migrated_before_any_pod_is_made_anew() -> None:
    for secret, values in (("pm-migrate", GIVEN), ("mine", {"existingSecret": "mine"})):
        made = rendered(values)
        job = made["Job", "pm-migrate"]
        hook = "pre-install,pre-upgrade"
        assert job["metadata"]["annotations"]["helm.sh/hook"] == hook
        [container] = job["spec"]["template"]["spec"]["containers"]
        assert container["args"] == ["migrate"]
        assert "migrate" in COMMANDS
        [variable] = container["env"]
        assert variable["name"] == "PACKMULE_DATABASE_URL"
        assert variable["valueFrom"]["secretKeyRef"]["name"] == secret
        if values is GIVEN:
            own = made["Secret", secret]
            assert own["metadata"]["annotations"]["helm.sh/hook"] == hook
            assert own["metadata"]["annotations"]["helm.sh/hook-weight"] == "-1"
            assert list(own["stringData"]) == ["PACKMULE_DATABASE_URL"]
    made = rendered(merged(GIVEN, {"migration": {"enabled": False}}))
    assert ("Job", "pm-migrate") not in made
    assert ("Secret", "pm-migrate") not in made


def test_an_account_is_made_or_named_and_else_there_is_none() -> None:
    for values, name in (
        (GIVEN, None),
        (EVERYTHING, "pm"),
        (merged(GIVEN, {"serviceAccount": {"name": "mine"}}), "mine"),
    ):
        made = rendered(values)
        for part in PARTS:
            spec = pod_of(made, part)["spec"]
            assert spec.get("serviceAccountName") == name
            assert spec["automountServiceAccountToken"] is (name is not None)
        made_here = [n for kind, n in made if kind == "ServiceAccount"]
        assert made_here == (["pm"] if values is EVERYTHING else [])
    account = rendered(EVERYTHING)["ServiceAccount", "pm"]
    assert account["metadata"]["annotations"] == {"role": "archives"}


def egress(made: dict[Any, Any], part: str) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = made["NetworkPolicy", f"pm-{part}"]["spec"]["egress"]
    return rules


def blocks(rules: list[dict[str, Any]]) -> set[str]:
    return {peer["ipBlock"]["cidr"] for rule in rules for peer in rule["to"] if "ipBlock" in peer}


def test_the_internet_is_reached_as_far_as_the_program_takes_it_for_public() -> None:
    rules = egress(rendered(EVERYTHING), "worker")
    excepted = {
        peer["ipBlock"]["cidr"]: {ip_network(each) for each in peer["ipBlock"]["except"]}
        for rule in rules
        for peer in rule["to"]
        if "except" in peer.get("ipBlock", {})
    }
    assert excepted == {
        "0.0.0.0/0": set(NOT_PUBLIC_IPV4),
        str(GLOBAL_UNICAST): set(NOT_PUBLIC_IPV6),
    }


def test_only_workers_reach_the_internet_and_both_reach_database_and_bucket() -> None:
    made = rendered(EVERYTHING)
    inside = {"10.2.0.7/32", "10.2.0.8/32", "10.2.0.9/32"}
    assert blocks(egress(made, "api")) == inside
    opened = {"10.1.0.0/16", "fd00::1/128"}
    assert blocks(egress(made, "worker")) == inside | opened | {"0.0.0.0/0", "2000::/3"}
    for part in PARTS:
        policy = made["NetworkPolicy", f"pm-{part}"]["spec"]
        assert policy["podSelector"]["matchLabels"] == pod_of(made, part)["metadata"]["labels"]
        [way_in] = policy["ingress"]
        [container] = pod_of(made, part)["spec"]["containers"]
        assert way_in["ports"][0]["port"] in {port["name"] for port in container["ports"]}
        assert way_in["from"]


def test_the_migration_reaches_its_database_and_nothing_else_before_the_release_is_there() -> None:
    made = rendered(EVERYTHING)
    policy = made["NetworkPolicy", "pm-migrate"]
    job = made["Job", "pm-migrate"]
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert policy["spec"]["podSelector"]["matchLabels"] == labels
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policy["spec"]
    assert blocks(egress(made, "migrate")) == {"10.2.0.7/32"}
    ports = {port["port"] for rule in egress(made, "migrate") for port in rule["ports"]}
    assert ports == {53, 5432}
    hooks = policy["metadata"]["annotations"]
    assert hooks["helm.sh/hook"] == job["metadata"]["annotations"]["helm.sh/hook"]
    assert int(hooks["helm.sh/hook-weight"]) < 0
    for values in ({"networkPolicy": {"enabled": False}}, {"migration": {"enabled": False}}):
        made = rendered(merged(EVERYTHING, values))
        assert ("NetworkPolicy", "pm-migrate") not in made


def test_a_bucket_on_the_internet_is_reached_by_the_api_on_its_port_alone() -> None:
    made = rendered(merged(EVERYTHING, {"networkPolicy": {"bucket": {"to": [], "port": 443}}}))
    [rule] = [r for r in egress(made, "api") if "0.0.0.0/0" in blocks([r])]
    assert rule["ports"] == [{"port": 443}]


def test_prometheus_finds_both_parts_and_tells_this_release_from_others() -> None:
    made = rendered(EVERYTHING)
    monitor = made["ServiceMonitor", "pm"]
    assert monitor["metadata"]["labels"]["release"] == "stack"
    assert monitor["spec"]["targetLabels"] == ["app.kubernetes.io/instance"]
    wanted = monitor["spec"]["selector"]["matchLabels"]
    ports = set()
    for part in PARTS:
        service = made["Service", f"pm-{part}"]
        assert wanted.items() <= service["metadata"]["labels"].items()
        assert service["spec"]["selector"] == pod_of(made, part)["metadata"]["labels"]
        ports |= {port["name"] for port in service["spec"]["ports"]}
    assert {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} == ports
    token = monitor["spec"]["endpoints"][0]["authorization"]["credentials"]
    assert token == {"name": "pm-secret", "key": "PACKMULE_METRICS_TOKEN"}


def test_the_alerts_are_those_of_the_docs_for_this_release() -> None:
    assert read("deploy/helm/packmule/files/alerts.yml") == read("docs/grafana/alerts.yml")
    ours = 'app_kubernetes_io_instance="pm",namespace="packing"'
    [group] = rendered(EVERYTHING)["PrometheusRule", "pm"]["spec"]["groups"]
    [of_docs] = yaml.safe_load(read("docs/grafana/alerts.yml"))["groups"]
    assert len(group["rules"]) == len(of_docs["rules"])
    for rule, in_docs in zip(group["rules"], of_docs["rules"], strict=True):
        names = re.findall(r"\b(?:packmule|process)_[a-z_]+(?![a-z_]*=)", rule["expr"])
        assert rule["expr"].count(f"{{{ours}") == len(names)
        stripped = rule["expr"].replace(f"{{{ours},", "{").replace(f"{{{ours}}}", "")
        assert stripped == in_docs["expr"]
        assert {**rule, "expr": stripped} == in_docs


def test_series_may_be_told_apart_by_other_labels() -> None:
    values = merged(EVERYTHING, {"metrics": {"selector": 'cluster="a"'}})
    made = rendered(values)
    [group] = made["PrometheusRule", "pm"]["spec"]["groups"]
    assert 'absent(packmule_build_info{cluster="a",process="api"})' in group["rules"][0]["expr"]
    [trigger] = made["ScaledObject", "pm-worker"]["spec"]["triggers"]
    assert trigger["metadata"]["query"] == 'max(packmule_queue_age_seconds{cluster="a"})'
