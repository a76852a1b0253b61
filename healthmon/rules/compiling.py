"""How is a checked condition asked a million times a second? It becomes one Python function.

The function is made of syntax nodes that are built here; nothing that a person wrote is ever read as Python, and
names of ours are read as fields of `Facts`, nothing else. What it returns is what `evaluation` says, step by step.
Every value is worked out at most once and kept in a local name, so that the code is never much longer than the
condition.
"""

from __future__ import annotations

import ast
import sys
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, TypeAlias

from healthmon.rules.tree import Arithmetic, Comparison, Constant, Fact, Junction, Minus, Node, Not, kind_of
from healthmon.rules.variables import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.rules.variables import Facts

Truth: TypeAlias = "Callable[[Facts], bool | None]"

_FACTS = "facts"
_UNKNOWN = ast.Constant(None)
_COMPARE: dict[str, ast.cmpop] = {
    "==": ast.Eq(),
    "!=": ast.NotEq(),
    "<": ast.Lt(),
    "<=": ast.LtE(),
    ">": ast.Gt(),
    ">=": ast.GtE(),
}
_CALCULATE: dict[str, ast.operator] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult(), "/": ast.Div()}


def compiled(tree: Node) -> Truth:
    """Return the function that says whether a checked condition holds."""
    body = _Writer().truth(tree)
    arguments = ast.arguments(posonlyargs=[ast.arg(_FACTS)], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    module = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, body)))
    code = compile(module, "<condition>", "eval", dont_inherit=True)
    (inner,) = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return FunctionType(inner, {"__builtins__": {}})


class _Writer:
    """Writes one function. `guards` are what must hold for a value to be known, in the order they are looked at."""

    def __init__(self) -> None:
        self._locals = 0

    def truth(self, node: Node) -> ast.expr:
        """Write what is true, false or None."""
        match node:
            case Fact():
                return _read(node)
            case Comparison():
                return self._comparison(node)
            case Not():
                kept, name = self._kept(self.truth(node.operand))
                return ast.IfExp(_is(kept, None), _UNKNOWN, ast.UnaryOp(ast.Not(), _load(name)))
            case Junction():
                return self._junction(node)
            case Constant():
                return ast.Constant(node.value)
        raise TypeError(node)  # the checker leaves nothing else

    def _junction(self, node: Junction) -> ast.expr:
        """`d if a is d or b is d … else None if a is None or … else not d`: the sides after a decisive one are not asked."""
        decides = node.word == "or"
        kept = [self._kept(self.truth(operand)) for operand in node.operands]
        decided = ast.BoolOp(ast.Or(), [_is(value, decides) for value, _ in kept])
        unknown = ast.BoolOp(ast.Or(), [_is(_load(name), None) for _, name in kept])
        return ast.IfExp(decided, ast.Constant(decides), ast.IfExp(unknown, _UNKNOWN, ast.Constant(not decides)))

    def _comparison(self, node: Comparison) -> ast.expr:
        guards: list[ast.expr] = []
        left, right = self._side(node.left, guards), self._side(node.right, guards)
        result = ast.Compare(left, [_COMPARE[node.operator]], [right])
        return _guarded(guards, result)

    def _side(self, node: Node, guards: list[ast.expr]) -> ast.expr:
        if kind_of(node) is Kind.NUMBER:
            return self._bounded(node, guards)
        if isinstance(node, Constant):
            return ast.Constant(node.value)
        return self._known(_read(node) if isinstance(node, Fact) else self.truth(node), guards)

    def _known(self, value: ast.expr, guards: list[ast.expr]) -> ast.expr:
        kept, name = self._kept(value)
        guards.append(ast.Compare(kept, [ast.IsNot()], [ast.Constant(None)]))
        return _load(name)

    def _bounded(self, node: Node, guards: list[ast.expr]) -> ast.expr:
        """Write a number, and guard against its being too large. Infinity stays so until it is compared or divided by."""
        value = self._number(node, guards)
        if not isinstance(node, Arithmetic | Minus):
            return value
        kept, name = self._kept(value)
        limits = ast.Constant(-sys.float_info.max), ast.Constant(sys.float_info.max)
        guards.append(ast.Compare(limits[0], [ast.LtE(), ast.LtE()], [kept, limits[1]]))
        return _load(name)

    def _number(self, node: Node, guards: list[ast.expr]) -> ast.expr:
        match node:
            case Constant():
                return ast.Constant(node.value)
            case Fact():
                return self._known(_read(node), guards)
            case Minus():
                return ast.UnaryOp(ast.USub(), self._float(node.operand, guards))
            case Arithmetic():
                return self._arithmetic(node, guards)
        raise TypeError(node)  # the checker lets only these be numbers

    def _float(self, node: Node, guards: list[ast.expr]) -> ast.expr:
        """Write an operand. A whole number of a fact becomes a float: Python's own grow without end."""
        value = self._number(node, guards)
        return ast.BinOp(ast.Constant(1.0), ast.Mult(), value) if isinstance(node, Fact) else value

    def _arithmetic(self, node: Arithmetic, guards: list[ast.expr]) -> ast.expr:
        total = self._float(node.operands[0], guards)
        for operator, operand in zip(node.operators, node.operands[1:], strict=True):
            value = self._divisor(operand, guards) if operator == "/" else self._float(operand, guards)
            total = ast.BinOp(total, _CALCULATE[operator], value)
        return total

    def _divisor(self, node: Node, guards: list[ast.expr]) -> ast.expr:
        value = self._bounded(node, guards)
        if isinstance(node, Constant):
            return value
        kept, name = self._kept(value)
        guards.append(ast.Compare(kept, [ast.NotEq()], [ast.Constant(0.0)]))
        return ast.BinOp(ast.Constant(1.0), ast.Mult(), _load(name))

    def _kept(self, value: ast.expr) -> tuple[ast.expr, str]:
        """Return the value as it is worked out and kept, and the name it is kept under."""
        self._locals += 1
        name = f"v{self._locals}"
        return ast.NamedExpr(ast.Name(name, ast.Store()), value), name


def _guarded(guards: list[ast.expr], value: ast.expr) -> ast.expr:
    if not guards:
        return value
    return ast.IfExp(guards[0] if len(guards) == 1 else ast.BoolOp(ast.And(), guards), value, _UNKNOWN)


def _read(fact: Fact) -> ast.expr:
    return ast.Attribute(_load(_FACTS), fact.variable.fact, ast.Load())


def _load(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _is(value: ast.expr, constant: bool | None) -> ast.expr:  # noqa: FBT001  the constant itself, not a switch
    return ast.Compare(value, [ast.Is()], [ast.Constant(constant)])
