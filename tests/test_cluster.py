"""The cluster file is one that Ray's launcher takes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import ray
import yaml

ROOT = Path(__file__).parent.parent


@pytest.fixture
def cluster() -> dict:
    return yaml.safe_load((ROOT / "ray_cluster.yaml").read_text())


def test_satisfies_the_schema_of_ray(cluster: dict) -> None:
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    jsonschema.validate(cluster, schema)


def test_head_node_type_exists(cluster: dict) -> None:
    assert cluster["head_node_type"] in cluster["available_node_types"]


def test_no_node_reports_usage(cluster: dict) -> None:
    starts = [
        line
        for key in ("head_start_ray_commands", "worker_start_ray_commands")
        for line in cluster[key]
        if "ray start" in line
    ]
    assert len(starts) == 2 and all("--disable-usage-stats" in line for line in starts)
