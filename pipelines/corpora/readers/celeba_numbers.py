"""What CelebA says of the pictures of CelebA-HQ, which are its own under other numbers.

Without this, one person would be in two splits: neither CelebA-HQ nor CelebAMask-HQ tells identities.
"""

from __future__ import annotations

from collections.abc import Collection

from pipelines.corpora.base import bad_line, lines, merged, optional
from pipelines.corpora.readers.celeba_texts import CelebaTexts, Part, split_of
from pipelines.labels import Annotation
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
PARTITION = "list_eval_partition.txt"
IDENTITIES = "identity_CelebA.txt"
ATTRIBUTES = "list_attr_celeba.txt"
WITHOUT = {
    MAPPING: "no splits and no identities, which CelebA tells by its own numbers",
    PARTITION: "splits are told by CelebA's numbers, of which each split is a range",
    IDENTITIES: "no identities, so that one person may be in two splits",
}


def celeba_numbers(tree: Tree, faults: list[Location]) -> dict[int, str]:
    """CelebA's number (six digits) by the index of CelebA-HQ, or nothing where the mapping is missing."""
    entry = optional(tree, MAPPING, WITHOUT[MAPPING])
    return _numbers(tree, entry, faults) if entry else {}


def _numbers(tree: Tree, entry: Entry, faults: list[Location]) -> dict[int, str]:
    """Lines of `idx orig_idx orig_file`; orig_idx counts from 0, but the file's name from 1, and the name is used."""
    found = {}
    for number, line in lines(tree, entry):
        fields = line.split()
        if number == 1 and fields[0] == "idx":
            continue
        stem, _, suffix = fields[-1].partition(".")
        if len(fields) == 3 and fields[0].isdecimal() and len(stem) == 6 and stem.isdecimal() and suffix == "jpg":
            found[int(fields[0])] = stem
        else:
            faults.append(bad_line(entry, number, "idx, orig_idx, orig_file", line))
    return found


def celeba_facts(tree: Tree, wanted: Collection[str], faults: list[Location], attributes: bool = False) -> Part:
    """Split and identity by CelebA's number, and if asked the forty attributes."""
    texts = CelebaTexts(tree, wanted=wanted, faults=faults)
    parts: list[Part] = [{name: Annotation(split=split_of(int(name))) for name in wanted}]
    if entry := optional(tree, PARTITION, WITHOUT[PARTITION]):
        parts.append(texts.partition(entry))
    if entry := optional(tree, IDENTITIES, WITHOUT[IDENTITIES]):
        parts.append(texts.identities(entry))
    if attributes and (entry := optional(tree, ATTRIBUTES, "no attributes")):
        parts.append(texts.attributes(entry))
    return {name: merged(part[name] for part in parts if name in part) for name in wanted}
