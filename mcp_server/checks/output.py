"""What a program wrote: measured whole, kept from its end, and as text that a terminal or a reply may show."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

KEEP_BYTES = 65536

_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and movements
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # titles, links, strings for the device
    r"|\x1b[ -/]*[0-~]"  # short ones
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Output:
    """One stream of a program: standard output, or standard error."""

    sha256: str
    """Of every byte that was written to this stream, in lower-case hexadecimal."""
    size: int
    """Bytes written in all."""
    lines: int
    """Lines written in all; a last one without its line break counts."""
    tail: bytes
    """The last bytes, as they came."""

    @property
    def truncated(self) -> bool:
        """Whether the tail is not the whole."""
        return self.size > len(self.tail)

    @property
    def text(self) -> str:
        """The tail as plain text.

        It is read as UTF-8 with U+FFFD for what is none. Escape sequences, control characters but tab and line feed,
        and marks that turn the direction of writing are taken out; a carriage return ends a line.
        """
        data = self.tail
        if self.truncated:
            # The cut may have gone through a character.
            start = next((index for index, byte in enumerate(data[:4]) if byte & 0xC0 != 0x80), 0)
            data = data[start:]
        text = data.decode("utf-8", errors="replace")
        text = _SEQUENCES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
        return _CONTROLS.sub("", text)


NOTHING = Output(sha256=hashlib.sha256().hexdigest(), size=0, lines=0, tail=b"")
