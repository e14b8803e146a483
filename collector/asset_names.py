"""Content hashes in the names of assets: `main.8f3a9c81.js` says nothing about a visitor and must stay readable.

Promises: a hash stays in the name of code, styles and fonts; in a picture's name only where the site's build put it.
Refuses: pictures of people, whose names are often digests of their mail addresses.
"""

import re
from typing import Final

_CODE_FILE: Final = re.compile(r"(?:[.-]\w{1,20}+){0,3}?\.(?:m?js|css|map|woff2?|ttf|otf|eot|wasm)(?![A-Za-z0-9])")
_MEDIA_FILE: Final = re.compile(
    r"(?:\.\w{1,16}+){0,2}?\.(?:png|jpe?g|gif|webp|avif|svg|ico|mp[34]|webm|json|xml)(?![A-Za-z0-9])"
)
_BUILD_FOLDER: Final = re.compile(r"/(?:static|assets|dist|build|_next|_nuxt|_app|bundles?)/")
_PORTRAIT: Final = re.compile(r"avatar|portrait|profile|user", re.I)
_NAME: Final = re.compile(r"[A-Za-z0-9]+")


def is_build_hash(text: str, start: int, end: int) -> bool:
    """Whether text[start:end] is, or is part of, a content hash in the name of an asset."""
    if "." not in text[end : end + 60]:
        return False
    word = _NAME.match(text, end)
    end = word.end() if word else end
    if _CODE_FILE.match(text, end):
        return True
    if not _MEDIA_FILE.match(text, end) or _PORTRAIT.search(text):
        return False
    while start and text[start - 1].isalnum():
        start -= 1
    if text[start - 1 : start] == "." or _BUILD_FOLDER.search(text):
        return True
    # `hero-8f3a…c81.jpg`: named, and no plain number
    return text[start : start + 1].isalpha() and any(sign in text[start:end] for sign in "-_")
