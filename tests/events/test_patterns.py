r"""Patterns of file names: what each matches, and what cannot be one."""

from __future__ import annotations

import time

import pytest

from events.names import to_text
from events.patterns import PATTERNS_MAX, TEXT_MAX, Patterns, fault

MATCHES = [
    ("*.tmp", "a.tmp sh/010/a.tmp .tmp a,b.tmp", "a.tmp2 a.TMP a.tmp/b"),
    ("a?c", "abc x/aöc", "ac a/c abbc"),
    (r"[ab]?.exr", "a1.exr b\\\\.exr", "c1.exr a.exr"),
    (r"[!a-c]", "d x/é \\xe9", "a b c dd"),
    ("[]x]", "] x", "[ a"),
    ("[^^]", "a", "^"),
    ("/notes", "notes", "a/notes"),
    ("sh010/*.exr", "sh010/a.exr", "x/sh010/a.exr sh010/b/a.exr"),
    ("a/**/b", "a/b a/x/b a/x/y/b", "ab x/a/b a/bb"),
    ("**/b", "b a/b a/x/b", "bb a/b/c"),
    ("a/**", "a/b a/x/y", "a b/a"),
    ("a**z", "az a/b/z abz", "xa/z/y"),
    (r"\*\,\[", "*,[ x/*,[", "a,["),
    (r"a\\b", r"a\\b", r"a\xe9b"),
    (r"caf\xe9*", r"caf\xe9.mov x/caf\xe9", "café cafe9"),
    ("*e9", "e9 fe9", r"caf\xe9"),
    ("re('^sh0[0-9]+/')", "sh010/a sh01/b/c", "x/sh010/a sho/a"),
    ("re('a{1,2},b$')", "xaa,b", "a,bc"),
    (r"""re("it's\"")""", "it's\"", "its"),
    (r"re('(?i)\.TMP$')", "a.tmp a.TMP", "a.tmp.x"),
    (" *.a ,\n\n ,*.b\n", "x.a x.b", "x.c"),
    ("[ ]x[ ]", " x ", "x"),
]


@pytest.mark.parametrize(("text", "yes", "no"), MATCHES)
def test_a_pattern_matches_what_it_says(text: str, yes: str, no: str) -> None:
    patterns = Patterns(text)
    between = "\0" if " x " in yes else " "
    for uri in yes.split(between):
        assert patterns.match(uri, folder=False), uri
        assert patterns.match(uri, folder=True), uri
    for uri in no.split(between):
        assert not patterns.match(uri, folder=True), uri


def test_a_slash_at_the_end_is_about_folders_only() -> None:
    patterns = Patterns("cache/, /top/")
    assert [patterns.match(one, folder=True) for one in ("cache", "x/cache", "top", "x/top")] == [
        True,
        True,
        True,
        False,
    ]
    assert not patterns.match("cache", folder=False)


def test_names_of_any_bytes_are_matched_as_wholes() -> None:
    for name in (b"a\nb", b"\xff\xfe", b"\\", "日本".encode(), b"a b"):
        assert Patterns("*").match(to_text(name), folder=False)
        assert Patterns("x/*").match("x/" + to_text(name), folder=False)
    assert Patterns("??").match(to_text(b"\xff\xfe"), folder=False)
    assert not Patterns("?").match(to_text(b"\xff\xfe"), folder=False)


def test_no_pattern_is_no_match() -> None:
    for text in ("", " ", ",\n,"):
        assert not Patterns(text)
        assert not Patterns(text).match("a", folder=True)
    assert Patterns("*/")


WRONG = [
    ("[a", "write \\["),
    ("[]", "[ without its ]"),
    ("[!]", "[ ]"),
    ("[a/b]", "a slash"),
    ("a\\", "backslash"),
    (r"\x41", "write the character itself"),
    ("re('(')", "missing )"),
    (r"re('(a)\1')", "cannot be read"),
    ("re('(?=a)')", "cannot be read"),
    ("a, xre('b')", "stands alone"),
    ("/", "names nothing"),
    ("//a", "names nothing"),
    ("[z-a]", "cannot be read"),
    ("a" * (TEXT_MAX + 1), "at most 4096"),
    (",".join(["a"] * (PATTERNS_MAX + 1)), "at most 200"),
    ("re('((((a{1,100}){1,100}){1,100}){1,100})')", "cannot be read"),
    (",".join(f"re('{n}.{{0,900}}z')" for n in range(199)), "too much memory"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_what_is_no_pattern_is_refused_with_what_to_write(text: str, words: str) -> None:
    assert words in fault(text)
    assert not fault("*.exr")


def test_no_pattern_makes_a_long_name_slow() -> None:
    """Each of these takes an engine that backtracks longer than anyone waits."""
    patterns = Patterns("*a*a*a*a*a*a*a*a*a*b, re('(a+)+$'), re('(a|a?)+b'), **a**a**a**a**c")
    uri = "/".join(["a" * 200] * 20)
    patterns.match(uri, folder=True)
    started = time.process_time()
    for _ in range(100):
        patterns.match(uri + "!", folder=False)
    assert time.process_time() - started < 2
