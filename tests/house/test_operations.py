"""docs/operations.md, the dashboard and the alerts name what there is, and all of it."""

from __future__ import annotations

import json
import re

import yaml  # type: ignore[import-untyped]
from tests.house.tree import read

from packmule.errors import FailureCode
from packmule.telemetry.instruments import Counter, Histogram
from packmule.telemetry.metrics import ALL
from packmule.web.problems import ProblemCode

DOCUMENT = "docs/operations.md"
DASHBOARD = "docs/grafana/packmule.json"
ALERTS = "docs/grafana/alerts.yml"

NAME = re.compile(r"\b(?:packmule|process)_[a-z_]+\b")
OF_THE_KERNEL = {
    "process_cpu_seconds_total", "process_open_fds", "process_resident_memory_bytes",
    "process_start_time_seconds",
}  # fmt: skip


def told() -> set[str]:
    """List the names under which metrics are told."""
    names = set(OF_THE_KERNEL)
    for metric in ALL:
        match metric:
            case Counter():
                names.add(f"{metric.name}_total")
            case Histogram():
                names |= {metric.name, *(f"{metric.name}_{end}" for end in ("bucket", "count"))}
            case _:
                names.add(metric.name)
    return names


def explained() -> set[str]:
    return set(re.findall(r"^\| `(packmule_[a-z_]+)`", read(DOCUMENT), re.MULTILINE))


def test_every_metric_is_explained_and_no_other() -> None:
    ours = {f"{each.name}_total" if isinstance(each, Counter) else each.name for each in ALL}
    assert explained() == ours


def test_the_dashboard_shows_metrics_that_exist() -> None:
    document = json.loads(read(DASHBOARD))
    expressions = [
        target["expr"] for panel in document["panels"] for target in panel.get("targets", ())
    ]
    assert len(expressions) > 20
    assert {name for each in expressions for name in NAME.findall(each)} <= told()
    ids = [panel["id"] for panel in document["panels"]]
    assert len(set(ids)) == len(ids)
    places = [tuple(panel["gridPos"].values()) for panel in document["panels"]]
    assert len(set(places)) == len(places)


def test_the_alerts_ask_for_metrics_that_exist_and_say_what_is_wrong() -> None:
    [group] = yaml.safe_load(read(ALERTS))["groups"]
    assert len(group["rules"]) > 5
    for rule in group["rules"]:
        names = set(NAME.findall(rule["expr"]))
        assert names
        assert names <= told(), rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].endswith(".")


def test_labels_that_are_asked_for_have_the_words_that_are_asked_for() -> None:
    known = {
        word
        for metric in ALL
        for label, words in zip(metric.labels, metric.words, strict=True)
        if words is not None and label in {"outcome", "cause", "part"}
        for word in words
    }
    for word in re.findall(r'outcome=\\?"([a-z-]+)', read(DASHBOARD) + read(ALERTS)):
        assert word in known, word


def test_every_failure_code_and_every_problem_of_the_operators_is_dealt_with() -> None:
    text = read(DOCUMENT)
    assert [code.value for code in FailureCode if f"`{code.value}`" not in text] == []
    for code in ("storage", "disk-full", "internal", "not-ready", "overloaded"):
        assert f"`{ProblemCode(code).value}`" in text
