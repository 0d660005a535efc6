from __future__ import annotations

import pytest

from pipelines.licences import conflicts, terms


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [("CC0-1.0", "yes"), ("CC-BY-NC-SA-4.0", "noncommercial"), ("research-only", "no"), ("WTF", "unknown")],
)
def test_terms_say_who_may_pass_copies_on(licence: str, allowed: str) -> None:
    assert terms(licence).redistribute == allowed


def test_free_licences_mix() -> None:
    assert conflicts(["CC0-1.0", "CC-BY-4.0", "public domain"]) == []


@pytest.mark.parametrize(
    ("licences", "word"),
    [
        (["CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"], "non-commercial"),
        (["research-only"], "forbids"),
        (["mine"], "ask"),
        (["CC-BY-SA-3.0", "CC-BY-SA-4.0"], "only"),
    ],
)
def test_conflict_is_a_sentence(licences: list[str], word: str) -> None:
    assert any(word in sentence for sentence in conflicts(licences))
