"""What a judge finally said: its answer without the thinking, or why there is none to read."""

import re

_OPEN = re.compile(r"<(?:seed:)?(?:think|thinking|thought)>|\[THINK\]|◁think▷", re.IGNORECASE)
_CLOSE = re.compile(r"</(?:seed:)?(?:think|thinking|thought)>|\[/THINK\]|◁/think▷", re.IGNORECASE)

# The words of OpenAI, Anthropic, Mistral and Gemini for the same two things.
_CUT = frozenset(("length", "max_tokens", "model_length"))
_FILTERED = frozenset(("content_filter", "refusal", "safety"))


def final_answer(text: str | None, finish_reason: str | None) -> tuple[str, str | None]:
    """The text after the thinking, and None; or an empty text and the reason why it cannot be read.

    A closing tag without an opening one is normal: some chat templates write the opening tag into the prompt.
    """
    stopped_by = (finish_reason or "").lower()
    if stopped_by in _CUT:
        return "", "cut_by_length"
    if stopped_by in _FILTERED:
        return "", "filtered"
    if text is None or not text.strip():
        return "", "empty"
    answer = _CLOSE.split(text)[-1].replace("\r\n", "\n").replace("\r", "\n")
    if _OPEN.search(answer):
        return "", "unclosed_thinking"
    return (answer, None) if answer.strip() else ("", "empty")
