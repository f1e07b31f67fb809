"""compose.fleet.yaml and what it mounts agree with each other, and with the program."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from tests.house.tree import ROOT, read

from packmule import settings
from packmule.cli import COMMANDS

FILE = "compose.fleet.yaml"
OURS = ("api", "worker")


def composed() -> dict[str, Any]:
    """Read the file as compose does: with its defaults, where the shell sets nothing."""
    text = re.sub(r"\$\{[A-Z0-9_]+:-([^}]*)\}", r"\1", read(FILE))
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = composed()["services"]
    return found


@pytest.mark.needs("docker-compose")
def test_compose_understands_the_file() -> None:
    command = ["docker-compose", "-f", FILE, "config", "--quiet"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("service", OURS)
def test_our_processes_get_settings_that_the_program_takes(service: str) -> None:
    given = services()[service]
    [command] = given["command"]
    assert command in COMMANDS
    read_as = settings.read(given["environment"])
    assert read_as.database_url.startswith("postgresql://")
    assert read_as.storage_url == "s3://archives"


def test_images_of_others_are_pinned_by_their_tags() -> None:
    images = {name: each["image"] for name, each in services().items() if name not in OURS}
    assert len(images) == 5
    assert [i for i in images.values() if not re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", i)] == []


def test_passwords_and_keys_agree_between_those_who_share_them() -> None:
    ours = services()["worker"]["environment"]
    s3, database = services()["s3"]["environment"], services()["database"]["environment"]
    assert s3["ROOT_ACCESS_KEY"] == ours["AWS_ACCESS_KEY_ID"]
    assert s3["ROOT_SECRET_KEY"] == ours["AWS_SECRET_ACCESS_KEY"]
    user, password = database["POSTGRES_USER"], database["POSTGRES_PASSWORD"]
    url = f"postgresql://{user}:{password}@database/{database['POSTGRES_DB']}"
    assert ours["PACKMULE_DATABASE_URL"] == url


def test_the_bucket_that_is_asked_for_is_there() -> None:
    bucket = services()["worker"]["environment"]["PACKMULE_STORAGE_URL"].removeprefix("s3://")
    s3 = services()["s3"]
    folder = s3["command"][-1]
    assert [mount.partition(":")[2] for mount in s3["volumes"]] == [f"{folder}/{bucket}"]


def test_what_is_mounted_is_there() -> None:
    named = composed()["volumes"]
    for each in services().values():
        for mount in each.get("volumes", ()):
            source = mount.partition(":")[0]
            assert (ROOT / source).is_file() if source.startswith("./") else source in named


def test_prometheus_asks_every_api_and_every_worker() -> None:
    [job] = yaml.safe_load(read("deploy/compose/prometheus.yml"))["scrape_configs"]
    asked = {name: each["port"] for each in job["dns_sd_configs"] for name in each["names"]}
    environments = {name: settings.read(services()[name]["environment"]) for name in OURS}
    assert asked == {
        "api": environments["api"].port,
        "worker": environments["worker"].worker_metrics_port,
    }


def test_nginx_hands_on_to_the_api_and_is_believed() -> None:
    port = settings.read(services()["api"]["environment"]).port
    assert f"server api:{port} resolve;" in read("deploy/compose/nginx.conf")
    [network] = composed()["networks"]["default"]["ipam"]["config"]
    trusted = services()["api"]["environment"]["PACKMULE_TRUSTED_PROXIES"]
    assert trusted == network["subnet"]


def test_grafana_shows_what_prometheus_has() -> None:
    [source] = yaml.safe_load(read("deploy/compose/datasource.yml"))["datasources"]
    assert source["url"] == "http://prometheus:9090"
    [provider] = yaml.safe_load(read("deploy/compose/dashboards.yml"))["providers"]
    mounts = [mount.split(":")[1] for mount in services()["grafana"]["volumes"]]
    assert f"{provider['options']['path']}/packmule.json" in mounts
