"""The baseline: the least that uvicorn can do with a beacon, reading the body and answering 202."""

import socket
import sys

import uvicorn

_START = {"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]}
_BODY = {"type": "http.response.body", "body": b""}


async def app(scope, receive, send):
    """Read the body, answer 202."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send(_START)
    await send(_BODY)


if __name__ == "__main__":
    sock = socket.socket(fileno=int(sys.argv[1]))
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", ws="none", lifespan="off", access_log=False, log_config=None
    )
    uvicorn.Server(config).run(sockets=[sock])
