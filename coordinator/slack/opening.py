"""Puts forms before people: at once, since the leave to open one lives three seconds and works once.

What is offered comes from memory. Only where something must be asked of Slack first does an empty form open and
fill in.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from coordinator.asking import Asking
from coordinator.journal import Draft
from coordinator.slack import chooser, forms, replies
from coordinator.slack.answering import Answering, Body, user_of
from coordinator.slack.choices import Offer
from coordinator.slack.emergency_form import emergency_form
from coordinator.slack.forms import Memo
from sallyport.flows import Flow
from sallyport.platforms.errors import Refused
from sallyport.policies import Policies

log = structlog.get_logger()

View = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens forms, and fills those that are open."""

    answering: Answering
    policies: Callable[[], Policies]
    asking: Asking
    alert_channel: str = ""  # which people are told that an emergency is told there

    def open(self, flow: Flow, body: Body, answers: Mapping[str, str] | None = None) -> None:
        """Open the form of *flow* for who typed or pressed; over the chooser, take its place."""
        self.answering.later(self._carefully, self._open, body, flow, answers or {})

    def open_emergency(self, flow: Flow, body: Body, answers: Mapping[str, str]) -> None:
        """Open the form of break-glass for who typed or pressed; over the chooser, take its place."""
        self.answering.later(self._carefully, self._open_emergency, body, flow, answers)

    def open_chooser(self, body: Body) -> None:
        """Open the form that offers what this person may ask for."""
        self.answering.later(self._carefully, self._open_chooser, body)

    def go_on(self, draft: Draft, body: Body) -> None:
        """Bring a draft back: in the form before the person, or in a new one."""
        flow = self.policies().flows[draft.flow]
        view = body.get("view")
        if view is not None and view.get("callback_id") == forms.ASK:
            self.answering.later(self._refill, view, flow, user_of(body), draft)
        else:
            self.open(flow, body, draft.answers)

    def follow(self, view: View, user: str) -> None:
        """Show what the answers so far offer, keeping what was filled in; nothing if that is what is shown."""
        self.answering.later(self._follow, view, user)

    def _carefully(self, show: Callable[..., None], body: Body, *arguments: object) -> None:
        """Show something, and tell who waits for it if it cannot be shown."""
        try:
            show(body, *arguments)
        except Exception:
            fault = secrets.token_hex(3)
            log.exception("form.not-opened", fault=fault)
            self.answering.answer(body, replies.not_opened(fault))

    def _open(self, body: Body, flow: Flow, answers: Mapping[str, str]) -> None:
        self._put(body, flow, lambda: self._form(flow, user_of(body), body, answers))

    def _open_emergency(self, body: Body, flow: Flow, answers: Mapping[str, str]) -> None:
        memo = Memo(flow.id, "", emergency=True)
        self._put(body, flow, lambda: self._filled(flow, user_of(body), answers, memo))

    def _put(self, body: Body, flow: Flow, form: Callable[[], View]) -> None:
        """Put a form before the person; one that needs Slack to be asked first stands behind another."""
        view, slack = body.get("view"), self.answering.slack
        if view is not None and view["type"] == "modal":
            slack.update_view(view["id"], form(), view["hash"])
        elif self.asking.is_at_hand(user_of(body)):
            slack.open_view(body["trigger_id"], form())
        else:
            opened = slack.open_view(body["trigger_id"], forms.opening_form(flow).to_dict())
            self._replace(opened, form())

    def _filled(self, flow: Flow, user: str, answers: Mapping[str, str], memo: Memo) -> View:
        """Return the form of the kind that *memo* tells, with what the answers offer."""
        return self._offering(flow, self._offer(flow, user, answers, memo), answers, memo)

    def _offer(self, flow: Flow, user: str, answers: Mapping[str, str], memo: Memo) -> Offer:
        offer = self.asking.emergency_offer if memo.emergency else self.asking.offer_with_room
        return offer(flow, user, answers)

    def _offering(self, flow: Flow, offer: Offer, answers: Mapping[str, str], memo: Memo) -> View:
        if memo.emergency:
            form = emergency_form(flow, self.policies(), offer, answers, memo, self.alert_channel)
        else:
            form = forms.ask_form(flow, self.policies(), offer, answers, memo=memo)
        return form.to_dict()

    def _form(self, flow: Flow, user: str, body: Body, answers: Mapping[str, str]) -> View:
        offer = self.asking.offer_with_room(flow, user, answers)
        url = str(body.get("response_url") or "")
        draft = None if answers else self.asking.draft(flow, user)
        if not answers and draft is None:
            return forms.fresh_form(flow, self.policies(), offer, url)
        memo = Memo(flow.id, offer.environment, url=url)
        return forms.ask_form(flow, self.policies(), offer, answers, memo=memo, draft=draft).to_dict()

    def _open_chooser(self, body: Body) -> None:
        flows, emergencies = self.asking.may_use(user_of(body)), self.asking.may_break_glass(user_of(body))
        self.answering.slack.open_view(body["trigger_id"], chooser.chooser(flows, emergencies).to_dict())

    def _refill(self, view: View, flow: Flow, user: str, draft: Draft) -> None:
        before = forms.memo_of(view)
        memo = Memo(flow.id, before.environment, before.filling + 1, before.url)
        self._replace(view["id"], self._filled(flow, user, draft.answers, memo), view["hash"])

    def _follow(self, view: View, user: str) -> None:
        memo, answers = forms.memo_of(view), forms.read_answers(view)
        flow = self.policies().flows[memo.flow]
        offer = self._offer(flow, user, answers, memo)
        if offer.digest != memo.offered:
            self._replace(view["id"], self._offering(flow, offer, answers, memo), view["hash"])

    def _replace(self, view_id: str, form: View, hash: str | None = None) -> None:  # noqa: A002 - Slack's word
        """Replace a form; one that the person has closed or changed meanwhile is left as it is."""
        try:
            self.answering.slack.update_view(view_id, form, hash)
        except Refused as refusal:
            if not {"not_found", "hash_conflict"} & set(refusal.reasons):
                raise
