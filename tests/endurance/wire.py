"""One HTTP connection over which several people ask, and that may break at any byte."""

import http.client
import json
from collections.abc import Callable, Mapping

from tests.machine.client import SLOWEST, Answer

GONE = (OSError, http.client.HTTPException)
"""What a connection raises whose server was killed."""


class Wire:
    """A connection that is kept. ``tokens``: login → bearer token; ``heard`` is called as soon as a success is here."""

    def __init__(
        self, port: int, tokens: Mapping[str, str], heard: Callable[[], None] = lambda: None
    ) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SLOWEST)
        self._tokens = tokens
        self._heard = heard

    def ask(
        self,
        login: str,
        method: str,
        path: str,
        body: object = None,
        *,
        if_match: str | None = None,
        key: str | None = None,
    ) -> Answer:
        """One request; returns only once the answer came whole. Raises what is in `GONE`."""
        headers = {"Authorization": f"Bearer {self._tokens[login]}"}
        headers |= {"If-Match": if_match} if if_match is not None else {}
        headers |= {"Idempotency-Key": key} if key is not None else {}
        content = None
        if body is not None:
            content = json.dumps(body, ensure_ascii=False).encode()
            headers["Content-Type"] = "application/json"
        self._connection.request(method, path, content, headers)
        got = self._connection.getresponse()
        said = got.read()
        if 200 <= got.status < 300:
            self._heard()
        head = "\n".join(f"{name}: {value}" for name, value in got.getheaders())
        return Answer(
            status=got.status,
            headers={name.lower(): value for name, value in got.getheaders()},
            body=said,
            raw=f"{got.reason}\n{head}\n{said.decode()}",
        )

    def good(
        self,
        login: str,
        method: str,
        path: str,
        body: object = None,
        *,
        if_match: str | None = None,
        key: str | None = None,
    ) -> Answer:
        """The same, where nothing but a success is right."""
        answer = self.ask(login, method, path, body, if_match=if_match, key=key)
        assert answer.good, (login, method, path, answer.status, answer.raw)
        return answer

    def close(self) -> None:
        self._connection.close()
