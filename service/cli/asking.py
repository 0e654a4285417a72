"""Asks at the terminal; without one, reads a line each from standard input. Passwords are never arguments."""

import getpass
import sys

_LONGEST = 8192


class NoAnswerError(Exception):
    """Standard input ended, or gave a line that is too long or not UTF-8, where an answer was expected."""


class TwiceError(Exception):
    """A password that was typed differently the second time."""


def ask(question: str) -> str:
    """One line, without the spaces around it. Raises NoAnswerError."""
    if sys.stdin.isatty():
        print(f"{question}: ", end="", file=sys.stderr, flush=True)
    return _line().strip()


def ask_password(question: str, *, twice: bool = False) -> str:
    """A password, not shown; ``twice`` at a terminal asks again. Raises NoAnswerError, TwiceError."""
    if not sys.stdin.isatty():
        return _line()
    try:
        typed = getpass.getpass(f"{question}: ")
        if twice and getpass.getpass(f"{question}, again: ") != typed:
            raise TwiceError
    except EOFError:
        raise NoAnswerError from None
    return typed


def _line() -> str:
    """A line of standard input without its end; what it holds is not changed otherwise."""
    try:
        line = sys.stdin.readline(_LONGEST)
    except UnicodeDecodeError:
        raise NoAnswerError from None
    if not line or len(line) >= _LONGEST:
        raise NoAnswerError
    return line.removesuffix("\n").removesuffix("\r")
