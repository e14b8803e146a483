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
    list_users,
    start_session,
    use_setup_token,
)
from control_store.second_factor import is_on, use_code
from control_store.tables import ControlStore

LOGIN_COOKIE: Final = "footfall_login"
TEST_COOKIE: Final = "footfall_test"
SCREEN_COOKIE: Final = "footfall_screen"

LOGIN_S: Final = 172_800
REMEMBERED_S: Final = 1_209_600
SCREEN_S: Final = 31_536_000

FRESH_MS: Final = 30 * 60_000
"""How long after the password was given people and keys may be changed: an open screen is soon no admin's any more."""
_TICKET_MS: Final = 5 * 60_000
"""How long one may look for the authenticator."""
_STAMP_MS: Final = 12 * 3_600_000
"""How long a login form that lies open can be sent."""
_WINDOW_MS: Final = 15 * 60_000
_LIMITS: Final = {"person": 5, "network": 30, "account": 25, "code": 5}
"""Failed logins in the window: of one network for one address, of one network, for one address from anywhere. The last
is a hundred an hour, so that a stranger can hardly keep somebody out by failing in their name. Wrong codes of one
person: whoever sends them knows the password (RFC 4226 § 7.3)."""
_HASHES_AT_ONCE: Final = 2
"""A check takes 64 MiB and a core: a flood waits for its turn instead of taking the machine."""


class LoginRefused(Exception):
    """Nobody is let in; `sentence` says what to do, `retry_after` is in seconds, 0 if it is not a matter of time."""

    def __init__(self, status: int, sentence: str, retry_after: int = 0, *, whose: str = "") -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_after = retry_after
        self.whose = whose
        """Of a wrong code: the address of the person whose password was right."""


class CodeNeeded(Exception):
    """The password is right, and a second factor is on; `ticket` proves the first half for five minutes."""

    def __init__(self, ticket: str) -> None:
        super().__init__("a code is needed")
        self.ticket = ticket


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

    def wait_code(self, user: int) -> int:
        """Seconds until another code of this user is taken, from wherever it comes."""
        return self._wait(_keyed(self._pepper, "code", str(user)), _LIMITS["code"])

    def failed_code(self, user: int) -> None:
        """Remember a wrong code."""
        self._failures.setdefault(_keyed(self._pepper, "code", str(user)), deque()).append(self._clock())

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
        """The token of a new session. Raises LoginRefused, CodeNeeded."""
        self.check_form(request, form)
        email, network = form.get("email", ""), self.callers.network(request)
        user = await self._check(email, network, form.get("password", ""))
        if user is None:
            raise LoginRefused(403, "E-mail address or password are not right.")
        remember = bool(form.get("remember"))
        if await asyncio.to_thread(is_on, self._store, user):
            raise CodeNeeded(self._ticket(user, remember=remember))
        return await self.begin(user, remember=remember)

    async def knows_password(self, request: Request, session: Session, password: str) -> bool:
        """Whether somebody logged in knows their password; tries count as those of a login. Raises LoginRefused."""
        return await self._check(session.user.email, self.callers.network(request), password) is not None

    async def confirm(self, request: Request, response: Response, session: Session) -> None:
        """The password was given again: the login goes on until its end under another token."""
        lasts = session.expires - self._clock()
        token = await asyncio.to_thread(start_session, self._store, session.user, now=self._clock(), lasts_ms=lasts)
        await asyncio.to_thread(end_session, self._store, session)
        self._set(request, response, LOGIN_COOKIE, f"{token}; Max-Age={lasts // 1000}")

    def is_fresh(self, session: Session) -> bool:
        """Whether the password was given so lately that people and keys may be changed."""
        return 0 <= self._clock() - session.confirmed < FRESH_MS

    async def _check(self, email: str, network: str, password: str) -> User | None:
        wait = self._throttle.wait(email, network)
        if wait:
            raise LoginRefused(429, "Too many tries. Wait some minutes, then try again.", wait)
        async with self._hashing:
            user = await asyncio.to_thread(check_password, self._store, email, password)
        if user is None:
            self._throttle.failed(email, network)
        return user

    async def enter_code(self, request: Request, form: Mapping[str, str]) -> tuple[User, bool]:
        """Who gave the right code, and whether to remember them. Raises LoginRefused; after 401 one begins again."""
        self.check_form(request, form)
        user, remember = await self._holder(form.get("ticket", ""))
        wait = self._throttle.wait_code(user.id)
        if wait:
            raise LoginRefused(429, "Too many wrong codes. Wait some minutes, then try again.", wait, whose=user.email)
        if not await asyncio.to_thread(use_code, self._store, user, form.get("code", ""), now=self._clock()):
            self._throttle.failed_code(user.id)
            raise LoginRefused(
                403, "This code is not right. Take the newest one; each is taken once.", whose=user.email
            )
        return user, remember

    async def set_up(self, request: Request, form: Mapping[str, str]) -> User | None:
        """Make the first user by the set-up link; None if it opens nothing. Raises BadAccount, LoginRefused."""
        self.check_form(request, form)
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

    def check_form(self, request: Request, form: Mapping[str, str]) -> None:
        """Forms of somebody not logged in come with the test cookie, fresh, from our page. Raises LoginRefused."""
        if TEST_COOKIE not in request.cookies:
            raise LoginRefused(400, "Your browser keeps no cookies for this page. Allow them, then try again.")
        if not (self._is_recent(form.get("csrf", "")) and self.callers.from_our_page(request)):
            raise LoginRefused(403, "This form lay open too long, or came from elsewhere. Please try again.")

    def _ticket(self, user: User, *, remember: bool) -> str:
        told = f"{user.id}.{int(remember)}.{self._clock()}"
        return f"{told}.{_keyed(self._secret, 'ticket', told).hex()}"

    async def _holder(self, ticket: str) -> tuple[User, bool]:
        told, _, signature = ticket.rpartition(".")
        right = _keyed(self._secret, "ticket", told).hex()
        if hmac.compare_digest(right.encode(), signature.encode("utf-8", "replace")):
            number, remember, made = told.split(".")
            users = await asyncio.to_thread(list_users, self._store)
            user = next((one for one in users if one.id == int(number)), None)
            if user is not None and 0 <= self._clock() - int(made) < _TICKET_MS:
                return user, remember == "1"
        raise LoginRefused(401, "That took too long. Please begin again.")

    def _is_recent(self, stamp: str) -> bool:
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
