"""`/api/session`: sign in, say who, change the password, sign out."""

from litestar import Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody

from crypto.errors import CryptoError
from crypto.session import read_token, write_token
from policies.actions import Action
from service.api import answers
from service.api.answers import SessionAnswer
from service.api.bodies import PasswordBody, SignInBody
from service.api.documented import READS, WRITES, does
from service.api.documented import answers as documented
from service.flows.sessions import change_password, read_session, sign_out
from service.flows.sign_in import LONGEST, Credentials, SignedIn, sign_in
from service.session import COOKIE, DEVICE
from service.store.sessions import Transport
from service.wiring import GivenHouse, GivenWho, HttpRequest, request_id

_YEAR = 365 * 24 * 3600


@post("/api/session", opt=does(Action.SESSION_CREATE), responses=documented(*WRITES, 429))
async def create(
    request: HttpRequest, house: GivenHouse, data: JSONBody[SignInBody]
) -> Response[SessionAnswer]:
    """Sign in. Whatever is wrong with login, password or code, the answer is the same 401."""
    sent = Credentials(
        login=data.login,
        password=data.password,
        code=data.code,
        transport=Transport(data.transport),
        address=_address(request),
        browser=request.headers.get("user-agent", ""),
        request=request_id(request),
        device=_device(request),
    )
    made = await sign_in(house, sent)
    if sent.transport is Transport.BEARER:
        return Response(answers.signed_in(made, write_token(made.token)), status_code=201)
    return Response(answers.signed_in(made, None), status_code=201, cookies=_cookies(made))


def _cookies(made: SignedIn) -> list[Cookie]:
    """The session's cookie, and the device's where it is new."""
    cookies = [_cookie(COOKIE, write_token(made.token), int(LONGEST.total_seconds()))]
    if made.device is not None:
        cookies.append(_cookie(DEVICE, write_token(made.device), _YEAR))
    return cookies


def _cookie(key: str, value: str, seconds: int) -> Cookie:
    return Cookie(
        key=key, value=value, path="/", max_age=seconds, secure=True, httponly=True, samesite="strict"
    )


def _address(request: HttpRequest) -> str:
    return "" if request.client is None else request.client.host


def _device(request: HttpRequest) -> bytes | None:
    text = request.cookies.get(DEVICE)
    try:
        return None if text is None else read_token(text)
    except CryptoError:
        return None


@get("/api/session", opt=does(Action.SESSION_READ), responses=documented(*READS))
async def read(house: GivenHouse, who: GivenWho) -> SessionAnswer:
    """Who is signed in."""
    return answers.session(await read_session(house, who))


@delete("/api/session", opt=does(Action.SESSION_END), responses=documented(*READS), status_code=204)
async def end(house: GivenHouse, who: GivenWho) -> Response[None]:
    """Sign out: the session ends everywhere at once."""
    await sign_out(house, who)
    return Response(None, status_code=204, cookies=[_cookie(COOKIE, "", 0)])


@post(
    "/api/session/password",
    opt=does(Action.SESSION_PASSWORD),
    responses=documented(*WRITES, 429),
    status_code=204,
)
async def password(
    request: HttpRequest, house: GivenHouse, who: GivenWho, data: JSONBody[PasswordBody]
) -> None:
    """Change the password: every other session of the user ends."""
    await change_password(house, who, data.old, data.new, _address(request))


HANDLERS = (create, read, end, password)
