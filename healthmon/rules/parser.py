"""How is a condition built? One function for each strength of binding, from the weakest:

or, and, not, == != < <= > >=, + -, * /, unary -, and last a number, text, true, false, name or ( … ).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon.rules.tokens import Mark, Token, fail, number, tokens
from healthmon.rules.tree import Arithmetic, Comparison, Constant, Junction, Minus, Name, Node, Not, Span
from healthmon.spelling import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH = 20
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")

# Words of other languages, where an operator should stand.
_INSTEAD = {
    "is": "write ==",
    "equals": "write ==",
    "in": "compare with each: status == 'unhealthy' or status == 'unknown'",
    "contains": "texts can only be compared as a whole, with == and !=",
    "matches": "texts can only be compared as a whole, with == and !=",
    "like": "texts can only be compared as a whole, with == and !=",
}


def parse(condition: str) -> Node:
    """Return the tree of a condition. Raises ConditionError at the first place where it is none."""
    return _Parser(condition).whole()


class _Parser:
    def __init__(self, condition: str) -> None:
        self._condition = condition
        self._tokens = tokens(condition)
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._disjunction()
        if self._next.mark is not Mark.END:
            raise self._no_operator()
        return node

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self, mark: Mark, *texts: str) -> Token | None:
        """Take the next token if it is one of these."""
        token = self._next
        if token.mark is not mark or (texts and token.text not in texts):
            return None
        self._at += 1
        return token

    def _inside(self, token: Token, parse: Callable[[], Node]) -> Node:
        """Parse what stands inside a bracket or under a sign; the depth of these is bounded."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise fail(token.span.start, f"nested more than {MAX_DEPTH} deep: write it with fewer brackets, or as two rules")
        node = parse()
        self._depth -= 1
        return node

    def _disjunction(self) -> Node:
        return self._junction("or", self._conjunction)

    def _conjunction(self) -> Node:
        return self._junction("and", self._negation)

    def _junction(self, word: str, operand: Callable[[], Node]) -> Node:
        operands = [operand()]
        while self._take(Mark.WORD, word):
            operands.append(operand())
        if len(operands) == 1:
            return operands[0]
        return Junction(_around(operands[0], operands[-1]), word, tuple(operands))

    def _negation(self) -> Node:
        if token := self._take(Mark.WORD, "not"):
            operand = self._inside(token, self._negation)
            return Not(Span(token.span.start, operand.span.end), operand)
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._sum()
        operator = self._take(Mark.SIGN, *COMPARISONS)
        if operator is None:
            return left
        right = self._sum()
        if second := self._take(Mark.SIGN, *COMPARISONS):
            raise self._chained(left, operator, right, second)
        return Comparison(_around(left, right), operator.text, left, right)

    def _sum(self) -> Node:
        return self._arithmetic(("+", "-"), self._product)

    def _product(self) -> Node:
        return self._arithmetic(("*", "/"), self._signed)

    def _arithmetic(self, signs: tuple[str, str], operand: Callable[[], Node]) -> Node:
        operands, operators = [operand()], []
        while sign := self._take(Mark.SIGN, *signs):
            operators.append(sign.text)
            operands.append(operand())
        if not operators:
            return operands[0]
        return Arithmetic(_around(operands[0], operands[-1]), tuple(operators), tuple(operands))

    def _signed(self) -> Node:
        if token := self._take(Mark.SIGN, "-"):
            operand = self._inside(token, self._signed)
            return Minus(Span(token.span.start, operand.span.end), operand)
        return self._primary()

    def _primary(self) -> Node:
        if token := self._take(Mark.SIGN, "("):
            return self._bracketed(token)
        if token := self._take(Mark.NUMBER):
            return Constant(token.span, number(token))
        if token := self._take(Mark.TEXT):
            return Constant(token.span, token.text)
        if token := self._take(Mark.WORD, "true", "false"):
            return Constant(token.span, token.text == "true")
        if token := self._take(Mark.NAME):
            return self._name(token)
        raise self._no_value()

    def _bracketed(self, bracket: Token) -> Node:
        node = self._inside(bracket, self._disjunction)
        if end := self._take(Mark.SIGN, ")"):
            return replace(node, span=Span(bracket.span.start, end.span.end))
        if self._next.mark is Mark.END:
            raise fail(bracket.span.start, "this ( is never closed: its ) is missing")
        raise self._no_operator()

    def _name(self, token: Token) -> Node:
        if self._next.mark is Mark.SIGN and self._next.text == "(":
            raise fail(token.span.start, f"there are no functions: take the ( after {quoted(token.text)} away, or write an operator before it")
        return Name(token.span, token.text)

    def _no_value(self) -> Exception:
        token = self._next
        if token.mark is Mark.END:
            missing = "is empty" if self._at == 0 else "ends where a value should stand"
            return fail(token.span.start, f"the condition {missing}: write for example status == 'unhealthy'")
        if token.text == "not":
            return fail(token.span.start, "not binds less than this: put it and what it negates in brackets")
        return fail(token.span.start, f"expected a value, not {quoted(token.text)}: a name, a number, or a text in quotes")

    def _no_operator(self) -> Exception:
        token = self._next
        shown = self._condition[token.span.start : token.span.end]
        if token.text == ")":
            return fail(token.span.start, "no ( was opened for this ): take it away")
        advice = _INSTEAD.get(token.text.lower(), "join two comparisons with and, or")
        return fail(token.span.start, f"expected an operator before {quoted(shown)}: {advice}")

    def _chained(self, left: Node, first: Token, right: Node, second: Token) -> Exception:
        middle = self._condition[right.span.start : right.span.end]
        start = self._condition[left.span.start : right.span.end]
        advice = f"{start} and {middle} {second.text} …"
        after = self._at
        end = self._tokens[after].span
        if self._tokens[after].mark in (Mark.NUMBER, Mark.NAME, Mark.TEXT):
            advice = f"{start} and {middle} {second.text} {self._condition[end.start : end.end]}"
        if len(advice) > 80 or not advice.isprintable():  # noqa: PLR2004  a message is one line
            advice = f"a {first.text} b and b {second.text} c"
        return fail(second.span.start, f"a comparison has two sides only: write {advice}")


def _around(first: Node, last: Node) -> Span:
    return Span(first.span.start, last.span.end)
