"""The requester's own buttons: anybody may see them in a thread, and only the requester's press counts."""

from __future__ import annotations

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, ConfirmObject, PlainTextObject

from coordinator.requests import Request, State

# How the action ids begin; the request's id follows, since one view may show many requests.
CANCEL, GIVE_BACK = "cancel:", "give-back:"


def own_buttons(request: Request) -> list[Block]:
    """Return the requester's own button, where there is something to withdraw."""
    value = f"{request.id}:{request.digest}"
    if request.state is State.PENDING:
        return [
            ActionsBlock(
                elements=[ButtonElement(text="Cancel request", action_id=CANCEL + request.id, value=value)]
            )
        ]
    if request.state is State.ACTIVE:
        confirm = ConfirmObject(
            title="Give it back now?",
            text=PlainTextObject(text="It ends within a minute. Ask again whenever you need it."),
            confirm="Give back",
            deny="Keep it",
        )
        button = ButtonElement(
            text="Give back now", action_id=GIVE_BACK + request.id, value=value, confirm=confirm
        )
        return [ActionsBlock(elements=[button])]
    return []
