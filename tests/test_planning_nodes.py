"""What planning has that is heavy is spread over the nodes of a cluster, and gives the same plan as on one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines import build
from pipelines.layout import Layout
from tests.copies import COPIES
from tests.photographs import FACES, NO_FACES, photograph

TWO_NODES = """
import json, sys
from collections import Counter
import pipelines.spread
from pipelines import build, catalog
from pipelines.curate import gathered, search_jobs
from ray.cluster_utils import Cluster

catalog.ROWS_PER_GROUP = gathered.ROWS = search_jobs.PAIRS_PER_JOB = 1
search_jobs.HASHES_PER_SHARE, search_jobs.HASHES_PER_JOB = 64, 256
jobs, runner = Counter(), pipelines.spread.runner

def counting(workers, memory):
    def run(work, given):
        jobs[work.__name__] = max(jobs[work.__name__], len(given))
        return runner(workers, memory)(work, given)
    return run

pipelines.spread.runner = counting
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 80 * 2**20})
cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
build(sys.argv[1], sys.argv[2], workers=2, address=cluster.address)
cluster.shutdown()
print(json.dumps(jobs))
"""
"""Jobs so small that twenty pictures make many."""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Photographs in one folder, copies of them in another."""
    for number, where in enumerate([*FACES, *NO_FACES][:10]):
        for folder, picture in (("one", photograph(where)), ("two", COPIES["cropped 5 %, corner"](photograph(where)))):
            path = tmp_path / folder / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.ascontiguousarray(picture)).resize((200, 160)).save(path)
    text = (
        "name: nodes\nimage: {size: 64}\ndamage: [{kind: box}]\ncurate: {min_side: 64, duplicates: {}}\n"
        f"sources: [{{type: folder, path: {tmp_path}/one}}, {{type: folder, path: {tmp_path}/two}}]\n"
    )
    (tmp_path / "nodes.yaml").write_text(text)
    return tmp_path / "nodes.yaml"


def test_two_nodes_make_the_same_plan_as_one(ray_here: None, recipe: Path, tmp_path: Path) -> None:
    build(recipe, tmp_path / "here")
    # A process of its own, because a process talks to one Ray cluster only.
    script = [sys.executable, "-c", TWO_NODES, str(recipe), str(tmp_path / "nodes")]
    done = subprocess.run(script, check=True, timeout=200, capture_output=True, text=True)
    spread = json.loads(done.stdout.splitlines()[-1])
    assert min(spread[work] for work in ("gather_parts", "find_near", "find_alike")) > 1
    one, two = Layout(tmp_path / "here"), Layout(tmp_path / "nodes")
    assert one.curated.read_bytes() == two.curated.read_bytes()
    assert one.plan.read_bytes() == two.plan.read_bytes()
    assert not two.gathered.exists()
