"""The doors that are no commands: buttons that start a flow, and the form of a shortcut that offers them.

Slack takes no commands in threads; a shortcut works everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)
from slack_sdk.models.views import View

from coordinator.slack import replies
from sallyport.flows import Flow

SHORTCUT = "choose"  # the callback id of the global shortcut
SHORTCUT_NAME = "Ask for infrastructure"
START = "start:"  # how the action id of a start button begins; the flow's id follows
START_EMERGENCY = "break-glass:"  # the same, for break-glass
IN_A_ROW = 25  # buttons that one block takes


def start_buttons(flows: Sequence[Flow]) -> Iterator[Block]:
    """Yield a button for each flow; what to do instead where there is none."""
    if not flows:
        yield SectionBlock(text=MarkdownTextObject(text=replies.NOTHING_HERE))
    for first in range(0, len(flows), IN_A_ROW):
        row = flows[first : first + IN_A_ROW]
        yield ActionsBlock(
            elements=[ButtonElement(text=flow.title, action_id=START + flow.id, value=flow.id) for flow in row]
        )


def glass_buttons(flows: Sequence[Flow]) -> Iterator[Block]:
    """Yield, apart from the others, a button for each flow in which the person may go ahead in an emergency."""
    if flows:
        yield SectionBlock(text=MarkdownTextObject(text=replies.EMERGENCY))
    for first in range(0, len(flows), IN_A_ROW):
        row = flows[first : first + IN_A_ROW]
        yield ActionsBlock(elements=[_glass_button(flow) for flow in row])


def _glass_button(flow: Flow) -> ButtonElement:
    text = f"Break-glass: {flow.title}"
    return ButtonElement(text=text, action_id=START_EMERGENCY + flow.id, value=flow.id, style="danger")


def chooser(flows: Sequence[Flow], emergencies: Sequence[Flow] = ()) -> View:
    """Return the form that the shortcut opens, for a person who may use *flows*, in *emergencies* too."""
    return View(
        type="modal",
        title=PlainTextObject(text="What do you need?"),
        close=PlainTextObject(text="Cancel"),
        blocks=[*start_buttons(flows), *_commands(flows), *glass_buttons(emergencies)],
    )


def _commands(flows: Sequence[Flow]) -> Iterator[Block]:
    if flows:
        yield SectionBlock(
            text=MarkdownTextObject(text=f"Outside of threads, these do the same: {replies.commands(flows)}.")
        )
