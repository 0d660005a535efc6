"""What licences allow, alone and together: every pair of the table, against the chart of Creative Commons."""

from __future__ import annotations

import pytest

from pipelines.licences import LICENCES, address, combined, conflicts, strictest, terms

OPEN = ("public domain", "US government work", "CC0-1.0", "CC-PDDC")
CHART = {
    # Which kind a remix of the two has; from Creative Commons' chart, "" where none is allowed.
    ("PD", "PD"): "PD", ("PD", "BY"): "BY", ("PD", "BY-SA"): "BY-SA", ("PD", "BY-NC"): "BY-NC",
    ("PD", "BY-NC-SA"): "BY-NC-SA", ("PD", "BY-ND"): "", ("PD", "BY-NC-ND"): "",
    ("BY", "BY"): "BY", ("BY", "BY-SA"): "BY-SA", ("BY", "BY-NC"): "BY-NC", ("BY", "BY-NC-SA"): "BY-NC-SA",
    ("BY", "BY-ND"): "", ("BY", "BY-NC-ND"): "",
    ("BY-SA", "BY-SA"): "BY-SA", ("BY-SA", "BY-NC"): "", ("BY-SA", "BY-NC-SA"): "", ("BY-SA", "BY-ND"): "",
    ("BY-SA", "BY-NC-ND"): "",
    ("BY-NC", "BY-NC"): "BY-NC", ("BY-NC", "BY-NC-SA"): "BY-NC-SA", ("BY-NC", "BY-ND"): "", ("BY-NC", "BY-NC-ND"): "",
    ("BY-NC-SA", "BY-NC-SA"): "BY-NC-SA", ("BY-NC-SA", "BY-ND"): "", ("BY-NC-SA", "BY-NC-ND"): "",
    ("BY-ND", "BY-ND"): "", ("BY-ND", "BY-NC-ND"): "", ("BY-NC-ND", "BY-NC-ND"): "",
}  # fmt: skip


def kind(licence: str) -> str:
    """PD or the elements of a Creative Commons licence, without its version."""
    if licence in OPEN:
        return "PD"
    return licence.removeprefix("CC-").rpartition("-")[0] if licence.startswith("CC-BY") else licence


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [("CC0-1.0", "yes"), ("CC-BY-NC-SA-4.0", "noncommercial"), ("research-only", "no"), ("WTF", "unknown")],
)
def test_terms_say_who_may_pass_copies_on(licence: str, allowed: str) -> None:
    assert terms(licence).redistribute == allowed


@pytest.mark.parametrize("one", LICENCES)
def test_every_pair_combines_as_the_chart_says(one: str) -> None:
    for other in LICENCES:
        kinds = (kind(one), kind(other))
        stated = CHART.get(kinds, CHART.get(kinds[::-1]))
        if stated is not None:
            assert kind(combined([one, other])) == stated, other


@pytest.mark.parametrize("one", LICENCES)
def test_no_pair_becomes_freer_than_its_parts(one: str) -> None:
    for other in LICENCES:
        both = combined([one, other])
        assert both == combined([other, one])
        if both:
            for part in (terms(one), terms(other)):
                assert terms(both).attribution >= part.attribution and terms(both).share_alike >= part.share_alike
            assert terms(both).redistribute == strictest([one, other])[0]
        else:
            assert conflicts([one, other]), "nothing says why"


def test_of_versions_the_later_one_holds() -> None:
    assert combined(["CC-BY-SA-2.0", "CC-BY-SA-4.0", "CC-BY-SA-3.0"]) == "CC-BY-SA-4.0"
    assert conflicts(["CC-BY-SA-2.0", "CC-BY-SA-4.0"]) == []


def test_three_may_fail_where_pairs_meet() -> None:
    assert combined(["CC-BY-4.0", "CC-BY-NC-4.0"]) and combined(["CC-BY-4.0", "CC-BY-SA-4.0"])
    assert combined(["CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-SA-4.0"]) == ""


def test_permissive_code_licences_keep_their_notice() -> None:
    assert combined(["MIT", "CC0-1.0"]) == "MIT" and combined(["MIT", "CC-BY-4.0"]) == "CC-BY-4.0"


def test_free_licences_mix() -> None:
    assert conflicts(["CC0-1.0", "CC-BY-4.0", "public domain"]) == []


@pytest.mark.parametrize(
    ("licences", "word"),
    [
        (["CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"], "non-commercial"),
        (["research-only"], "forbids"),
        (["mine"], "ask"),
        (["CC-BY-ND-4.0", "CC0-1.0"], "forbids"),
    ],
)
def test_conflict_is_a_sentence(licences: list[str], word: str) -> None:
    assert any(word in sentence for sentence in conflicts(licences))


def test_licences_of_creative_commons_have_an_address() -> None:
    assert address("CC-BY-NC-SA-4.0") == "https://creativecommons.org/licenses/by-nc-sa/4.0/"
    assert address("CC-BY-2.0") == "https://creativecommons.org/licenses/by/2.0/"
    assert address("research-only") == ""
