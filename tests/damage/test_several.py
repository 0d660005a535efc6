from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from pipelines.damage import DAMAGES, Context, DamageFailed, Several, mask_ratio, redraw
from pipelines.errors import RecipeError
from pipelines.recipe import parse
from pipelines.seeds import generator
from tests.damage.contexts import context

SOURCE = "name: a\nsources:\n  - {type: folder, path: .}\n"


def several(*of: dict[str, object], **options: object) -> Several:
    return Several.model_validate({"kind": "several", "of": of, **options})


def grey(side: int = 128) -> np.ndarray:
    return np.full((side, side, 3), 100, np.uint8)


def test_damages_lie_over_each_other_in_the_listed_order() -> None:
    boxes = [{"kind": "box", "fill": fill, "side_range": (1, 1)} for fill in ("black", "white")]
    for of, top in ((boxes, 255), (boxes[::-1], 0)):
        damaged = several(*of).sample(generator(1), Context(64, 64)).draw(grey(64)).damaged
        assert (damaged == top).all()


def test_the_hole_is_the_union_and_alpha_what_all_hide() -> None:
    layers = several({"kind": "stains"}, {"kind": "dust"}, {"kind": "folds"}, num_range=(3, 3)).sample(
        generator(2), Context(128, 128)
    )
    drawn = layers.draw(grey())
    alone = [parameters.draw(grey()) for _, parameters in layers.damages]
    assert np.array_equal(drawn.mask, np.max([one.mask for one in alone], axis=0))
    through = np.prod([1 - one.alpha / 255 for one in alone], axis=0)
    assert abs(drawn.alpha - 255 * (1 - through)).max() < 1.5


@pytest.mark.parametrize("num_range", [(1, 1), (2, 3), (3, 3)])
def test_as_many_as_asked_and_none_twice(num_range: tuple[int, int]) -> None:
    damage = several({"kind": "box"}, {"kind": "brush"}, {"kind": "dust"}, num_range=num_range)
    counts = set()
    for seed in range(40):
        kinds = [kind for kind, _ in damage.sample(generator(seed), Context(64, 64)).damages]
        assert kinds == sorted(set(kinds))
        counts.add(len(kinds))
    assert counts == set(range(num_range[0], num_range[1] + 1))


def test_an_entry_that_is_listed_twice_may_be_drawn_twice() -> None:
    layers = several({"kind": "box"}, {"kind": "box"}).sample(generator(1), Context(64, 64))
    assert [kind for kind, _ in layers.damages] == ["box", "box"]
    assert layers.damages[0] != layers.damages[1]


def test_weightier_damages_are_drawn_more_often() -> None:
    damage = several({"kind": "box", "weight": 9}, {"kind": "brush"}, num_range=(1, 1))
    boxes = sum(damage.sample(generator(seed), Context(32, 32)).damages[0][0] == "box" for seed in range(500))
    assert 425 < boxes < 475


def test_parameters_are_a_list_of_kinds_and_parameters() -> None:
    text = several({"kind": "dust"}).sample(generator(1), Context(64, 64)).to_json()
    (entry,) = json.loads(text)["damages"]
    assert entry["kind"] == "dust"
    again = redraw("dust", json.dumps(entry["parameters"]), grey(64))
    assert np.array_equal(again.damaged, redraw("several", text, grey(64)).damaged)


def test_an_entry_keeps_its_own_ratio_range() -> None:
    damage = several({"kind": "stains", "ratio_range": (0.2, 0.21)}, {"kind": "torn"}, ratio_range=(0.4, 0.5))
    for seed in range(10):
        layers = damage.sample(generator(seed), context(96, 96))
        assert 0.2 < mask_ratio(layers.damages[0][1].draw(grey(96)).mask) <= 0.21
        assert 0.4 < mask_ratio(layers.draw(grey(96)).mask) <= 0.5


def test_a_ratio_that_the_list_cannot_reach_fails_with_the_range() -> None:
    damage = several({"kind": "stains", "ratio_range": (0.8, 0.9)}, {"kind": "torn"}, ratio_range=(0.1, 0.2))
    with pytest.raises(DamageFailed, match=r"\(0\.1, 0\.2\]"):
        damage.sample(generator(1), context(64, 64))


@pytest.mark.parametrize(
    "of", [[{"kind": "dust"}, {"kind": "folds"}], [{"kind": "dust"}, {"kind": "stains", "ratio_range": (0.1, 0.2)}]]
)
def test_a_ratio_that_nothing_of_the_list_can_meet_is_refused(of: list[dict[str, object]]) -> None:
    with pytest.raises(ValidationError, match="ratio_range needs a damage"):
        several(*of, ratio_range=(0.1, 0.2))
    assert not several(*of).can_be_asked()


def test_more_damages_than_listed_are_refused() -> None:
    with pytest.raises(ValidationError, match="up to 3 damages, but `of` lists 2"):
        several({"kind": "dust"}, {"kind": "folds"}, num_range=(1, 3))


class Needy(DAMAGES["box"]):  # type: ignore[misc, valid-type]
    """A box that looks for a face."""

    looks_at = frozenset({"faces"})

    def lacks(self, context: Context) -> str:
        return "" if context.faces else "face"


def with_needy(num_range: tuple[int, int]) -> Several:
    of = (Needy(kind="box"), DAMAGES["dust"](kind="dust"))  # type: ignore[call-arg]
    return several({"kind": "dust"}, {"kind": "dust"}, num_range=num_range).model_copy(update={"of": of})


def test_a_composition_looks_at_what_its_damages_look_at() -> None:
    assert with_needy((1, 1)).wants() == {"faces"}


@pytest.mark.parametrize(("num_range", "lacks"), [((1, 2), ""), ((2, 2), "face")])
def test_a_composition_lacks_what_too_many_of_its_damages_lack(num_range: tuple[int, int], lacks: str) -> None:
    assert with_needy(num_range).lacks(Context(64, 64)) == lacks
    assert with_needy(num_range).lacks(context(64, 64)) == ""


def test_what_a_damage_lacks_is_left_out() -> None:
    for seed in range(20):
        layers = with_needy((1, 2)).sample(generator(seed), Context(64, 64))
        assert [kind for kind, _ in layers.damages] == ["dust"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("- {kind: dust, marign: 0}", "r.yaml:8: unknown key 'marign' in damage.0.of.1; did you mean 'margin'?"),
        ("- {kind: dusts}", "r.yaml:8: damage.0.of.1: unknown 'dusts'; did you mean 'dust'?"),
        ("- {weight: 2}", "r.yaml:8: damage.0.of.1 says no kind; known: "),
        ("- {kind: several}", "r.yaml:8: damage.0.of.1: unknown 'several'"),
        ("- {kind: dust, ratio_range: [0.1, 0.2]}", "r.yaml:8: damage.0.of.1: dust has the size of what it covers"),
        ("- {kind: dust, margin: -1}", "r.yaml:8: damage.0.of.1.margin: input should be greater than or equal to 0"),
    ],
)
def test_a_fault_in_a_nested_damage_names_its_line(entry: str, expected: str, tmp_path: Path) -> None:
    text = f"{SOURCE}damage:\n  - kind: several\n    of:\n      - {{kind: box}}\n      {entry}\n"
    with pytest.raises(RecipeError) as raised:
        parse(text, "r.yaml", tmp_path)
    assert str(raised.value).startswith(expected)
