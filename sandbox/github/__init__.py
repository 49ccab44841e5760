"""A stand-in for GitHub: the product's calls over a real bare repository, and runs by act."""

from sandbox.github.accounts import Token
from sandbox.github.execution import Environment, Runner
from sandbox.github.runs import Run
from sandbox.github.standin import GitHubStandIn

__all__ = ["Environment", "GitHubStandIn", "Run", "Runner", "Token"]
