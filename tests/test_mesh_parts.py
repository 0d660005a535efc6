"""Parts drawn from a mesh lie where the face has them, and a sample says that nobody labelled them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from photographs import ASTRONAUT, STUDIO, photograph

from pipelines import build, verify
from pipelines.classes import SCHEMES
from pipelines.errors import RecipeError
from pipelines.guides import Guides
from pipelines.imaging.encode import decode_png
from pipelines.layout import Layout
from pipelines.mesh_parts import OUTLINES, draw_parts, drawn
from pipelines.recipe import parse
from pipelines.shards.read import iterate, metadata_of

pytest.importorskip("ai_edge_litert")

from pipelines.engines import Faces, open_engine
from pipelines.engines.stored import to_json

NUMBERS = {name: number for number, name in SCHEMES["mesh-parts"].names.items()}
SAME = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@pytest.fixture(scope="module")
def faces() -> dict[tuple[str, str], str]:
    """JSON of the faces of two photographs of 512 x 512."""
    with open_engine(Faces(engine="offline")) as engine:
        return {where: to_json(engine.find([photograph(where)])[0], "t") for where in (ASTRONAUT, STUDIO[0])}


def test_numbers_are_those_of_lapa() -> None:
    lapa = SCHEMES["lapa-11"].names
    assert SCHEMES["mesh-parts"].names == {number: lapa[number] for number in range(10)}
    assert set(OUTLINES) == set(NUMBERS) - {"background"}


@pytest.mark.parametrize("where", [ASTRONAUT, STUDIO[0]])
def test_parts_lie_around_the_five_points(faces: dict[tuple[str, str], str], where: tuple[str, str]) -> None:
    labels = drawn(faces[where], SAME, 512)
    centres = {part: np.argwhere(labels == NUMBERS[part]).mean(axis=0)[::-1] for part in OUTLINES}
    (face,) = json.loads(faces[where])
    left, right, nose, corner, other = np.array(face["five"])
    apart = np.hypot(*(right - left))
    assert np.hypot(*(centres["left eye"] - left)) < 0.06 * apart
    assert np.hypot(*(centres["right eye"] - right)) < 0.06 * apart
    assert np.hypot(*(centres["nose"] - nose)) < 0.4 * apart
    assert corner[0] < centres["inner mouth"][0] < other[0]
    assert centres["left eyebrow"][1] < left[1] and centres["upper lip"][1] < centres["lower lip"][1]


def test_outlines_are_symmetric() -> None:
    """On a mesh and its mirror image, with sides exchanged, the same parts are drawn."""
    with open_engine(Faces(engine="offline")) as engine:
        (face,) = engine.find([photograph(STUDIO[0])])[0]
    labels = np.zeros((512, 512), np.uint8)
    draw_parts(labels, np.asarray(face.points, float))
    areas = {part: int((labels == NUMBERS[part]).sum()) for part in OUTLINES}
    for part in ("eye", "eyebrow"):
        assert 0.8 < areas[f"left {part}"] / areas[f"right {part}"] < 1.25
    nose = np.argwhere(labels == NUMBERS["nose"])[:, 1]
    tip = float(face.five[2, 0])
    assert 0.8 < (nose < tip).sum() / (nose > tip).sum() < 1.25


def test_a_small_face_does_not_cover_a_large_one(faces: dict[tuple[str, str], str]) -> None:
    (large,) = json.loads(faces[ASTRONAUT])
    points = np.array(large["points"])
    small = large | {"points": ((points - points.mean(axis=0)) / 4 + points.mean(axis=0)).tolist()}
    assert np.array_equal(drawn(json.dumps([large, small]), SAME, 512), drawn(json.dumps([small, large]), SAME, 512))
    assert np.array_equal(drawn(json.dumps([large, small]), SAME, 512), drawn(json.dumps([large]), SAME, 512))


def test_which_parsing_counts() -> None:
    corpus = '{"parsing": {"scheme": "lapa-11"}}'
    mesh = json.dumps([{"scheme": "mediapipe-468", "points": [[0, 0]] * 468}])
    told = {
        asked: [
            Guides(parsing=asked).scheme_of("parsing", *case) for case in ((corpus, mesh), ("{}", mesh), ("{}", "[]"))
        ]
        for asked in (True, "corpus", "mesh")
    }
    assert told == {
        True: ["lapa-11", "mesh-parts", ""],
        "corpus": ["lapa-11", "", ""],
        "mesh": ["mesh-parts", "mesh-parts", ""],
    }


def test_a_mesh_needs_an_engine_that_has_one(tmp_path: Path) -> None:
    text = "name: a\nsources: [{type: folder, path: .}]\nguides: {parsing: mesh}\n"
    with pytest.raises(RecipeError, match="parsing: mesh draws the mesh that the offline engine finds"):
        parse(text, "r", tmp_path)
    assert parse(text + "curate: {faces: {}}", "r", tmp_path).guides.parsing == "mesh"


def test_a_build_says_that_it_was_drawn(ray_here: None, tmp_path: Path) -> None:
    from photographs import file_of

    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(file_of(*ASTRONAUT).read_bytes())
    (tmp_path / "photos" / "b.png").write_bytes(file_of("scikit-image", "skimage/data/coffee.png").read_bytes())
    (tmp_path / "r.yaml").write_text(
        "name: drawn\nsources: [{type: folder, path: photos}]\nimage: {size: 128, fit: face}\n"
        "curate: {faces: {}}\nguides: {parsing: true}\nsplits: {train: 1.0}\n"
    )
    out = tmp_path / "out"
    assert build(tmp_path / "r.yaml", out)["audit"]["dropped"] == {"no_face": 1} and verify(out) == []
    ((_, members),) = [sample for shard in Layout(out).shards.glob("*.tar") for sample in iterate(shard)]
    assert json.loads(metadata_of(members)["guides"]) == {"parsing": "mesh-parts"}
    assert set(np.unique(decode_png(members["parsing.png"]))) == set(range(10))
