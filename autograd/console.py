"""The frame of every program: `run` lets it print anywhere and end quietly, whatever its output is."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import signal
import sys
import unicodedata
from collections.abc import Callable
from typing import NoReturn

INTERRUPTED, NO_READER = 130, 141
"""The exit codes of a program that Ctrl-C ended, and of a program whose output nobody reads any more, as in shells."""

SIGNS = {"−": "-", "–": "-", "—": "-", "⁄": "/", "±": "+-", "×": "x", "·": ".", "→": "->", "≤": "<=", "≥": ">=",
         "≠": "!=", "≈": "~", "≡": "==", "↑": "(up)", "↓": "(down)", "‖": "||", "∂": "d", "∇": "grad",
         "√": "sqrt", "∞": "inf", "∈": "in", "⊙": "*", "⇒": "=>", "∫": "integral", "∼": "~", "⊥": "_|_",
         "⟨": "<", "⟩": ">",
         "Σ": "sum", "Π": "prod", "λ": "lambda", "Λ": "Lambda", "°": " deg", "“": '"', "”": '"', "’": "'", "′": "'",
         "█": "#", "✓": "ok", "✗": "wrong"}  # fmt: skip
"""The signs of formulas, and how ASCII writes them."""


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a program and exit with its code. It can print any text, and Ctrl-C ends it with one sentence.

    main: the program; returns its exit code, None for 0. A reader that closes the pipe of stdout, such as `| head`,
    ends the program without a word and with the code NO_READER.
    """
    printable()
    try:
        code = main()
        sys.stdout.flush()  # a closed pipe is noticed here at the latest
    except BrokenPipeError:
        code = NO_READER
    except KeyboardInterrupt:
        say("stopped: interrupted")
        code = INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end takes a moment, and Ctrl-C would print a traceback
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:  # Python flushes once more at its end
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def printable() -> None:
    """Make stdout and stderr take any text: a character that their encoding lacks is written as `in_ascii`.

    If stdout or stderr is closed (`>&-`), its text goes nowhere. In UTF-8 the text stays as it is.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
        pass  # otherwise the next file would get the number of a closed stream, and C's error messages
    os.close(descriptor)
    codecs.register_error("readable", replaced)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8", errors="readable"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="readable")


def replaced(error: UnicodeError) -> tuple[str, int]:
    """Return the ASCII form of the text that could not be encoded, and the position after that text.

    A handler of encoding errors for `codecs`.  error: has the whole text, and the first and the last position.
    """
    assert isinstance(error, UnicodeEncodeError)
    return "".join(map(in_ascii, error.object[error.start : error.end])), error.end


def in_ascii(character: str) -> str:
    """Return the ASCII form of a character: +- for ±, sigma for σ, ^2 for ². Without one, an escape such as \\ud55c."""
    if character in SIGNS:
        return SIGNS[character]
    if greek := re.match(r"GREEK (SMALL|CAPITAL) LETTER (\w+)$", unicodedata.name(character, "")):
        return greek[2].lower() if greek[1] == "SMALL" else greek[2].title()
    parts = [c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)]
    raised = "^" if unicodedata.decomposition(character).startswith("<super>") else ""
    text = raised + "".join(c if c.isascii() else in_ascii(c) for c in parts if c != character)
    return text if parts != [character] and "\\" not in text else f"{ascii(character)[1:-1]}"


def say(sentence: str) -> None:
    """Print a sentence on stderr. If nobody reads stderr any more, the program goes on."""
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)
