"""The expression that `defaultMemoryMbytes` of an Actor's definition can be: parsed here, and computed for each run.

It is the language of Apify's package actor-memory-expression: the arithmetic of math.js, `and`, `or`, `xor`, `not`,
`??`, `a ? b : c`, the functions in `memory_values.py`, variables (`urls = 3; urls * 128`), `input` and `runOptions`,
both also in braces (`{{input.pages}}`). What math.js has besides, such as functions of one's own, matrices by index and
a product without its sign, is refused. Nothing of it is Python, and it ends, for it has no loops.
"""

import math
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

from resources.runs import memory_values as values
from resources.runs.memory_values import FUNCTIONS, UNDEFINED, CannotCompute

MAX_LENGTH: Final = 1000
_MAX_DEPTH: Final = 30
RUN_OPTIONS: Final = frozenset(
    {"build", "timeoutSecs", "memoryMbytes", "diskMbytes", "maxItems", "maxTotalChargeUsd", "restartOnError"}
)
_CONSTANTS: Final = {"true": True, "false": False, "null": None, "undefined": UNDEFINED}
_IN_BRACES = re.compile(r"\{\{\s*([a-zA-Z0-9_.]+)\s*\}\}")
_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]))"
    r"|(?P<text>\"[^\"\\\n]*\"|'[^'\\\n]*')"
    r"|(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)"
    r"|(?P<sign>\?\?|\?\.(?![0-9])|==|!=|[-+*/^()\[\],.?:=<>;\n])",
    re.ASCII,
)

Scope = dict[str, Any]
Node = Callable[[Scope], Any]


class BadExpression(ValueError):
    """What is no expression for memory; the message says why, as the rest of a sentence."""


def parse(text: str) -> Callable[[Mapping[str, Any], Mapping[str, Any]], float]:
    """Return a function of the input and the options of a run that computes an expression, in megabytes.

    What it returns is a number above 0, and no power of two as yet; else it raises CannotCompute.

    Raises:
        BadExpression: when the text is no such expression.
    """
    statements = _Parser(text).parse()

    def compute(given: Mapping[str, Any], options: Mapping[str, Any]) -> float:
        scope: Scope = {
            "input": dict(given),
            "runOptions": {name: options.get(name, UNDEFINED) for name in RUN_OPTIONS},
        }
        try:
            found = [statement(scope) for statement in statements][-1]
            mbytes = 0.0 if isinstance(found, bool) or not isinstance(found, int | float) else float(found)
        except (ArithmeticError, ValueError, RecursionError) as error:
            raise CannotCompute(str(error)) from None
        if not 0 < mbytes < math.inf:
            raise CannotCompute("it is no number above 0")
        return mbytes

    return compute


class _Parser:
    """One text, from left to right; each method parses what binds at least as tightly as its name says."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise BadExpression(f"it is longer than {MAX_LENGTH} characters")
        self._tokens = _tokens(_IN_BRACES.sub(_without_braces, text))
        self._at = self._depth = 0
        self._names = {"input", "runOptions"}

    def parse(self) -> list[Node]:
        """Return the statements, each a function of the variables; the last one is the result."""
        found = []
        while True:
            while self._take(";", "\n"):
                pass
            if self._is_over():
                break
            found.append(self._statement())
            if not self._is_over() and not self._take(";", "\n"):
                raise BadExpression(f"it cannot go on with {self._next()!r}")
        if not found:
            raise BadExpression("it is empty")
        if self._tokens[-1][1] == ";":
            raise BadExpression("its last part must not end with ;")
        return found

    def _statement(self) -> Node:
        kind, name = self._tokens[self._at]
        if kind == "name" and self._tokens[self._at + 1 : self._at + 2] == [("sign", "=")]:
            if name in {"input", "runOptions", *FUNCTIONS, *_CONSTANTS}:
                raise BadExpression(f"{name} cannot be given another value")
            self._at += 2
            value = self._conditional()
            self._names.add(name)
            return lambda scope: scope.__setitem__(name, value(scope))
        return self._conditional()

    def _conditional(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise BadExpression("it is nested too deeply")
        condition = self._or()
        if self._take("?"):
            chosen = self._conditional()
            self._expect(":")
            other = self._conditional()
            node: Node = lambda scope: (chosen if values.is_true(condition(scope)) else other)(scope)  # noqa: E731
        else:
            node = condition
        self._depth -= 1
        return node

    def _or(self) -> Node:
        return self._binary(self._xor, {"or": values.either})

    def _xor(self) -> Node:
        return self._binary(self._and, {"xor": values.one})

    def _and(self) -> Node:
        return self._binary(self._relation, {"and": values.both})

    def _relation(self) -> Node:
        """Parse comparisons; `1 < a < 3` compares each two that are beside each other."""
        operands, compared = [self._sum()], []
        while sign := self._take(*_COMPARE):
            compared.append(_COMPARE[sign])
            operands.append(self._sum())
        if not compared:
            return operands[0]

        def compare(scope: Scope) -> bool:
            found = [each(scope) for each in operands]
            return all(do(*pair) for do, pair in zip(compared, pairwise(found), strict=True))

        return compare

    def _sum(self) -> Node:
        return self._binary(self._product, {"+": values.add, "-": values.subtract})

    def _product(self) -> Node:
        return self._binary(self._unary, {"*": values.multiply, "/": values.divide})

    def _unary(self) -> Node:
        for sign, do in (("-", lambda value: -values.number(value)), ("not", values.negate)):
            if self._take(sign):
                self._depth += 1
                if self._depth > _MAX_DEPTH:
                    raise BadExpression("it is nested too deeply")
                operand = self._unary()
                self._depth -= 1
                return lambda scope, do=do, operand=operand: do(operand(scope))  # type: ignore[misc]  # bound now
        return self._power()

    def _power(self) -> Node:
        base = self._binary(self._value, {"??": values.first_there})
        if not self._take("^"):
            return base
        exponent = self._unary()
        return lambda scope: values.power(base(scope), exponent(scope))

    def _binary(self, operand: Callable[[], Node], signs: Mapping[str, Callable[[Any, Any], Any]]) -> Node:
        node = operand()
        while sign := self._take(*signs):
            node = _apply(signs[sign], node, operand())
        return node

    def _value(self) -> Node:
        """Parse a value and the properties that are asked of it."""
        node, steps = self._primary(), []
        while sign := self._take(".", "?.", "["):
            if sign == "[":
                steps.append((self._token("text")[1:-1], False))
                self._expect("]")
            else:
                steps.append((self._token("name"), sign == "?."))
        return (lambda scope: _follow(node(scope), steps)) if steps else node

    def _primary(self) -> Node:
        if self._take("("):
            node = self._conditional()
            self._expect(")")
            return node
        if self._take("["):
            items = self._list("]")
            return lambda scope: [item(scope) for item in items]
        kind, word = ("", "") if self._is_over() else self._tokens[self._at]
        self._at += 1
        if kind == "name":
            return self._named(word)
        if kind in ("number", "text"):
            constant = float(word) if kind == "number" else word[1:-1]
            return lambda scope: constant
        raise BadExpression(f"a value is missing before {word!r}" if word else "a value is missing at its end")

    def _named(self, name: str) -> Node:
        if name in _CONSTANTS:
            return lambda scope: _CONSTANTS[name]
        if name in self._names:
            return lambda scope: scope[name]
        if name not in FUNCTIONS or not self._take("("):
            raise BadExpression(f"{name!r} is not known in it")
        arguments = self._list(")")
        do, least, most = FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            raise BadExpression(f"{name} takes another number of values than {len(arguments)}")
        return lambda scope: do(*(argument(scope) for argument in arguments))

    def _list(self, end: str) -> list[Node]:
        if self._take(end):
            return []
        found = [self._conditional()]
        while self._take(","):
            found.append(self._conditional())
        self._expect(end)
        return found

    def _is_over(self) -> bool:
        return self._at >= len(self._tokens)

    def _next(self) -> str:
        return "" if self._is_over() else self._tokens[self._at][1]

    def _take(self, *wanted: str) -> str:
        """Step over a sign or word, and return it, if it is one of these; else return ""."""
        if self._is_over() or self._tokens[self._at][0] == "text" or self._next() not in wanted:
            return ""
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise BadExpression(f"{sign} is missing")

    def _token(self, kind: str) -> str:
        if self._is_over() or self._tokens[self._at][0] != kind:
            raise BadExpression(f"a {kind} is missing")
        self._at += 1
        return self._tokens[self._at - 1][1]


_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": values.equal,
    "!=": lambda left, right: not values.equal(left, right),
    "<": values.smaller,
    ">": lambda left, right: values.smaller(right, left),
}


def _apply(do: Callable[[Any, Any], Any], left: Node, right: Node) -> Node:
    return lambda scope: do(left(scope), right(scope))


def _follow(value: Any, steps: list[tuple[str, bool]]) -> Any:
    for name, may_be_missing in steps:
        if may_be_missing and values.is_nothing(value):
            return UNDEFINED
        value = values.get_property(value, name)
    return value


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    depth = 0
    while at < len(text):
        if text[at] in " \t\r":
            at += 1
            continue
        token = _TOKEN.match(text, at)
        if token is None:
            raise BadExpression(f"it cannot have {text[at : at + 10]!r}")
        at, word = token.end(), token.group()
        depth += (word in ("(", "[")) - (word in (")", "]"))
        if word != "\n" or depth <= 0:  # within brackets a line may end anywhere
            found.append((str(token.lastgroup), word))
    return found


def _without_braces(found: re.Match[str]) -> str:
    """Return the name that stands in braces."""
    name = found.group(1)
    place, _, option = name.partition(".")
    if place not in ("input", "runOptions") or not option:
        raise BadExpression(f"{{{{{name}}}}} is neither of the input nor of runOptions")
    if place == "runOptions" and option not in RUN_OPTIONS:
        raise BadExpression(f"a run has no option {option!r}")
    return name
