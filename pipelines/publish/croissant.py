"""Croissant: what a built dataset is, for programs that know nothing of it.

Version 1.0 of the format, with the responsible-AI vocabulary. Record sets are what `mlcroissant` really iterates:
`samples` from the indexes beside the shards, file by file, with what these know; and one record set per
member, whose records are its bytes with the key of the sample, since the reader cannot group the members of a tar.

The one trade-off: addresses are relative, so a dataset is iterated from its folder, downloaded or built. `mlcroissant`
unpacks tars into a cache that it names by the address alone; clear it, or set CROISSANT_CACHE, when a version changes.
Source: the specifications of Croissant 1.0 and of its RAI vocabulary 1.0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.layout import Layout
from pipelines.licences import address
from pipelines.places import place
from pipelines.publish import facts as tell
from pipelines.publish.facts import Facts, facts
from pipelines.shards.write import INDEX_SCHEMA
from pipelines.storage import put_json

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataBiases": "cr:dataBiases",
    "dataCollection": "cr:dataCollection",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "personalSensitiveInformation": "cr:personalSensitiveInformation",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}

KEY = r"^([^.]+)"
"""What of a member's name is the key of its sample."""

_FORMATS = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "json": "application/json",
            "npy": "application/octet-stream"}  # fmt: skip
_MEANINGS = {
    "key": "name of the sample",
    "split": "train, val or test",
    "mask_ratio": "share of missing pixels",
    "mask_ratio_bin": "bin of that share",
    "source_sha256": "digest of the source's bytes; equal for all samples of one picture",
}


def write(out: str | Path, *, url: str = "", published: str = "") -> Path:
    """Writes OUT/croissant.json.

    Args:
        url: page of the dataset.
        published: date of this version, as YYYY-MM-DD; nothing in a build says when it was made.

    Returns:
        The file.

    Raises:
        MenderyError: the dataset is not finished, or its shards are not those of its manifest.
    """
    layout = Layout(place(out))
    put_json(layout.croissant, describe(facts(out), url=url, published=published))
    return layout.croissant


def describe(told: Facts, *, url: str = "", published: str = "") -> dict[str, Any]:
    """The metadata as JSON-LD."""
    manifest = told.manifest
    found = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": manifest["name"],
        "description": tell.summary(told),
        "version": manifest["version"],
        "license": _licences(told),
        "citeAs": tell.bibtex(told) or f"@misc{{{manifest['name']},\n  title = {{{told.title}}}\n}}",
        "keywords": ["image inpainting", "image restoration", *(one.kind for one in told.damages)],
        "isLiveDataset": False,
        "distribution": [*_shards(told), _indexes(), *(_members(told, name) for name in manifest["members"])],
        "recordSet": [_samples(), *(_records(name) for name in manifest["members"])],
        **_responsible(told),
    }
    found |= {"url": url} if url else {}
    return found | ({"datePublished": published} if published else {})


def _licences(told: Facts) -> list[str]:
    names = sorted({row.under or " + ".join(row.licences) for row in told.verdict.table})
    return [address(name) or name for name in names]


def _shards(told: Facts) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileObject",
            "@id": f"{shard['name']}.tar",
            "name": f"{shard['name']}.tar",
            "description": f"{shard['samples']:,} samples of split {shard['split']}",
            "contentUrl": f"shards/{shard['name']}.tar",
            "contentSize": f"{shard['bytes']} B",
            "encodingFormat": "application/x-tar",
            "sha256": shard["sha256"],
        }
        for shard in told.manifest["shards"]
    ]


def _indexes() -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": "indexes",
        "name": "indexes",
        "description": "One Parquet file beside each shard, with a row per sample.",
        "encodingFormat": "application/x-parquet",
        "includes": "shards/*.parquet",
    }


def _members(told: Facts, member: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"files-{member}",
        "name": f"files-{member}",
        "description": f"The member {member} of every sample.",
        "containedIn": [{"@id": f"{shard['name']}.tar"} for shard in told.manifest["shards"]],
        "encodingFormat": _FORMATS[member.rpartition(".")[2]],
        "includes": f"*.{member}",
    }


def _samples() -> dict[str, Any]:
    """Everything of a sample but its pixels, from the indexes."""
    kinds = {pa.string(): "sc:Text", pa.float64(): "sc:Float", pa.int32(): "sc:Integer"}
    fields = [(field.name, kinds[field.type]) for field in INDEX_SCHEMA if field.type in kinds]
    return {
        "@type": "cr:RecordSet",
        "@id": "samples",
        "name": "samples",
        "description": "What the index knows of every sample.",
        "key": {"@id": "samples/key"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"samples/{name}",
                "name": name,
                "description": _MEANINGS.get(name, f"{name.replace('_', ' ')}, as in json"),
                "dataType": kind,
                "source": {"fileSet": {"@id": "indexes"}, "extract": {"column": name}},
            }
            for name, kind in fields
        ],
    }


def _records(member: str) -> dict[str, Any]:
    """One member of every sample, with the sample's key."""
    is_picture = member.rpartition(".")[2] in {"jpg", "png", "webp"}
    files = {"@id": f"files-{member}"}
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{member}/key",
            "name": "key",
            "description": "Name of the sample.",
            "dataType": "sc:Text",
            "references": {"field": {"@id": "samples/key"}},
            "source": {"fileSet": files, "extract": {"fileProperty": "filename"}, "transform": {"regex": KEY}},
        },
        {
            "@type": "cr:Field",
            "@id": f"{member}/content",
            "name": "content",
            "description": f"The member {member}.",
            "dataType": "sc:ImageObject" if is_picture else "sc:Text",
            "source": {"fileSet": files, "extract": {"fileProperty": "content"}},
        },
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": member,
        "name": member,
        "description": f"The member {member} of every sample, by its key.",
        "key": {"@id": f"{member}/key"},
        "field": fields,
    }


def _responsible(told: Facts) -> dict[str, Any]:
    """Fields of the responsible-AI vocabulary."""
    manifest, audit = told.manifest, told.manifest["audit"]
    sources = ", ".join(f"{source.title} ({source.kept:,} pictures)" for source in told.sources)
    lost = ", ".join(f"{count:,} {reason}" for reason, count in audit["dropped"].items()) or "none"
    publishers = [f"{source.title}: published by {source.card['publisher']}" for source in told.sources if source.card]
    faces = manifest["recipe"]["curate"]["faces"]
    return {
        "rai:dataCollection": f"Photographs of existing collections: {sources}.",
        "rai:dataCollectionType": ["Secondary Data Analysis"],
        "rai:dataCollectionRawData": "; ".join(publishers) or "Photographs of whoever built the dataset.",
        "rai:dataCollectionMissingData": f"Of {audit['found']:,} pictures {audit['kept']:,} were kept. Dropped: {lost}",
        "rai:dataPreprocessingProtocol": [_plain(step) for step in tell.made(told)],
        "rai:dataManipulationProtocol": "Damage is drawn by a program; json holds its parameters and seed.",
        "rai:dataAnnotationProtocol": tell.provenance(told) or ["No labels are declared."],
        "rai:machineAnnotationTools": [f"Mendery {manifest['versions']['mendery']}"]
        + ([f"face engine {faces['engine']}"] if faces else []),
        "rai:dataBiases": [_plain(text) for text in tell.limits(told) if "declared" in text.lower() or "only" in text]
        or ["None was measured; those of the sources remain."],
        "rai:dataLimitations": [_plain(text) for text in tell.limits(told)],
        "rai:dataUseCases": [*tell.uses(told), *(f"Not: {_plain(text)}" for text in tell.misuses(told))],
        "rai:dataSocialImpact": "Networks that repair pictures can also forge them."
        + (" Those trained on some groups of people only repair others badly." if told.shows_people else ""),
        "rai:personalSensitiveInformation": tell.sensitive(told),
        "rai:dataReleaseMaintenancePlan": "Pictures are removed on request, by mendery remove; tombstones.json lists "
        "their digests, and later versions do not hold them.",
    }


def _plain(text: str) -> str:
    return text.replace("**", "").replace("`", "")
