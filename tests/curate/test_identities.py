"""Faces of one person become one group, those of two do not, and nothing but the faces decides it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from photographs import GROUP, HILL, SMILE, STUDIO, photograph

from pipelines.curate import identities
from pipelines.curate.identities import THRESHOLDS, clusters, surplus


def people(number: int, pictures: int, dimensions: int, within: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Made-up embeddings with this mean similarity within a person, and whose they are."""
    rng = np.random.default_rng(seed)

    def unit(count: int) -> np.ndarray:
        vectors = rng.normal(size=(count, dimensions))
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    who = rng.permutation(np.repeat(np.arange(number), pictures))
    vectors = np.sqrt(within) * unit(number)[who] + np.sqrt(1 - within) * unit(len(who))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), who


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    pairs = len(np.unique(np.stack([one, other]), axis=1)[0])
    return bool(pairs == len(np.unique(one)) == len(np.unique(other)))


@pytest.mark.parametrize(("dimensions", "within", "threshold"), [(128, 0.97, 0.955), (512, 0.6, 0.4)])
def test_people_are_told_apart(dimensions: int, within: float, threshold: float) -> None:
    embeddings, who = people(300, 5, dimensions, within)
    assert same_partition(clusters(embeddings, threshold), who)


def test_a_person_of_many_pictures_is_one() -> None:
    embeddings, who = people(3, 700, 64, 0.8)
    assert same_partition(clusters(embeddings, 0.6), who)


def test_few_pairs_are_missed_where_not_all_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identities, "EXACT", 500)
    embeddings, who = people(500, 6, 256, 0.6)
    found = clusters(embeddings, 0.4)
    pairs = [(found[who == person] == found[who == person][0]).mean() for person in range(500)]
    assert np.mean(pairs) > 0.97
    assert all(len(set(who[found == group])) == 1 for group in set(found.tolist()) - {-1})


def test_a_chain_of_look_alikes_is_not_one_person() -> None:
    """Forty faces of which each is 0.97 like the next, and the ends nothing alike."""
    angles = np.arange(40) * np.arccos(0.97)
    chain = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found = clusters(chain, 0.95)
    for group in set(found.tolist()) - {-1}:
        members = chain[found == group].astype(float)
        similar = members @ members.T
        assert len(members) < 8 and (similar.sum() - len(members)) / (len(members) * (len(members) - 1)) >= 0.949


def test_no_two_groups_are_left_that_belong_together() -> None:
    embeddings, _ = people(40, 6, 16, 0.7)
    found = clusters(embeddings, 0.6)
    found = np.where(found == -1, np.arange(len(found)), found)
    groups = [np.flatnonzero(found == group) for group in np.unique(found)]
    means = np.array([embeddings[group].astype(float).mean(axis=0) for group in groups])
    apart = means @ means.T - np.eye(len(groups)) * 9
    assert apart.max() < 0.6 + 1e-3


def test_order_of_faces_decides_nothing_but_names() -> None:
    embeddings, _ = people(60, 4, 32, 0.7)
    turned = np.random.default_rng(3).permutation(len(embeddings))
    there, again = clusters(embeddings, 0.6), clusters(embeddings[turned], 0.6)
    singles = -1 - np.arange(len(there))
    assert same_partition(np.where(there < 0, singles, there)[turned], np.where(again < 0, singles[turned], again))


def test_who_has_no_embedding_or_company_is_nobody() -> None:
    faces = np.eye(4, dtype=np.float32)
    faces[1] = faces[0]
    faces[3] = 0
    assert clusters(faces, 0.9).tolist() == [0, 0, -1, -1]
    assert clusters(np.empty((0, 8), np.float32), 0.9).tolist() == []


def test_surplus_counts_declared_people_and_found_ones() -> None:
    sha256 = pa.chunked_array([[f"{number:064x}" for number in range(12)]])
    declared = pa.chunked_array([["ann"] * 4 + ["bob"] * 2 + [""] * 6])
    found = np.array([-1] * 6 + [7, 7, 7, -1, -1, -1])
    beyond = surplus(sha256, declared, found, 2, seed=5)
    assert [int(beyond[part].sum()) for part in (slice(0, 4), slice(4, 6), slice(6, 9), slice(9, 12))] == [2, 0, 1, 0]
    turned = np.random.default_rng(1).permutation(12)
    again = surplus(sha256.take(pa.array(turned)), declared.take(pa.array(turned)), found[turned], 2, seed=5)
    assert (again == beyond[turned]).all()


def test_real_faces_are_grouped_by_person() -> None:
    """dlib on eleven faces of packages, each also smaller and darker: every person is one group, and no two are."""
    pytest.importorskip("dlib")
    import cv2

    from pipelines.engines import Faces, open_engine

    embeddings, who = [], []
    with open_engine(Faces(engine="offline", embeddings=True)) as engine:
        for where in (GROUP, HILL, SMILE, *STUDIO.values()):
            picture = np.ascontiguousarray(photograph(where))
            small = cv2.resize(picture, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
            for version in (picture, (small * 0.8).astype(np.uint8), np.ascontiguousarray(picture[:, ::-1])):
                faces = [face for face in engine.find([version])[0] if face.embedding is not None and face.score > 0.5]
                mirrored = version.shape == picture.shape and version is not picture
                across = [-face.box[0] if mirrored else face.box[0] for face in faces]
                for place, number in enumerate(np.argsort(across)):
                    embeddings.append(faces[number].embedding)
                    who.append(f"{where[1]} {place}")
    found = clusters(np.array(embeddings), THRESHOLDS["offline"])
    groups = {person: {int(found[at]) for at, name in enumerate(who) if name == person} for person in who}
    people = {group: {person for person in groups if group in groups[person]} for group in set(found.tolist()) - {-1}}
    assert len(groups) == 11 and all(len(names) == 1 for names in people.values())
    assert [person for person in groups if len(groups[person]) > 1] == []
