"""The commands, one module each: they take a `Job` and what was asked, and return the exit code."""
