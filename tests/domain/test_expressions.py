"""The lambda language: what it can say, what it refuses to read, and that nothing in it runs away."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_server.domain.expressions import (
    Expression,
    ExpressionError,
    ForbiddenExpressionError,
    compile_expression,
)

pytestmark = pytest.mark.unit

EVIDENCE: dict[str, Any] = {
    "frs": 5,
    "goals": 3,
    "files": ["a.py", "b.py"],
    "sizes": {"a.py": 10, "b.py": 0},
    "log": "12 passed, 0 failed",
    "done": True,
    "ratio": 0.5,
    "nothing": None,
}


def value_of(body: str, evidence: object = EVIDENCE) -> Any:
    return compile_expression(f"lambda e: {body}")(evidence)


@pytest.mark.requirement("format:expressions")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("e['frs'] >= e['goals']", True),
        ("1 < e['goals'] <= 3", True),
        ("1 < e['goals'] < 3", False),
        ("e['frs'] != 5", False),
        ("e['goals'] > 3 or e['done']", True),
        ("e['goals'] > 3 and e['done']", False),
        ("not e['done']", False),
        ("e['done'] is True", True),
        ("e['nothing'] is not None", False),
        ("-e['frs'] + 2 * 3 - +1", 0),
        ("7 // 2 + 7 % 2 + 2 ** 3 + 1 / 2", 12.5),
        ("(5 & 3) | (4 ^ 1)", 5),
        ("{'a', 'b'} & set(e['files']) == set() and list() == []", True),
        ("2 ** 0.5 < 1.5", True),
        ("e['files'][0]", "a.py"),
        ("e['files'][-1][:1]", "b"),
        ("e['log'][::2][:3]", "1 a"),
        ("len(e['files']) if e['done'] else 0", 2),
        ("0 if e['nothing'] else 1", 1),
        ("all(f.endswith('.py') for f in e['files'])", True),
        ("any(size > 5 for size in e['sizes'].values())", True),
        ("any(size > 50 for size in e['sizes'].values())", False),
        ("[f for f in e['files'] if e['sizes'][f]]", ["a.py"]),
        ("{f[0] for f in e['files']}", {"a", "b"}),
        ("{k: v + 1 for k, v in e['sizes'].items()}", {"a.py": 11, "b.py": 1}),
        ("[a + b for a in 'xy' for b in 'zw']", ["xz", "xw", "yz", "yw"]),
        ("[n for n in [1, 2, 3, 4] if n > 1 if n < 4]", [2, 3]),
        ("[a for (a, (b, c)) in [(1, (2, 3))] if b + c == 5]", [1]),
        ("set(e['sizes'].keys()) == set(e['files'])", True),
        ("set(e['files']).issubset(e['sizes'])", True),
        ("{1, 2}.union(n for n in [2, 3])", {1, 2, 3}),
        ("'failed' in e['log'] and 'x' not in e['files']", True),
        ("'a.py' in e['sizes']", True),
        ("2 in (n for n in [1, 2])", True),
        ("1 in {1: 2}", True),
        ("e['log'].split(', ')[0].removesuffix(' passed').strip().isdigit()", True),
        ("int(e['log'].split()[0]) + float('0.5')", 12.5),
        ("'-'.join(e['files']).upper().replace('PY', 'x').count('x')", 2),
        ("e['log'].partition(',')[0]", "12 passed"),
        ("e['log'].rfind('0') > e['log'].find('1')", True),
        ("e.get('missing', 7)", 7),
        ("min(e['frs'], e['goals']) + max([1, 9]) + sum([1, 2.5])", 15.5),
        ("max([], default=4)", 4),
        ("sorted([3, 1, 2], reverse=True)", [3, 2, 1]),
        ("sorted(e['sizes'])", ["a.py", "b.py"]),
        ("abs(-2) + round(2.567, 1) + round(2.5)", 6.6),
        ("str(1) + str(True)", "1True"),
        ("bool(e['files']) and bool(e['done'])", True),
        ("list(range(2)) + list((5,))", [0, 1, 5]),
        ("tuple([1, 2]) == (1, 2)", True),
        ("(1, 2).index(2) + [3, 3].count(3)", 3),
        ("isinstance(e['log'], str) and isinstance(e['ratio'], (int, float))", True),
        ("'ab' * 2 + ''.join(['c'] * 2)", "ababcc"),
        ("sum(1 for f in e['files'])", 2),
        ("{'a': 1}['a']", 1),
    ],
)
def test_an_expression_says_what_python_would(body: str, expected: object) -> None:
    assert value_of(body) == expected


def test_true_is_no_integer_as_in_the_rest_of_a_gate() -> None:
    assert value_of("isinstance(e['done'], int)") is False
    assert value_of("isinstance(e['done'], bool)") is True


def test_and_and_or_stop_where_python_stops() -> None:
    assert value_of("e.get('x') and e['missing']") is None
    assert value_of("e['done'] or e['missing']") is True
    assert value_of("any(n == 1 or 1 / 0 for n in [1, 2])") is True


def test_further_parameters_are_given_by_position() -> None:
    between = compile_expression("lambda x, low, high: low <= x <= high")
    assert between.parameters == ("x", "low", "high")
    assert between(2, 1, 3) is True


def test_the_wrong_number_of_values_is_an_error() -> None:
    with pytest.raises(ExpressionError, match="2 values are needed, 1 were given"):
        compile_expression("lambda x, y: x")(1)


def test_an_expression_knows_the_fields_it_looks_at() -> None:
    expression = compile_expression(
        "lambda e: e['a'] > e.get('b', 0) and e['a'] and other_free(e)".replace("other_free(e)", "len(e) > 1")
    )
    assert expression.inputs == ("a", "b")


def test_the_same_text_is_compiled_once() -> None:
    assert compile_expression("lambda x: x > 41") is compile_expression("lambda x: x > 41")


@pytest.mark.requirement("format:no-eval")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x > 0", "form 'lambda"),
        ("", "no expression"),
        ("lambda x:", "no expression"),
        ("lambda x: '\x00'", "no expression"),
        # How deep the parser goes differs between versions of Python.
        ("-" * 3_000 + "1", "no expression|form 'lambda"),
        ("lambda x: " + "x + " * 1_200 + "x", "at most 4000 characters"),
        ("lambda x: " + "-" * 70 + "x", "nested too deeply"),
        ("lambda: 1", "needs a parameter"),
        ("lambda x=1: x", "plain parameters"),
        ("lambda *x: x", "plain parameters"),
        ("lambda **x: x", "plain parameters"),
        ("lambda x, /: x", "plain parameters"),
        ("lambda *, x: x", "plain parameters"),
        ("lambda __x: 1", "'__x' is not allowed"),
        ("lambda x: [1 for __y in x]", "'__y' is not allowed"),
        ("lambda x: __import__('os').system('true')", "'system' is not allowed|'__import__' is not allowed"),
        ("lambda x: open(x)", "function 'open' is not allowed"),
        ("lambda x: eval(x)", "function 'eval' is not allowed"),
        ("lambda x: getattr(x, 'y')", "function 'getattr' is not allowed"),
        ("lambda x: x.__class__", "attribute '__class__' is not allowed"),
        ("lambda x: x.real", "attribute 'real' is not allowed"),
        ("lambda x: '{0}'.format(x)", "method 'format' is not allowed"),
        ("lambda x: x.format_map(x)", "method 'format_map' is not allowed"),
        ("lambda x: x.pop()", "method 'pop' is not allowed"),
        ("lambda x: x.append(1)", "method 'append' is not allowed"),
        ("lambda x: x.encode()", "method 'encode' is not allowed"),
        ("lambda x: x.ljust(10**9)", "method 'ljust' is not allowed"),
        ("lambda x: x(1)", "'x' is a value and cannot be called"),
        ("lambda x: x[0](1)", "only functions and methods"),
        ("lambda x: (lambda y: y)(x)", "only functions and methods"),
        ("lambda x: [lambda y: y]", "a lambda inside an expression is not allowed"),
        ("lambda x: f'{x}'", "a formatted string is not allowed"),
        ("lambda x: (y := x)", "an assignment is not allowed"),
        ("lambda x: [*x]", "unpacking is not allowed"),
        ("lambda x: {**x}", "unpacking is not allowed"),
        ("lambda x: max(*x)", "unpacking is not allowed"),
        ("lambda x: max(**x)", r"'max' does not take '\*\*'"),
        ("lambda x: sorted(x, key=len)", "'sorted' does not take 'key'"),
        ("lambda x: int(x, base=2)", "'int' does not take 'base'"),
        ("lambda x: x << 9", "operator << is not allowed"),
        ("lambda x: x >> 9", "operator >> is not allowed"),
        ("lambda x: x @ x", "operator @ is not allowed"),
        ("lambda x: ~x", "operator ~ is not allowed"),
        ("lambda x: b'a'", "constant b'a' is not allowed"),
        ("lambda x: 1j", "constant 1j is not allowed"),
        ("lambda x: ...", r"constant \.\.\. is not allowed"),
        ("lambda x: y", "name 'y' is not known"),
        ("lambda x: len", "name 'len' is not known"),
        ("lambda x: [y for y in x] + [y]", "name 'y' is not known"),
        ("lambda x: [1 async for y in x]", "asynchronous"),
        ("lambda x: [1 for x[0] in x]", "binds plain names"),
        ("lambda x: [1 for [a] in x]", "binds plain names"),
        ("lambda x: isinstance(x, y)", "isinstance knows the types"),
        ("lambda x: isinstance(x)", "isinstance takes a value and a type"),
        ("lambda x: (yield x)", "yield is not allowed"),
        ("lambda x: re.match('a', x)", "method 'match' is not allowed"),
    ],
)
def test_what_is_not_on_the_list_is_refused_by_name(text: str, reason: str) -> None:
    with pytest.raises(ForbiddenExpressionError, match=reason):
        compile_expression(text)


@pytest.mark.requirement("format:expressions")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("e['missing'] > 1", "it needs 'missing'"),
        ("e['files'] > 1", "values of this kind"),
        ("e['files'][9]", "values of this kind"),
        ("1 / 0", "it divides by zero"),
        ("1 // (len(e['files']) - len(e['files']))", "it divides by zero"),
        ("1 % 0", "it divides by zero"),
        ("0.5 % 0.0", "it divides by zero"),
        ("int('x')", "values of this kind"),
        ("float('1e400')", "not finite"),
        ("float('nan') < 1", "not finite"),
        ("1e308 * 10", "not finite"),
        ("9 ** 9 ** 9", "too large"),
        ("2 ** 4095 * 2 ** 4095", "too large"),
        ("sum([2 ** 4000] * 2000) ** 1", "too large|too many"),
        ("(-8) ** 0.5", "not real"),
        ("'a' * 10 ** 9", "repetition"),
        ("[1] * 10 ** 9", "repetition"),
        ("10 ** 9 * 'a'", "repetition"),
        ("'%099999999d' % 1", "text cannot be formatted"),
        ("round(5, -10 ** 9)", "too many digits"),
        ("round(5, 0, 0)", "values of this kind"),
        ("len(1, 2)", "'len' does not take 2 values"),
        ("any()", "'any' does not take 0 values"),
        ("[n for n in range(10 ** 9)]", "too many steps"),
        ("sum(range(10 ** 9))", "too many steps"),
        ("[1 for a in range(999) for b in range(999) for c in range(999)]", "too many steps"),
        ("[n for n in 'a']['a']", "values of this kind"),
        ("(n for n in e['files'])", "has to be used"),
        ("not (n for n in [0])", "has to be used"),
        ("1 if (n for n in [0]) else 2", "has to be used"),
        ("sum(['a'])", "only numbers can be summed"),
        ("set(range(20_000))", "a set holds at most 10000"),
        ("{n for n in range(20_000)}", "a set holds at most 10000"),
        ("{n: 1 for n in range(20_000)}", "a set holds at most 10000"),
        ("[a for a, b in [1]]", "cannot be taken apart into 2 parts"),
        ("[a for a, b in [(1, 2, 3)]]", "cannot be taken apart into 2 parts"),
        ("e['frs'].lower()", "'lower' cannot be asked"),
        ("e['files'].get('a')", "'get' cannot be asked"),
        ("[[]] in {1}", "values of this kind"),
        ("e['files'].index('zzz')", "values of this kind"),
    ],
)
def test_evidence_that_does_not_fit_is_an_error_and_never_a_value(body: str, reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason):
        value_of(body)


BIG = "a" * 5_000_000


@pytest.mark.requirement("format:expressions")
@pytest.mark.parametrize(
    "body",
    [
        "e['t'].replace('a', 'b' * 100000)",
        "e['t'].rfind('a' * 50000 + 'b')",
        "e['t'].rsplit('a' * 50000 + 'b')",
        "e['t'].strip('b' * 50000 + 'a')",
        "e['t'].split('a')",
        "[e['t'].lower() for n in range(1000)]",
        "[e['t'] + 'a' for n in range(1000)]",
        "[e['t'][1:] for n in range(1000)]",
        "e['t'].join(['a'] * 1000)",
        "sorted(e['l'] * 50)",
        "sorted(e['n'] + e['n'])",
        "str(e['l'] * 500)",
        "[n in e['n'] for n in e['n']]",
        "[e['l'] == e['m'] for n in range(1000)]",
        "[e['l'] == {} for n in range(10000)]",
        "[e['d'] == e['d'] for n in range(10000)]",
        "list(e['t'])",
        "any(c == 'b' for c in e['t'])",
    ],
)
def test_large_evidence_is_given_up_within_the_budget_of_steps(body: str) -> None:
    evidence = {
        "t": BIG,
        "l": [["x"] * 50] * 50,
        "m": [["x"] * 50] * 49 + [["y"]],
        "n": list(range(50_000)),
        "d": {str(number): "x" * 640 for number in range(1_000)},
    }
    with pytest.raises(ExpressionError, match=r"too many steps|repetition"):
        value_of(body, evidence)


def test_ordinary_questions_about_large_evidence_are_answered() -> None:
    assert value_of("len(e['t']) > 1000 and 'b' not in e['t'] and e['t'].lower().count('b') == 0", {"t": BIG}) is True


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "==", "<", ">=", "in", "is", "and", "or"]
CALLED = ["len", "min", "max", "sum", "any", "all", "sorted", "str", "int", "float", "list", "set", "bool", "abs"]
ASKED = ["split", "join", "count", "get", "keys", "strip", "replace"]
BODIES = st.recursive(
    st.sampled_from(["e", "e['a']", "e.get('b')", "(0)", "(1.5)", "'x'", "True", "None", "[]", "{}"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(OPERATORS), inner),
        st.builds("{}({})".format, st.sampled_from(CALLED), inner),
        st.builds("[y for y in {} if {}]".format, inner, inner),
        st.builds("any(y == {} for y in {})".format, inner, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}.{}({})".format, inner, st.sampled_from(ASKED), inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=10,
)


@settings(max_examples=300, deadline=2_000)
@given(body=BODIES, evidence=JSON)
def test_whatever_it_says_and_meets_an_expression_gives_a_value_or_its_own_error(body: str, evidence: object) -> None:
    expression = compile_expression(f"lambda e: {body}")
    with suppress(ExpressionError):
        bool(expression(evidence))


@settings(max_examples=300, deadline=2_000)
@given(
    text=st.text(max_size=60) | st.text(alphabet="lambdx: ()[]{}'.,_0+*=eforin", max_size=60).map("lambda x: {}".format)
)
def test_any_text_is_an_expression_or_is_refused(text: str) -> None:
    with suppress(ForbiddenExpressionError):
        assert isinstance(compile_expression(text), Expression)
