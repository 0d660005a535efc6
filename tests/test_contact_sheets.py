from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from material import jpeg
from PIL import Image

from pipelines import damages
from pipelines.contact_sheets import FACE_SHOWN, GAP, SHOWN
from pipelines.damage import DAMAGES, Context
from pipelines.errors import MenderyError
from tests.photographs import ASTRONAUT, file_of


def test_every_damage_has_a_sheet_of_photographs(tmp_path: Path):
    sheets = damages(tmp_path, images=[file_of(*ASTRONAUT)], num_draws=2)
    # What a corpus shows over its originals, no photograph of ours has.
    assert [path.stem for path in sheets] == [kind for kind in DAMAGES if "covered" not in DAMAGES[kind].looks_at]
    for path in sheets:
        picture = np.asarray(Image.open(path))
        damage = DAMAGES[path.stem](kind=path.stem)
        shown = FACE_SHOWN if "faces" in damage.looks_at and damage.lacks(Context(256, 256)) else SHOWN
        assert picture.shape == (shown * 3 // 2 + 2 * GAP, 3 * (shown + 2 * GAP), 3)
        first, second = (picture[GAP : GAP + shown, GAP + at * (shown + 2 * GAP) :][:, :shown] for at in (0, 1))
        assert (first != second).any()


def test_only_the_damages_asked_for_are_drawn(tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(jpeg(1))
    sheets = damages(tmp_path / "sheets", images=[tmp_path / "a.jpg"], kinds=["half"])
    assert sheets == [tmp_path / "sheets" / "half.png"]


@pytest.mark.parametrize(
    ("kinds", "content", "says"), [(["hlaf"], b"", "unknown damage"), ([], b"no", "cannot be used")]
)
def test_what_cannot_be_drawn_is_one_sentence(tmp_path: Path, kinds, content, says):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(MenderyError, match=says):
        damages(tmp_path, images=[tmp_path / "a.jpg"], kinds=kinds)
