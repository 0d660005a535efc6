"""YAML that remembers where everything stood, so that a fault can name its line."""

from __future__ import annotations

from typing import Any

import yaml

from pipelines.errors import RecipeError


def compose(text: str, name: str) -> yaml.Node:
    """Tree of a YAML document.

    Raises:
        RecipeError: it is empty, not YAML, or gives a key twice.
    """
    try:
        tree = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RecipeError(f"{name}:{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise RecipeError(f"{name}: not valid YAML: {error}") from None
    if tree is None:
        raise RecipeError(f"{name}: the file is empty; `mendery recipes --example` prints an annotated recipe")
    _refuse_repeated_keys(tree, name)
    return tree


def _refuse_repeated_keys(node: yaml.Node, name: str) -> None:
    """YAML lets the last of two equal keys win in silence; here the first fault would be hidden."""
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if str(key.value) in seen:
                raise RecipeError(
                    f"{name}:{line}: key {key.value!r} is given twice, first in line {seen[str(key.value)]}"
                )
            seen[str(key.value)] = line
            children.append(value)
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    for child in children:
        _refuse_repeated_keys(child, name)


def to_plain(tree: yaml.Node, name: str) -> Any:
    """Plain Python values of a tree."""
    constructor = yaml.SafeLoader("")
    try:
        return constructor.construct_document(tree)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RecipeError(f"{name}:{line}: {error.problem}") from None


def line_of(tree: yaml.Node, path: tuple[Any, ...]) -> int:
    """Line of the deepest node on `path`; parts that YAML does not know (union tags) are passed over."""
    node, line = tree, tree.start_mark.line
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found:
                line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
    return int(line) + 1
