"""The words of `/infra` that ask for nothing new: how it stands, what to end early, and what to look at again."""
