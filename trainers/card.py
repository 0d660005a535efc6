"""The card of a trained model: what it learned from, how, what it scores, and what it must not be used for.

Every figure comes from the run's own files; the licence is inherited from the data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import yaml

from pipelines import manifest as manifests
from pipelines.errors import MenderyError
from pipelines.licences import conflicts, strictest
from pipelines.storage import put_bytes, put_json, read_json
from trainers.checkpoint import read_config
from trainers.config import Config, keys
from trainers.methods import find
from trainers.pages import named, shown_as
from trainers.run import Run

PRIMARY = ("hole_psnr", "psnr", "hole_ssim", "ssim", "hole_mae", "mae", "uqi", "lpips", "identity_drop")
"""Figures of a card."""

OF_PEOPLE = ("group", "sex", "age")


def write(run: Run | str | Path) -> Path:
    """Writes RUN/card.md, in the format of the Hub's model cards; gives the file.

    Raises:
        MenderyError: there is no run.
    """
    run = run if isinstance(run, Run) else Run.at(run)
    config = read_config(run)
    page = _environment().get_template("model_card.md.j2")
    method = find(config.name)(config.method, training=False)
    text = page.render(
        run=run.folder.name,
        config=config,
        settings={name: _without_place(value) for name, value in keys(config).items()},
        front=_front(config, _data(run, config)),
        data=_data(run, config),
        about=" ".join(str(find(config.name).__doc__).split()),
        step=max(run.steps(), default=0),
        notes=list(method.notes)
        + (["begun with --debug: small networks, for trying things out"] if config.debug else []),
        parameters={
            name: sum(one.numel() for one in network.parameters()) for name, network in method.networks.items()
        },
        last=_last(run),
        evaluations=[read_json(path) for path in sorted(run.evaluation.glob("*/tables.json"))],
        primary=PRIMARY,
        of_people=OF_PEOPLE,
    )
    put_bytes(run.card, text.encode())
    return run.card


def remember(run: Run, config: Config) -> None:
    """Notes what the card tells of the data, so that it can be written where the data is not at hand."""
    put_json(run.data, _of_manifest(manifests.read(config.data)))


def _data(run: Run, config: Config) -> dict[str, Any]:
    if run.data.is_file():
        found: dict[str, Any] = read_json(run.data)
        return found
    try:
        return _of_manifest(manifests.read(config.data))
    except MenderyError as error:
        raise MenderyError(f"the card needs the dataset that the run was trained on: {error}") from None


def _of_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    licences = sorted({name for source in manifest["sources"] for name in source["licences"]})
    redistribute, deciding = strictest(licences)
    return {
        "name": manifest["name"],
        "version": manifest["version"],
        "description": manifest["description"],
        "recipe_sha256": manifest["recipe_sha256"],
        "splits": {name: split["samples"] for name, split in manifest["splits"].items()},
        "corpora": sorted({source["corpus"] for source in manifest["sources"] if source["kept"]}),
        "licences": licences,
        "redistribute": redistribute,
        "deciding": deciding,
        "conflicts": conflicts(licences),
        "credit": sorted(
            {
                credit
                for source in manifest["sources"]
                for told in source["licences"].values()
                for credit in told["attribution"]
            }
        ),
    }


def _front(config: Config, data: Mapping[str, Any]) -> str:
    """Front matter as the Hub reads it."""
    plain = {
        "license": "other",
        "license_name": "inherited-from-data",
        "tags": ["image-inpainting", "gan", config.name.replace("_", "-"), "mendery"],
        "datasets": [data["name"]],
        "pipeline_tag": "image-to-image",
        "library_name": "pytorch",
    }
    text: str = yaml.safe_dump(plain, sort_keys=False)
    return text


def _last(run: Run) -> dict[str, Any]:
    """The last line of the log of numbers; empty where there is none."""
    if not run.numbers.is_file():
        return {}
    lines = run.numbers.read_text(encoding="utf-8").splitlines()
    found: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    return found


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=False,  # noqa: S701  # Markdown, whose values are ours or escaped below
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"number": "{:,}".format, "figure": shown_as, "named": named, "cell": _cell}
    return made


def _without_place(value: Any) -> Any:
    """A setting without the folder of a file: a card is passed on."""
    return value.rsplit("/", 1)[-1] if isinstance(value, str) else value


def _cell(text: Any) -> str:
    """A value inside a Markdown table."""
    return str(text).replace("|", "\\|").replace("\n", " ")
