r"""The JSON of a call: RFC 8259, a backslash before `'`, `,` and `;`, and nothing that two readers read differently."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.interfaces.partner.parsing import NotJsonError, read_object

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=6)


@given(OBJECTS, st.booleans())
def test_any_json_object_is_read_as_json_has_it(value, ascii_only):
    assert read_object(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(
    st.dictionaries(TEXT, TEXT | st.sampled_from(["O'Brien", "a,b;c", "\\'", "'\\", "\\\\,;'"]), max_size=6)
)
def test_names_escaped_the_old_way_are_the_same_names(value):
    def old(string):
        # Each of the three outside an escape gets its backslash, as the clients of the old API do it.
        return re.sub(r"\\.|[',;]", lambda part: part[0] if part[0][0] == "\\" else "\\" + part[0], string[0])

    written = re.sub(r'"(?:[^"\\]|\\.)*"', old, json.dumps(value))
    assert read_object(written.encode()) == value


READ = {
    "an apostrophe": (rb'{"lastName": "O\'Brien"}', "O'Brien"),
    "a comma": (rb'{"lastName": "Magnus\, Jr."}', "Magnus, Jr."),
    "a semicolon": (rb'{"lastName": "a\;b"}', "a;b"),
    "all three together": (rb'{"lastName": "\'\,\;\'"}', "',;'"),
    "a backslash and an apostrophe": (rb'{"lastName": "\\\'"}', "\\'"),
    "a backslash before an apostrophe that is not escaped": (rb'{"lastName": "\\' + b"'" + rb'"}', "\\'"),
    "two backslashes and a comma": (rb'{"lastName": "\\\\,"}', "\\\\,"),
    "an escaped quote beside it": (rb'{"lastName": "\"\'\""}', '"\'"'),
    "none is needed": (b'{"lastName": "O\'Brien, x; y"}', "O'Brien, x; y"),
    "JSON's own escapes": (rb'{"lastName": "\u00e9\n\/\t\'"}', "é\n/\t'"),
    "a pair of surrogates": (rb'{"lastName": "\ud83d\ude00"}', "😀"),
    "a byte order mark": (b'\xef\xbb\xbf{"lastName": "a"}', "a"),
    "blanks around": (b' \r\n\t{ "lastName" :\n"a" } \n', "a"),
    "an escape in a name": (rb'{"last\u004eame": "a"}', "a"),
    "an apostrophe in another name": (rb'{"O\'B": 1, "lastName": "a"}', "a"),
    "an integer of 64 bits": (b'{"lastName": -9223372036854775808}', -(2**63)),
}


@pytest.mark.parametrize("case", READ)
def test_is_read(case):
    content, last_name = READ[case]
    assert read_object(content)["lastName"] == last_name


REFUSED = {
    "another escape": rb'{"a": "\x41"}',
    "an escaped blank": rb'{"a": "\ "}',
    "an escaped colon": rb'{"a": "\:"}',
    "an escaped digit": rb'{"a": "\0"}',
    "an escaped line break": b'{"a": "\\\n"}',
    "another escape beside one of ours": rb'{"a": "\'\q"}',
    "an escaped comma between members": rb'{"a": 1\, "b": 2}',
    "an escaped comma between members, after a string": rb'{"a": "x"\, "b": "\'"}',
    "an escaped apostrophe around a string": rb"{\'a\': 1}",
    "a backslash at the very end": b'{"a": "\\',
    "a string that is never closed": rb'{"a": "\'',
    "half of an escape": rb'{"a": "\u00"}',
    "half of a pair of surrogates": rb'{"a": "\ud800"}',
    "the other half": rb'{"a": "\ude00x"}',
    "half of a pair in a name": rb'{"\ud800": 1}',
    "half of a pair in a list": rb'{"a": [["\ud800"]]}',
    "half of a pair in UTF-8": b'{"a": "\xed\xa0\x80"}',
    "Latin-1": '{"a": "é"}'.encode("latin-1"),
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "an overlong form of UTF-8": b'{"a": "\xc0\xaf"}',
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "a name twice": b'{"nonce": "1", "nonce": "2"}',
    "a name twice, once escaped": rb'{"nonce": "1", "nonc\u0065": "2"}',
    "a name twice, once escaped the old way": rb'{"O\'B": "1", "O' + b"'" + rb'B": "2"}',
    "a name twice, deeper": b'{"a": {"b": 1, "b": 2}}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "a number that is infinite": b'{"a": 1e999}',
    "an integer of 65 bits": b'{"a": 18446744073709551616}',
    "an integer of a million digits": b'{"a": ' + b"9" * 1_000_000 + b"}",
    "a leading zero": b'{"a": 01}',
    "a line break in a string": b'{"a": "\n"}',
    "a NUL in a string": b'{"a": "\x00"}',
    "single quotes": b"{'a': 1}",
    "a comment": b'{"a": 1} // x',
    "a comma too many": b'{"a": 1,}',
    "two objects": b"{}{}",
    "a list": b"[]",
    "a string": b'"a"',
    "null": b"null",
    "nothing": b"",
    "a hundred thousand lists": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a hundred thousand objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a hundred thousand lists, never closed": b'{"a":' + b"[" * 100_000,
}


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused(case):
    with pytest.raises(NotJsonError):
        read_object(REFUSED[case])


@given(st.binary(max_size=200) | st.text("{}[]\":,'\\;u0dn8tea1.- ", max_size=60).map(str.encode))
def test_bytes_are_read_or_refused_and_nothing_else(content):
    try:
        found = read_object(content)
    except NotJsonError:
        return
    assert json.loads(json.dumps(found)) == found


def test_what_is_refused_is_not_repeated():
    for content in (b'{"lastName": "Magnus', b'{"lastName": Magnus}', b'{"lastName": "Magnus\xff"}'):
        with pytest.raises(NotJsonError) as refused:
            read_object(content)
        assert "Magnus" not in str(refused.value)
        assert refused.value.__suppress_context__


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", [b'\\"', b"\\'", b'"', b"\\\\", b"'"])
def test_a_megabyte_of_the_worst_is_read_at_once(piece):
    """Each took minutes with a parser that looks for strings anew from each quote."""
    with pytest.raises(NotJsonError):
        read_object(b'{"a": "\\\'' + piece * (1_000_000 // len(piece)) + b"\\")
