"""The frame of the small forms about something that exists: what it is, one or two fields, and what is carried.

What somebody typed is never in what a form carries with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    InputBlock,
    MarkdownTextObject,
    Option,
    PlainTextObject,
    SectionBlock,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from coordinator.slack.choices import Choice


def small_form(
    callback_id: str,
    title: str,
    about: str,
    *blocks: Block,
    submit: str,
    close: str = "Cancel",
    carries: Mapping[str, str],
) -> View:
    """Return the form; *about* is mrkdwn of ours and stands first."""
    return View(
        type="modal",
        callback_id=callback_id,
        title=PlainTextObject(text=title),
        submit=PlainTextObject(text=submit),
        close=PlainTextObject(text=close),
        blocks=[SectionBlock(text=MarkdownTextObject(text=about)), *blocks],
        private_metadata=json.dumps(carries),
    )


def carried(view: Mapping[str, Any], name: str) -> str:
    """Return what a submitted form carries under *name*."""
    return str(json.loads(view["private_metadata"])[name])


def choice(
    block_id: str, action_id: str, label: str, hint: str, offered: Sequence[Choice], usual: str | None = None
) -> InputBlock:
    """Return the field that offers these choices, the *usual* one or else the first chosen already."""
    options = [Option(value=value, text=PlainTextObject(text=text)) for value, text in offered]
    chosen = next((option for option in options if option.value == usual), options[0])
    return InputBlock(
        block_id=block_id,
        label=PlainTextObject(text=label),
        hint=PlainTextObject(text=hint),
        element=StaticSelectElement(action_id=action_id, options=options, initial_option=chosen),
    )
