"""A recipe: one YAML file that says what a dataset is.

Everything a person can get wrong in it is said before any work starts: what was expected, what came,
in which line. The models here compose the blocks that live beside the code they configure.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipelines import source_paths, tombstones, yaml_lines
from pipelines.corpora import CORPORA
from pipelines.curate.balance import Balance
from pipelines.curate.cells import FACE
from pipelines.curate.embeddings import digest
from pipelines.curate.near import Duplicates
from pipelines.curate.quality import Quality
from pipelines.curate.rules import Curate
from pipelines.curate.splits import Splits
from pipelines.damage import DAMAGES
from pipelines.damage.ageing import Ageing, Blur, Cast, Fading, Grain, Jpeg, LowResolution, Toning
from pipelines.damage.pools import PoolRef, check_names
from pipelines.engines.rules import Faces
from pipelines.errors import MenderyError, RecipeError, did_you_mean
from pipelines.guides import MAPS, Edges, Guides
from pipelines.imaging.fit import Fit
from pipelines.sources import SOURCES
from pipelines.sources.base import Source
from pipelines.sources.dataset import DatasetSource
from pipelines.unions import union_of


class Shards(BaseModel):
    """The `shards:` block: how samples are cut into files."""

    model_config = ConfigDict(extra="forbid")

    samples: int = Field(1000, ge=1, description="Samples per shard.")
    megabytes: int | None = Field(
        None, ge=1, description="About so many MB per shard instead, measured on a trial of the first pictures."
    )


class Recipe(BaseModel):
    """One dataset."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="Name of the dataset: lower-case letters, digits and dashes.")
    version: str = Field("1.0.0", description="Version of the dataset, as major.minor.patch.")
    description: str = Field("", description="One sentence for people.")
    about: str = Field(
        "", description="Paragraphs in Markdown for the dataset's card: what it is for, how it was thought, its limits."
    )
    seed: int = Field(0, ge=0, description="Every random choice follows from it.")
    sources: list[union_of(SOURCES | CORPORA)] = Field(min_length=1, description="Where pictures come from.")  # type: ignore[valid-type]
    curate: Curate = Field(default_factory=Curate, description="Which pictures are kept.")
    balance: Balance | None = Field(
        None, description="How many pictures of each group, sex, age or other label are kept."
    )
    image: Fit = Field(default_factory=Fit, description="Size, crop and encoding of the clean picture.")
    guides: Guides = Field(default_factory=Guides, description="Landmarks, label maps and edges beside the pictures.")
    ageing: Ageing | None = Field(None, description="What time did to whole pictures before they were damaged.")
    damage: list[union_of(DAMAGES)] = Field(  # type: ignore[valid-type]
        default_factory=list,
        description="Damages to draw from, by weight. Without any, samples hold the clean picture only.",
    )
    variants: int = Field(1, ge=1, le=99, description="Damaged variants of each crop.")
    ratio_bins: list[float] = Field(
        [0.0, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1.0],
        description="Edges of the bins by which mask ratios are asked for and reported; a bin is above its lower edge "
        "and up to its upper one. NVIDIA's six by default, and what lies outside them.",
    )
    splits: Splits = Field(
        default_factory=Splits, description="Share of the pictures in each split, or what the sources declare."
    )
    shards: Shards = Field(default_factory=Shards, description="How samples are cut into files.")
    tombstones: list[str] = Field(
        default_factory=list,
        description="Lists of removed pictures that must not enter: the tombstones.json of other datasets. That of the "
        "output folder itself always holds.",
    )

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
            raise ValueError(f"a name is lower-case letters, digits and dashes, found {name!r}")
        return name

    @field_validator("version")
    @classmethod
    def _check_version(cls, version: str) -> str:
        if not re.fullmatch(r"\d+\.\d+\.\d+", version):
            raise ValueError(f"a version is major.minor.patch, found {version!r}")
        return version

    @field_validator("ratio_bins")
    @classmethod
    def _check_bins(cls, edges: list[float]) -> list[float]:
        if len(edges) < 2 or edges != sorted(set(edges)) or edges[0] != 0 or edges[-1] != 1:
            raise ValueError(f"edges must rise from 0 to 1, found {edges}")
        return edges

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        if not self.damage and self.ageing is None and self.variants > 1:
            raise ValueError("variants has no effect without damage: remove it or name a damage")
        if not self.damage and self.guides.alpha:
            raise ValueError("guides.alpha has no effect without damage: remove it or name a damage")
        check_names(self.damage)
        if self.splits.per_bin:
            self._check_per_bin()
        if self.balance is not None and self.curate.faces is None:
            for axis in (*self.balance.over, *self.balance.match):
                if axis.measure.startswith(FACE):
                    raise ValueError(
                        f"balance by {axis.measure} needs faces to be looked for: add `curate: {{faces: {{}}}}`"
                    )
        if self.guides.parsing == "mesh" and (self.curate.faces is None or self.curate.faces.chosen != "offline"):
            raise ValueError(
                "guides.parsing: mesh draws the mesh that the offline engine finds: add `curate: {faces: {}}` without "
                "`models`, or ask for the corpus's parsing with `parsing: corpus`"
            )
        if self.curate.min_side is None:
            # A crop of a face has a limit of its own, `max_enlarge`.
            self.curate.min_side = 1 if self.image.fit == "face" else self.image.size
        taken: set[str] = set()
        for source in self.sources:
            source.name = _unused(source.name or _default_name(source), taken)
            taken.add(source.name)
        return self

    def _check_per_bin(self) -> None:
        if not any(damage.can_be_asked() for damage in self.damage):
            raise ValueError("splits.per_bin needs a damage that can be asked for a ratio, such as brush")
        edges = self.splits.bins
        if edges[0] not in self.ratio_bins or self.ratio_bins[self.ratio_bins.index(edges[0]) :][: len(edges)] != edges:
            raise ValueError(f"splits.bins {edges} must be neighbours in ratio_bins {self.ratio_bins}")

    def num_variants(self, split: str) -> int:
        """Samples of each crop in a split; where bins are fixed one in each, and `variants` without a ratio to ask."""
        fixed = len(self.splits.ranges(split))
        unasked = any(not damage.can_be_asked() for damage in self.damage)
        return fixed + self.variants * unasked if fixed else self.variants

    def maps(self) -> list[str]:
        """Label maps that samples or their damages want."""
        wanted = {name for damage in self.damage for name in damage.wants()} | set(self.guides.maps())
        return [name for name in MAPS if name in wanted]

    def wants_pairs(self) -> bool:
        """Whether a damage is what the corpus shows over a picture's original."""
        return any("covered" in damage.wants() for damage in self.damage)

    def portable(self) -> dict[str, Any]:
        """The recipe without the places on this machine: what decides the bytes of a build."""
        plain = self.model_dump(mode="json", context={"portable": True})
        for name in ("models", "providers", "gpus"):
            if plain["curate"]["faces"]:
                del plain["curate"]["faces"][name]
        if duplicates := plain["curate"]["duplicates"]:
            if network := self.curate.duplicates and self.curate.duplicates.embeddings:
                duplicates["embeddings"] |= {"model": digest(network.model)}
                del duplicates["embeddings"]["providers"]
            duplicates["against"] = [Path(path).name for path in duplicates["against"]]
        del plain["tombstones"]
        if self.tombstones:
            plain["tombstones"] = tombstones.all_of(self.tombstones).digest()
        for told, source in zip(plain["sources"], self.sources, strict=True):
            del told["path"], told["optional"]
            # How patiently pictures are fetched may change while a build is continued.
            told.pop("fetch", None)
            del told["s3"]
            # An extra path that is not given stays, because whether a corpus is joined to another decides bytes.
            for name in source.extra_roots():
                del told[name]
        return plain

    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.portable(), sort_keys=True).encode()).hexdigest()

    def to_yaml(self) -> str:
        text: str = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        return text


def load(recipe: str | Path | Recipe, sources: Mapping[str, str | Path] | None = None) -> Recipe:
    """Reads and checks a recipe.

    Args:
        recipe: a YAML file, the name of a ready recipe, or a recipe already loaded.
        sources: where its sources are on this machine, by name or corpus; see `source_paths`.

    Raises:
        RecipeError: with one line per fault, each naming file and line.
    """
    if isinstance(recipe, Recipe):
        if sources:
            raise RecipeError("a recipe that is loaded already says where its sources are: give a file or a name")
        return recipe
    return _read(recipe, sources or {})


def load_anywhere(recipe: str | Path | Recipe) -> Recipe:
    """Reads and checks a recipe whose sources are not looked at, so that they need not be on this machine."""
    return recipe if isinstance(recipe, Recipe) else _read(recipe, None)


def _read(recipe: str | Path, sources: Mapping[str, str | Path] | None) -> Recipe:
    path = find(recipe)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read as text: {error}") from None
    return parse(text, str(path), path.resolve().parent, sources)


def parse(
    text: str, name: str, folder: Path, sources: Mapping[str, str | Path] | None = MappingProxyType({})
) -> Recipe:
    """Recipe from YAML text; relative paths start at `folder`, faults are named `name:line`.

    Args:
        sources: as `load` takes them; None leaves sources and pools where the text says, there or not.
    """
    tree = yaml_lines.compose(text, name)
    plain = yaml_lines.to_plain(tree, name)
    if not isinstance(plain, dict):
        raise RecipeError(f"{name}: a recipe is a mapping of keys to values, found {type(plain).__name__}")
    try:
        context = {"folder": str(folder), "check": sources is not None}
        recipe = Recipe.model_validate(_inherited(plain, folder), context=context)
    except ValidationError as error:
        raise RecipeError("\n".join(_explain(fault, tree, name) for fault in error.errors())) from None
    if sources is not None:
        source_paths.give(recipe.sources, sources)
        _settle_paths(recipe, tree, name, folder)
        recipe.sources = source_paths.placed(recipe.sources, name)
    return recipe


def _inherited(plain: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What a recipe over datasets alone leaves unsaid: their splits, and how the first one stores its pictures."""
    sources = plain.get("sources")
    if not isinstance(sources, list) or not sources or not all(_is_dataset(source) for source in sources):
        return plain
    inherited: dict[str, Any] = {"splits": "official"}
    # What is wrong with the source itself is said where its path is checked.
    with contextlib.suppress(MenderyError, ValidationError):
        given = DatasetSource.model_validate(sources[0])
        given.path = _absolute(given.path, folder)
        inherited["image"] = given.image_block()
    return inherited | plain


def _is_dataset(source: Any) -> bool:
    return isinstance(source, dict) and source.get("type") == "dataset"


def ready() -> dict[str, Path]:
    """Ready recipes by name."""
    folder = Path(str(files("pipelines") / "recipes"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find(recipe: str | Path) -> Path:
    """File of a recipe given by path or by ready name."""
    known = ready()
    if str(recipe) in known:
        return known[str(recipe)]
    if Path(recipe).is_file():
        return Path(recipe)
    raise RecipeError(f"no recipe {str(recipe)!r}: there is no such file, and the ready recipes are {', '.join(known)}")


def example() -> str:
    """An annotated recipe that shows every block."""
    return (Path(str(files("pipelines") / "recipes")) / "example.yaml.txt").read_text(encoding="utf-8")


def json_schema() -> dict[str, Any]:
    """JSON Schema of a recipe, every field with its description."""
    return Recipe.model_json_schema()


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Where two recipes differ, one line per setting."""
    before, after = _flatten(old), _flatten(new)
    return [
        f"{name}: was {_told(name, before)!r}, is {_told(name, after)!r}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name) or _holds(name, before) != _holds(name, after)
    ]


def _told(name: str, settings: dict[str, Any]) -> Any:
    return settings.get(name, "given" if _holds(name, settings) else "not set")


def _holds(name: str, settings: dict[str, Any]) -> bool:
    """Whether a name is that of a block, which may hold nothing but empty settings."""
    return any(setting.startswith(f"{name}.") for setting in settings)


def _flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict | list) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {name: leaf for key, part in items for name, leaf in _flatten(part, f"{prefix}{key}.").items()}
    return {prefix.rstrip("."): value}


def _default_name(source: Source) -> str:
    if not source.path:
        return source.corpus_name()
    stem = re.split(r"[*?\[{]", Path(source.path).name)[0] or Path(source.path).parent.name
    return re.sub(r"[^a-z0-9]+", "-", stem.split(".")[0].lower()).strip("-") or getattr(source, "type", "source")


def _unused(name: str, taken: set[str]) -> str:
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def _settle_paths(recipe: Recipe, tree: yaml.Node, name: str, folder: Path) -> None:
    """Makes paths absolute and refuses those where nothing is, naming the line."""
    faults = []
    for number, source in enumerate(recipe.sources):
        for field in ("path", *source.extra_paths) if source.is_placed() else ():
            setattr(source, field, _absolute(getattr(source, field), folder))
            try:
                source.check() if field == "path" else source.check_extra(field)
            except RecipeError as error:
                faults.append(f"{name}:{yaml_lines.line_of(tree, ('sources', number, field))}: {error}")
    recipe.tombstones = [_absolute(path, folder) for path in recipe.tombstones]
    for number, path in enumerate(recipe.tombstones):
        try:
            tombstones.all_of([path])
        except MenderyError as error:
            faults.append(f"{name}:{yaml_lines.line_of(tree, ('tombstones', number))}: {error}")
    if duplicates := recipe.curate.duplicates:
        duplicates.against = [_absolute(path, folder) for path in duplicates.against]
        if network := duplicates.embeddings:
            duplicates.embeddings = network.model_copy(update={"model": _absolute(network.model, folder)})
    if faults:
        raise RecipeError("\n".join(faults))


def _absolute(path: str, folder: Path) -> str:
    return path if not path or ":" in path.split("/", maxsplit=1)[0] else str(folder / Path(path).expanduser())


def _explain(fault: Any, tree: yaml.Node, name: str) -> str:
    path = tuple(part for part in fault["loc"] if part not in SOURCES | CORPORA | DAMAGES)
    where = f"{name}:{yaml_lines.line_of(tree, fault['loc'])}"
    return f"{where}: {_sentence(fault, path)}"


def _sentence(fault: Any, path: tuple[Any, ...]) -> str:
    block = ".".join(str(part) for part in path[:-1]) or "the recipe"
    full = ".".join(str(part) for part in path) or "the recipe"
    match fault["type"]:
        case "extra_forbidden":
            return f"unknown key {path[-1]!r} in {block}{did_you_mean(str(path[-1]), _known_keys(fault['loc']))}"
        case "missing":
            return f"{full} is missing"
        case "union_tag_invalid":
            tag, known = fault["ctx"]["tag"], re.findall(r"'([^']+)'", fault["ctx"]["expected_tags"])
            if tag == "missing":
                return (
                    f"{full} says no {'type or corpus' if path[0] == 'sources' else 'kind'}; known: {', '.join(known)}"
                )
            return f"{full}: unknown {tag!r}{did_you_mean(tag, known)} (known: {', '.join(known)})"
        case "value_error":
            return f"{full}: {fault['ctx']['error']}"
        case _:
            return f"{full}: {fault['msg'][0].lower()}{fault['msg'][1:]}, found {fault['input']!r}"


def _known_keys(path: tuple[Any, ...]) -> list[str]:
    """Keys that the model at `path` knows."""
    tagged: dict[str, type[BaseModel]] = {**SOURCES, **CORPORA, **DAMAGES}
    blocks: dict[str, type[BaseModel]] = {
        "ageing": Ageing,
        "blur": Blur,
        "cast": Cast,
        "balance": Balance,
        "curate": Curate,
        "duplicates": Duplicates,
        "edges": Edges,
        "faces": Faces,
        "fading": Fading,
        "grain": Grain,
        "guides": Guides,
        "image": Fit,
        "jpeg": Jpeg,
        "low_resolution": LowResolution,
        "pool": PoolRef,
        "quality": Quality,
        "shards": Shards,
        "splits": Splits,
        "toning": Toning,
    }
    # The innermost that is known: damages may hold damages, blocks may hold blocks.
    known = [model for part in path[:-1] if (model := tagged.get(part) or blocks.get(part))]
    return list((known[-1] if known else Recipe).model_fields)
