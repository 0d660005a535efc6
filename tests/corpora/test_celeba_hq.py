"""CelebA-HQ in the layouts in which it is passed on: CelebAMask-HQ, data1024x1024, StarGAN v2, celeba-1024."""

from __future__ import annotations

import json

from corpora.miniature import Miniature, lay, list_corpus, picture

ORIGINALS = (119614, 162771, 182638)
TEXTS = {
    "CelebA-HQ-to-CelebA-mapping.txt": "idx orig_idx orig_file\n"
    + "".join(f"{index}  {number - 1}  {number:06d}.jpg\n" for index, number in enumerate(ORIGINALS)),
    "list_eval_partition.txt": "".join(f"{n:06d}.jpg {s}\n" for s, n in enumerate(ORIGINALS)) + "000001.jpg 0\n",
    "identity_CelebA.txt": "".join(f"{number:06d}.jpg {number % 2}\n" for number in ORIGINALS),
    "list_attr_celeba.txt": "3\nMale Young\n" + "".join(f"{number:06d}.jpg  1 -1\n" for number in ORIGINALS),
}
BESIDE = {name: text.encode() for name, text in TEXTS.items()}


def miniature(names: list[str], splits: dict[str, int], files: tuple[str, ...], **options: int) -> Miniature:
    return Miniature(
        corpus="celeba-hq",
        files={name: picture(number) for number, name in enumerate(names)} | {name: BESIDE[name] for name in files},
        splits=splits,
        options=options,
        annotations=files,
    )


EACH = {"train": 1, "val": 1, "test": 1}
INDEXED = miniature([f"CelebA-HQ-img/{index}.jpg" for index in range(3)], EACH, tuple(TEXTS)[:3])
FROM_ONE = miniature([f"data256x256/{index:05d}.jpg" for index in (1, 2, 3)], EACH, tuple(TEXTS)[:3], side=256)
STARGAN = miniature(
    [
        "celeba_hq/train/male/119614.jpg",
        "celeba_hq/train/female/162771.jpg",
        "celeba_hq/val/male/182638.jpg",
    ],
    {"train": 2, "val": 1},
    tuple(TEXTS)[1:3],
)
BY_NUMBER = miniature([f"celeba-1024/{number}.jpg" for number in ORIGINALS], EACH, tuple(TEXTS)[1:])
MINIATURES = [INDEXED, FROM_ONE, STARGAN, BY_NUMBER]


def listed(folder, mini: Miniature):
    return list_corpus("celeba-hq", lay(folder / "c", mini.files), folder / "i", **mini.options)


def test_the_same_person_has_one_identity_in_every_numbering(tmp_path):
    persons = [[place.identity for place in listed(tmp_path / str(n), mini).good] for n, mini in enumerate(MINIATURES)]
    persons[2] = [persons[2][1], persons[2][0], persons[2][2]]  # folders by name: female comes first
    assert all(each == persons[0] for each in persons)
    assert persons[0][0] == persons[0][2] != persons[0][1]


def test_folders_that_spell_a_split_and_a_sex_are_believed(tmp_path):
    found = listed(tmp_path, STARGAN)
    assert found.named("162771.jpg").split == "train"
    assert json.loads(found.named("162771.jpg").labels) == {"sex": "female"}


def test_attributes_of_celeba_are_taken_where_they_lie_beside(tmp_path):
    assert json.loads(listed(tmp_path, BY_NUMBER).good[0].labels) == {"sex": "male", "young": False}


def test_only_the_side_that_is_asked_is_read(tmp_path):
    files = dict(FROM_ONE.files) | {"data1024x1024/00001.jpg": picture(9)}
    found = list_corpus("celeba-hq", lay(tmp_path / "c", files), tmp_path / "i")
    assert [location.file for location in found.good] == ["data1024x1024/00001.jpg"]
