"""Where everything lies in the output folder of a build.

    OUT/
        manifest.json        written last: its existence proves the build is complete
        report.html
        README.md            the dataset card; datasheet.md, croissant.json and card/ belong to it (`mendery card`)
        attribution/         whom to name, one file per licence
        tombstones.json      digests of pictures that were removed and must not come back (`mendery remove`)
        curation.html        what was measured, beside the thresholds (`mendery curate --report`)
        recipe.yaml          the resolved recipe
        shards/              train-000000.tar and its index train-000000.parquet, ...
        state/               what a restart needs; may be deleted once the manifest is there
            recipe.json      what this output was begun with
            salt                 secret with which identities are digested
            removed.json         places of removed pictures, digested with the salt
            publishable/         the part of the dataset that may be published (`mendery publish --only-publishable`)
            recipe-only/         what is published instead of pictures (`mendery publish --recipe-only`)
            rewritten/           what a removal has made and not yet put in place
            against/         what was measured of datasets whose copies must not enter
            catalog.parquet  every picture found, in parts of one measuring task each
            measured/        one file per finished measuring task
            gathered/        the same in few files, while it is decided
            known/           what an update keeps of earlier measurements, until it is taken over
            renditions/      the crops it made, until the manifest is there and nothing is left to retry
            curated.parquet  every picture with its verdict
            balance.json     what balancing found, wanted and kept
            plan.parquet     every sample to write; a row group is one shard
            plan.json        shards, splits and counts of the plan
            commits/         one record per finished shard
            gzip/            seek indexes of compressed archives
            lock, log.txt    who is at work; what happened when

Only `shards/`, `manifest.json` and `tombstones.json` are the dataset; pages and cards are made from them. Times and
machine names live in `log.txt` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Paths of one output folder."""

    out: Path

    @property
    def manifest(self) -> Path:
        return self.out / "manifest.json"

    @property
    def report(self) -> Path:
        return self.out / "report.html"

    @property
    def card(self) -> Path:
        return self.out / "README.md"

    @property
    def datasheet(self) -> Path:
        return self.out / "datasheet.md"

    @property
    def card_pictures(self) -> Path:
        return self.out / "card"

    @property
    def croissant(self) -> Path:
        return self.out / "croissant.json"

    @property
    def attribution(self) -> Path:
        return self.out / "attribution"

    @property
    def tombstones(self) -> Path:
        return self.out / "tombstones.json"

    @property
    def recipe(self) -> Path:
        return self.out / "recipe.yaml"

    @property
    def shards(self) -> Path:
        return self.out / "shards"

    @property
    def state(self) -> Path:
        return self.out / "state"

    @property
    def begun_with(self) -> Path:
        return self.state / "recipe.json"

    @property
    def salt(self) -> Path:
        return self.state / "salt"

    @property
    def removed(self) -> Path:
        return self.state / "removed.json"

    @property
    def rewritten(self) -> Path:
        return self.state / "rewritten"

    @property
    def publishable(self) -> Path:
        return self.state / "publishable"

    @property
    def recipe_only(self) -> Path:
        return self.state / "recipe-only"

    @property
    def catalog(self) -> Path:
        return self.state / "catalog.parquet"

    def against(self, number: int) -> Path:
        return self.state / "against" / str(number)

    @property
    def measured(self) -> Path:
        return self.state / "measured"

    @property
    def gathered(self) -> Path:
        return self.state / "gathered"

    @property
    def known(self) -> Path:
        return self.state / "known"

    @property
    def curation_report(self) -> Path:
        return self.out / "curation.html"

    @property
    def renditions(self) -> Path:
        return self.state / "renditions"

    @property
    def curated(self) -> Path:
        return self.state / "curated.parquet"

    @property
    def balance(self) -> Path:
        return self.state / "balance.json"

    @property
    def plan(self) -> Path:
        return self.state / "plan.parquet"

    @property
    def plan_summary(self) -> Path:
        return self.state / "plan.json"

    @property
    def commits(self) -> Path:
        return self.state / "commits"

    @property
    def gzip_indexes(self) -> Path:
        return self.state / "gzip"

    @property
    def lock(self) -> Path:
        return self.state / "lock"

    @property
    def log(self) -> Path:
        return self.state / "log.txt"

    def shard(self, name: str) -> Path:
        return self.shards / f"{name}.tar"

    def index(self, name: str) -> Path:
        return self.shards / f"{name}.parquet"

    def commit(self, name: str) -> Path:
        return self.commits / f"{name}.json"

    def retried(self, number: int) -> Path:
        return self.measured / f"part-{number:06d}.retried"

    def known_part(self, number: int) -> Path:
        return self.measured / f"part-{number:06d}.known"

    def pack(self, number: int, staged: bool = False) -> Path:
        return self.renditions / f"part-{number:06d}{'-retried' if staged else ''}.bin"

    def pack_index(self, number: int, staged: bool = False) -> Path:
        return self.renditions / f"part-{number:06d}{'-retried' if staged else ''}.parquet"

    def part(self, number: int) -> Path:
        return self.measured / f"part-{number:06d}.parquet"
