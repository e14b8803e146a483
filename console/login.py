"""The door of the console: cookies, sessions, forgery tokens, and the throttle in front of the password check.

Cookies are those of DESIGN §9. On the login page a test cookie without content tells whether the browser keeps
cookies; it is gone with the browser. The login cookie holds a random token of which the store keeps the digest only;
it lasts two days, two weeks with "Remember me". Nothing here says whether an address is known.

Against forged requests: forms of somebody logged in carry a hash of their own token; the login form carries a stamp of
this process and needs the test cookie, which SameSite keeps from other sites; and every form must come from our page.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from console.caller import Callers
from control_store.accounts import (
    Session,
    User,
    check_password,
    end_session,
    find_session,
    start_session,
    use_setup_token,
)
from control_store.tables import ControlStore

LOGIN_COOKIE: Final = "footfall_login"
TEST_COOKIE: Final = "footfall_test"
SCREEN_COOKIE: Final = "footfall_screen"

LOGIN_S: Final = 172_800
REMEMBERED_S: Final = 1_209_600
SCREEN_S: Final = 31_536_000

_STAMP_MS: Final = 12 * 3_600_000
"""How long a login form that lies open can be sent."""
_WINDOW_MS: Final = 15 * 60_000
_LIMITS: Final = {"person": 5, "network": 30, "account": 60}
"""Failed logins in the window: of one network for one address, of one network, for one address from anywhere. The last
is high, so that a stranger can hardly keep somebody out by failing in their name."""
_HASHES_AT_ONCE: Final = 2
"""A check takes 64 MiB and a core: a flood waits for its turn instead of taking the machine."""


class LoginRefused(Exception):
    """Nobody is let in; `sentence` says what to do, `retry_after` is in seconds, 0 if it is not a matter of time."""

    def __init__(self, status: int, sentence: str, retry_after: int = 0) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_after = retry_after


class Throttle:
    """Counts failures by what they were about, in memory; keys are hashed, so that a core dump names nobody."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._failures: dict[bytes, deque[int]] = {}
        self._pepper = secrets.token_bytes(16)

    def wait(self, email: str, network: str) -> int:
        """Seconds until another try is taken, 0 if at once."""
        waits = [self._wait(key, limit) for key, limit in self._keys(email, network)]
        return max(waits)

    def failed(self, email: str, network: str) -> None:
        """Remember a failure."""
        now = self._clock()
        for key, _limit in self._keys(email, network):
            self._failures.setdefault(key, deque()).append(now)
        if len(self._failures) > 10_000:
            self._failures = {key: times for key, times in self._failures.items() if times[-1] > now - _WINDOW_MS}

    def _wait(self, key: bytes, limit: int) -> int:
        times, now = self._failures.get(key, deque[int]()), self._clock()
        while times and times[0] <= now - _WINDOW_MS:
            times.popleft()
        return 0 if len(times) < limit else (times[len(times) - limit] + _WINDOW_MS - now + 999) // 1000

    def _keys(self, email: str, network: str) -> list[tuple[bytes, int]]:
        account = email.strip().lower()
        about = {"person": f"{network} {account}", "network": network, "account": account}
        return [(_keyed(self._pepper, word, text), _LIMITS[word]) for word, text in about.items()]


class Door:
    """Lets people in and out. One for the process."""

    def __init__(self, store: ControlStore, callers: Callers, clock: Callable[[], int]) -> None:
        self._store = store
        self.callers = callers
        self._clock = clock
        self._throttle = Throttle(clock)
        self._secret = secrets.token_bytes(32)
        self._hashing = asyncio.Semaphore(_HASHES_AT_ONCE)

    async def session(self, request: Request) -> Session | None:
        """The session of the login cookie, if it is one."""
        token = request.cookies.get(LOGIN_COOKIE, "")
        if not token:
            return None
        return await asyncio.to_thread(find_session, self._store, token, now=self._clock())

    def form_token(self, request: Request) -> str:
        """What a form of somebody logged in must carry in `csrf`."""
        return _keyed(b"", "form", request.cookies.get(LOGIN_COOKIE, "")).hex()

    def is_ours(self, request: Request, form: Mapping[str, str]) -> bool:
        """Whether a form of somebody logged in was made by us for them."""
        right = hmac.compare_digest(self.form_token(request).encode(), form.get("csrf", "").encode())
        return right and self.callers.from_our_page(request)

    def stamp(self) -> str:
        """What the login form must carry in `csrf`: the time, signed by this process."""
        now = str(self._clock())
        return f"{now}.{_keyed(self._secret, 'stamp', now).hex()}"

    async def log_in(self, request: Request, form: Mapping[str, str]) -> str:
        """The token of a new session. Raises LoginRefused."""
        self._check_form(request, form)
        email, network = form.get("email", ""), self.callers.network(request)
        wait = self._throttle.wait(email, network)
        if wait:
            raise LoginRefused(429, "Too many tries. Wait some minutes, then try again.", wait)
        async with self._hashing:
            user = await asyncio.to_thread(check_password, self._store, email, form.get("password", ""))
        if user is None:
            self._throttle.failed(email, network)
            raise LoginRefused(403, "E-mail address or password are not right.")
        return await self.begin(user, remember=bool(form.get("remember")))

    async def set_up(self, request: Request, form: Mapping[str, str]) -> User | None:
        """Make the first user by the set-up link; None if it opens nothing. Raises BadAccount, LoginRefused."""
        self._check_form(request, form)
        async with self._hashing:
            return await asyncio.to_thread(
                use_setup_token,
                self._store,
                form.get("token", ""),
                form.get("email", ""),
                form.get("password", ""),
                now=self._clock(),
            )

    async def begin(self, user: User, *, remember: bool) -> str:
        """The token of a new session of a user."""
        lasts = (REMEMBERED_S if remember else LOGIN_S) * 1000
        return await asyncio.to_thread(start_session, self._store, user, now=self._clock(), lasts_ms=lasts)

    def let_in(self, request: Request, response: Response, token: str, *, remember: bool) -> None:
        """Set the login cookie; the test cookie has done its work."""
        lasts = REMEMBERED_S if remember else LOGIN_S
        self._set(request, response, LOGIN_COOKIE, f"{token}; Max-Age={lasts}")
        self._set(request, response, TEST_COOKIE, "; Max-Age=0")

    def test(self, request: Request, response: Response) -> None:
        """Set the test cookie: no content, no age."""
        self._set(request, response, TEST_COOKIE, "")

    async def log_out(self, request: Request, response: Response, session: Session | None) -> None:
        """Revoke the session and remove every cookie of the login."""
        if session is not None:
            await asyncio.to_thread(end_session, self._store, session)
        for name in (LOGIN_COOKIE, TEST_COOKIE):
            self._set(request, response, name, "; Max-Age=0")

    def keep_screen(self, request: Request, response: Response, options: str) -> None:
        """Remember screen options for a year; `options` are plain words."""
        self._set(request, response, SCREEN_COOKIE, f"{options}; Max-Age={SCREEN_S}")

    def _check_form(self, request: Request, form: Mapping[str, str]) -> None:
        if TEST_COOKIE not in request.cookies:
            raise LoginRefused(400, "Your browser keeps no cookies for this page. Allow them, then try again.")
        if not (self._is_fresh(form.get("csrf", "")) and self.callers.from_our_page(request)):
            raise LoginRefused(403, "This form lay open too long, or came from elsewhere. Please try again.")

    def _is_fresh(self, stamp: str) -> bool:
        made, _, signature = stamp.partition(".")
        right = _keyed(self._secret, "stamp", made).hex()
        if not hmac.compare_digest(right.encode(), signature.encode("utf-8", "replace")):
            return False
        return 0 <= self._clock() - int(made) < _STAMP_MS

    def _set(self, request: Request, response: Response, name: str, rest: str) -> None:
        secure = "; Secure" if self.callers.is_https(request) else ""
        response.headers.append("set-cookie", f"{name}={rest}; Path=/; HttpOnly; SameSite=Lax{secure}")


def _keyed(key: bytes, purpose: str, text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=24, key=key, person=purpose.encode()).digest()
