"""The demo's files that are made when it starts instead of being kept: a price list in PDF, and rain in WAV.

The same goods give the same bytes. Nothing is fetched, and no library is asked: both formats are written by hand.
"""

import io
import random
import wave
from collections.abc import Sequence
from typing import Final

_RATE: Final = 8000
"""Samples a second; rain is noise, and noise needs no more."""
_SECONDS: Final = 12
_SEED: Final = 8422


def price_list(lines: Sequence[str]) -> bytes:
    """A PDF of one page (A4) with these lines, the first as its title. Texts are Latin-1; other signs become `?`."""
    texts = [line.translate(_ESCAPES).encode("latin-1", "replace") for line in lines]
    drawn = b"BT /F1 22 Tf 72 760 Td (%s) Tj /F1 12 Tf 0 -18 Td" % texts[0]
    drawn += b"".join(b" 0 -22 Td (%s) Tj" % text for text in texts[1:]) + b" ET"
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
    page += b" /Resources << /Font << /F1 5 0 R >> >> >>"
    return _pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            page,
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
            font,
        ]
    )


def rain() -> bytes:
    """Twelve seconds of rain: noise whose deep part swells and ebbs; mono, 16 bits."""
    dice = random.Random(_SEED)  # noqa: S311 - a sound, not a secret
    deep, samples = 0.0, bytearray()
    for number in range(_RATE * _SECONDS):
        deep = 0.97 * deep + 0.03 * dice.uniform(-1, 1)
        swell = 1 + 0.4 * ((number / _RATE) % 4 - 2) ** 2 / 4
        edge = min(1.0, number / _RATE, (_RATE * _SECONDS - number) / _RATE)
        value = edge * swell * (3.5 * deep + 0.12 * dice.uniform(-1, 1))
        samples += int(max(-1.0, min(1.0, value)) * 24_000).to_bytes(2, "little", signed=True)
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(bytes(samples))
    return made.getvalue()


_ESCAPES: Final = {ord("\\"): "\\\\", ord("("): "\\(", ord(")"): "\\)"}


def _pdf(objects: Sequence[bytes]) -> bytes:
    """Objects, their table of places, and the trailer (ISO 32000-1 § 7.5)."""
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    return body + head + table + end
