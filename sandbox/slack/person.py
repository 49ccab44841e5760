"""A scripted person in the local Slack: types, reads, presses, fills in, by what can be seen and nothing else.

Failures say what the person saw instead. It must never reach into ids or the app.
"""

from __future__ import annotations

from sandbox.serving import PATIENCE

from . import interactions
from .interactions import Answer
from .surfaces import Form, Message
from .text import squeezed
from .workspace import Member
from .world import World


class Person:
    """One living member of the workspace."""

    def __init__(self, world: World, member: Member) -> None:
        self._world = world
        self.id = member.id
        self.name = member.name

    def types(self, line: str, channel: str = "dm") -> Answer:
        """Type a slash command in a channel (by name) or in the direct message with the app."""
        if not line.startswith("/"):
            raise AssertionError(f"{line!r} is not a command; use says() for plain words")
        return interactions.type_command(self._world, self.id, self._place(channel), line)

    def uses_shortcut(self, name: str) -> Answer:
        """Choose the app's global shortcut of that name, as one can anywhere, in a thread too."""
        return interactions.use_shortcut(self._world, self.id, name)

    def says(self, text: str, where: str = "dm", thread: Message | str | None = None) -> Message:
        """Write plain words; the app hears of them only if they mention it in a channel that it is in."""
        thread_ts = thread.ts if isinstance(thread, Message) else thread
        posted = interactions.write(self._world, self.id, self._place(where), text, thread_ts)
        return Message(self._world, self.id, posted)

    def messages(self, where: str = "dm") -> list[Message]:
        """All messages this person can see in a place, oldest first, replies and ephemeral ones included."""
        place = self._place(where)
        with self._world.state.look():
            return [
                Message(self._world, self.id, posted)
                for posted in self._world.state.messages
                if posted.channel == place and posted.visible_to(self.id)
            ]

    def sees(
        self, text: str, where: str = "dm", thread: Message | str | None = None, timeout: float = PATIENCE
    ) -> Message:
        """The newest message that shows `text`, waiting for it; with `thread`, only among its replies."""
        thread_ts = thread.ts if isinstance(thread, Message) else thread

        def here() -> list[Message]:
            return [m for m in self.messages(where) if thread_ts is None or m.thread_ts == thread_ts]

        def sight() -> Message | None:
            return next((message for message in reversed(here()) if message.shows(text)), None)

        found = self._world.state.wait_for(sight, timeout)
        if found is None:
            visible = "\n---\n".join(message.visible_text for message in here()) or "(nothing)"
            raise AssertionError(f"{self.name} does not see {text!r} in {where} after {timeout} s but:\n{visible}")
        return found

    @property
    def form(self) -> Form | None:
        """The form on top now, if any."""
        with self._world.state.look():
            view = self._world.state.views.top(self.id)
            return Form(self._world, self.id, view) if view else None

    def waits_for_form(self, title: str | None = None, timeout: float = PATIENCE) -> Form:
        """The form on top, waiting until there is one (with that title, if given)."""

        def sight() -> Form | None:
            form = self.form
            fits = form is not None and (title is None or squeezed(form.title) == squeezed(title))
            return form if fits else None

        found = self._world.state.wait_for(sight, timeout)
        if found is None:
            open_now = f"the form {self.form.title!r}" if self.form else "no form"
            raise AssertionError(
                f"{self.name} waited {timeout} s for the form {title or '(any)'!r}, sees {open_now}"
            )
        return found

    def opens_home(self, timeout: float = PATIENCE) -> Form:
        """Open the app's home tab and wait until the app has put something there."""
        interactions.open_home(self._world, self.id)
        views = self._world.state.views
        home = self._world.state.wait_for(lambda: views.home(self.id), timeout)
        if home is None:
            raise AssertionError(f"the app's home tab is still empty for {self.name} after {timeout} s")
        return Form(self._world, self.id, home)

    def _place(self, where: str) -> str:
        with self._world.state.look():
            return self._world.place(self.id, where)
