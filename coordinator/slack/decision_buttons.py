"""An approver's buttons: Approve, as the rule wants it pressed, and Deny.

Who pressed one is looked up at the press, never taken from what was shown.
"""

from __future__ import annotations

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, ConfirmObject, PlainTextObject

from coordinator.positions import notice_of
from coordinator.requests import Request
from coordinator.slack.text import cut
from coordinator.wording import granted, subject, together
from sallyport.flows import Rule
from sallyport.policies import Policies

# How the action ids begin; the request's id follows, since one view may show many requests.
APPROVE, DENY = "approve:", "deny:"
APPROVE_WITH_FORM = "approve-for:"  # opens a form, where the approver may give less time than was asked


NAMED_IN_DIALOG = 120  # characters of what it is about: a dialog takes 300 in all
SPOKEN_LONGEST = 75  # that many Slack takes in an accessibility label


def decision_buttons(request: Request, policies: Policies) -> Block:
    """Return the buttons, which name what exactly they are for."""
    deny = ButtonElement(
        text="Deny",
        action_id=DENY + request.id,
        value=_value(request),
        style="danger",
        accessibility_label=spoken("Deny", request, policies),
    )
    return ActionsBlock(elements=[_approve(request, policies), deny])


def _approve(request: Request, policies: Policies) -> ButtonElement:
    flow = policies.flows[request.flow]
    rule = policies.rule_for(flow, request.answers)
    with_form = rule is not None and rule.lifetime.approver_may_shorten
    return ButtonElement(
        text=flow.verb,
        action_id=(APPROVE_WITH_FORM if with_form else APPROVE) + request.id,
        value=_value(request),
        style="primary",
        confirm=None if with_form else _confirm(request, flow.verb, rule, policies),
        accessibility_label=spoken(flow.verb, request, policies),
    )


def spoken(text: str, request: Request, policies: Policies) -> str:
    """Return what a screen reader says of a button: many with the same words may stand on one page."""
    return cut(f"{text}: {subject(request, policies.catalogue)}", SPOKEN_LONGEST)


def when_live(request: Request, rule: Rule | None, policies: Policies) -> str:
    """Say when it becomes live after one more approval, which may not be all that it waits for."""
    others = rule is not None and rule.seats - len(request.approvals) > 1
    awaited = (
        "others have approved it too" if others else "",
        "it is confirmed in GitHub" if rule is not None and rule.step_up else "",
        "those who work there have had their notice" if notice_of(request, policies) else "",
    )
    waits = together([what for what in awaited if what])
    return f"once {waits}" if waits else "within a minute"


def _confirm(request: Request, verb: str, rule: Rule | None, policies: Policies) -> ConfirmObject | None:
    """Return the dialog that asks once more, where the rule does not want it left out."""
    if rule is not None and not rule.confirm:
        return None
    what = cut(subject(request, policies.catalogue), NAMED_IN_DIALOG)
    text = f"{what} becomes live {when_live(request, rule, policies)}, {granted(request)}."
    return ConfirmObject(
        title=f"{verb}?",
        text=PlainTextObject(text=text),
        confirm="Approve",
        deny="Not yet",
    )


def _value(request: Request) -> str:
    return f"{request.id}:{request.digest}"
