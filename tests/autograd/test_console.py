"""The frame of every program: what it prints where the output takes no such sign, or is closed, and its exit codes."""

import io
import os
import subprocess
import sys

import pytest

from autograd import console


def wrapped(encoding):
    """A text stream over bytes, which writes when it is flushed."""
    return io.TextIOWrapper(io.BytesIO(), encoding)


@pytest.mark.parametrize(
    ("character", "ascii"),
    [
        ("±", "+-"),
        ("σ", "sigma"),
        ("Δ", "Delta"),
        ("²", "^2"),
        ("⁻", "^-"),
        ("₁", "1"),
        ("é", "e"),
        ("½", "1/2"),
        ("한", "\\ud55c"),
        ("가", "\\uac00"),
        ("ς", "\\u03c2"),
        ("\x85", "\\x85"),
        ("\udcff", "\\udcff"),
    ],
)
def test_a_sign_has_an_ascii_form_or_an_escape(character, ascii):
    assert console.in_ascii(character) == ascii


def test_a_stream_takes_the_signs_that_its_encoding_lacks(monkeypatch):
    out, err = wrapped("ascii"), wrapped("cp1252")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    console.printable()
    for stream in (out, err):
        stream.write("σσ² ± 1")
        stream.flush()
    assert out.buffer.getvalue() == b"sigmasigma^2 +- 1"
    assert err.buffer.getvalue().decode("cp1252") == "sigmasigma² ± 1"


def test_what_is_written_to_a_closed_stream_goes_nowhere(monkeypatch):
    """A stream of another kind is left as it is."""
    other = io.StringIO()
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", other)
    console.printable()
    with sys.stdout as stream:
        assert stream.write("± 한 \udcff") == 5
        stream.flush()
        assert (stream.encoding, stream.errors) == ("utf-8", "readable")
    assert sys.stderr is other


def test_a_sentence_is_written_at_once(monkeypatch):
    monkeypatch.setattr(sys, "stderr", wrapped("utf-8"))
    console.say("stopped: interrupted")
    assert sys.stderr.buffer.getvalue() == b"stopped: interrupted\n"


def ended(body):
    """The exit code and the errors of a program that runs `body` in the frame; nobody reads its output.

    It keeps its output until the end, as Python does unless PYTHONUNBUFFERED is set.
    """
    code = f"import sys\nfrom autograd import console\ndef main():\n    {body}\nconsole.run(main)"
    environment, pipe = os.environ | {"PYTHONUNBUFFERED": ""}, subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=pipe, stderr=pipe, text=True
    ) as program:
        program.stdout.close()
        errors = program.stderr.read()
    return program.returncode, errors


@pytest.mark.parametrize(
    ("body", "code", "errors"),
    [
        ("return None", 0, ""),
        ("return 3", 3, ""),
        ("print('text')", console.NO_READER, ""),
        ("raise KeyboardInterrupt", console.INTERRUPTED, "stopped: interrupted\n"),
    ],
)
def test_a_program_ends_with_its_code_and_without_a_traceback(body, code, errors):
    assert ended(body) == (code, errors)
