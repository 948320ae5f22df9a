"""A text as a careless reader sees it: one case, one kind of space and line break, nothing invisible, no lookalikes.

Tokenizers and language models fold text in such ways themselves, so an imitation has to be looked for in the folded
text and not in the text.
"""

import re
import unicodedata
from collections.abc import Sequence

_LINE_BREAKS = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
_BLANKS = frozenset("\t\u2800\u3164\u115f\u1160\uffa0")  # look like a space without being one
_UNSEEN = frozenset(("Cc", "Cf", "Mn", "Me"))  # control and format characters, accents
_TO_FOLD = re.compile(r"[^\n -~]")

_LOOKALIKES = str.maketrans(
    {
        **dict(zip("авекмнорстухіјѕԁһԛԝӏ", "abekmhopctyxijsdhqwl", strict=True)),  # Cyrillic
        **dict(zip("αβεηικνορτυχ", "abenikvoptux", strict=True)),  # Greek
        **dict.fromkeys("’‘‛ʼ′", "'"),
        **dict.fromkeys("“”„‟", '"'),
        **dict.fromkeys("‐‒–—―−", "-"),
        **dict.fromkeys("【〔〖⟦「『❲", "["),
        **dict.fromkeys("】〕〗⟧」』❳", "]"),
        **dict.fromkeys("〈⟨❬‹", "<"),
        **dict.fromkeys("〉⟩❭›", ">"),
        **dict.fromkeys("│∣ǀ┃", "|"),
        **dict.fromkeys("∶꞉ː", ":"),
    }
)


def fold(text: str) -> tuple[str, Sequence[int] | None]:
    """The folded text and, for each of its characters, the index it came from (None: the same as its own).

    Example:
        >>> fold("［The\\u200b END")
        ('[the end', [0, 1, 2, 3, 5, 6, 7, 8, 9])
    """
    if not _TO_FOLD.search(text):
        return text.lower(), None
    seen = {char: _fold_char(char) for char in set(text)}
    folded = "".join(map(seen.__getitem__, text))
    if all(len(shown) == 1 for shown in seen.values()):
        return folded, None
    where = [index for index, char in enumerate(text) for _ in seen[char]]
    return folded, [*where, len(text)]


def _fold_char(char: str) -> str:
    """What is seen of one character: nothing, one character, or the letters of a ligature."""
    if char in _LINE_BREAKS:
        return "\n"
    if char in _BLANKS or char.isspace():
        return " "
    parts = unicodedata.normalize("NFKD", char)
    shown = "".join(part for part in parts if unicodedata.category(part) not in _UNSEEN).lower().translate(_LOOKALIKES)
    return shown if len(shown) < 2 or shown.isalnum() else char
