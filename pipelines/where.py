"""`where:` of a source: a small safe expression over labels.

For example:

    group in ['East Asian', 'Southeast Asian'] and age >= 18 and not (mask == 'correct')

Names are labels; a comparison with a label that a picture does not have is false, so `age < 18` and
`age >= 18` both leave out pictures of unknown age. Nothing is ever called or evaluated by Python.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

Labels = Mapping[str, Any]
Predicate = Callable[[Labels], bool]

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda value, listed: value in listed,
    ast.NotIn: lambda value, listed: value not in listed,
}
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_MAX_LENGTH = 2000


def compile_where(text: str) -> Predicate:
    """Turns an expression into a function of a picture's labels.

    Raises:
        ValueError: it is not an expression of comparisons, `and`, `or`, `not`, names and constants.
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"an expression has at most {_MAX_LENGTH} characters, found {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"not an expression: {text!r}; write for example: group in ['Asian'] and age >= 18") from None
    return _predicate(tree)


def names_in(text: str) -> set[str]:
    """Labels that an expression speaks of."""
    return {node.id for node in ast.walk(ast.parse(text.strip(), mode="eval")) if isinstance(node, ast.Name)}


def _predicate(node: ast.expr) -> Predicate:
    match node:
        case ast.BoolOp(op=ast.And(), values=parts):
            conjuncts = [_predicate(part) for part in parts]
            return lambda labels: all(part(labels) for part in conjuncts)
        case ast.BoolOp(op=ast.Or(), values=parts):
            disjuncts = [_predicate(part) for part in parts]
            return lambda labels: any(part(labels) for part in disjuncts)
        case ast.UnaryOp(op=ast.Not(), operand=part):
            negated = _predicate(part)
            return lambda labels: not negated(labels)
        case ast.Compare(left=left, ops=operators, comparators=rights):
            return _comparisons([left, *rights], operators)
        case ast.Name(id=name):
            return lambda labels: bool(labels.get(name))
    raise ValueError(f"{ast.unparse(node)!r} is not a comparison: use ==, !=, <, <=, >, >=, in, not in, and, or, not")


def _comparisons(parts: list[ast.expr], operators: list[ast.cmpop]) -> Predicate:
    """One comparison, or a chain such as `18 <= age < 65`."""
    for found in operators:
        if type(found) not in _COMPARE:
            raise ValueError("'is' compares nothing here: use == or !=")
    values = [_value(part) for part in parts]
    steps = [(type(found), values[place], values[place + 1]) for place, found in enumerate(operators)]
    return lambda labels: all(_holds(kind, left(labels), right(labels)) for kind, left, right in steps)


def _holds(kind: type[ast.cmpop], left: Any, right: Any) -> bool:
    if left is None or right is None:  # a label that the picture does not have
        return False
    if kind in _ORDER and isinstance(left, str) != isinstance(right, str):
        return False
    try:
        return bool(_COMPARE[kind](left, right))
    except TypeError:
        return False


def _value(node: ast.expr) -> Callable[[Labels], Any]:
    match node:
        case ast.Name(id=name):
            return lambda labels: labels.get(name)
        case ast.Constant(value=constant) if isinstance(constant, str | int | float):
            return lambda _: constant
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return lambda _: -number
        case ast.List(elts=parts) | ast.Tuple(elts=parts) if all(isinstance(part, ast.Constant) for part in parts):
            constants = [part.value for part in parts if isinstance(part, ast.Constant)]
            return lambda _: constants
    raise ValueError(f"{ast.unparse(node)!r} is neither a label, a number, a text in quotes nor a list of these")
