"""What a judge finally said: its answer without the thinking, or why there is none to read."""

import re

_OPEN = re.compile(r"<(?:seed:)?(?:think|thinking|thought)>|\[THINK\]|◁think▷", re.IGNORECASE)
_CLOSE = re.compile(r"</(?:seed:)?(?:think|thinking|thought)>|\[/THINK\]|◁/think▷", re.IGNORECASE)

# The words of OpenAI, Anthropic, Mistral and Gemini for the same two things.
_CUT = frozenset(("length", "max_tokens", "model_length"))
_FILTERED = frozenset(("content_filter", "refusal", "safety"))


def final_answer(text: str | None, finish_reason: str | None) -> tuple[str, str | None]:
    """The text without the thinking, and None or the reason why no verdict can be read from it.

    A closing tag without an opening one is normal: some chat templates write the opening tag into the prompt. Of an
    answer that cannot be read, the text tells at least what the judge had written so far.
    """
    answer = _CLOSE.split(text or "")[-1].replace("\r\n", "\n").replace("\r", "\n")
    opened = _OPEN.search(answer)
    said = answer if opened is None else answer[: opened.start()]
    stopped_by = (finish_reason or "").lower()
    if stopped_by in _CUT:
        return said, "cut_by_length"
    if stopped_by in _FILTERED:
        return said, "filtered"
    if opened is not None:
        return said, "unclosed_thinking"
    return said, None if said.strip() else "empty"
