"""Clients of the platforms we talk to: thin, typed, and never sending a write twice.

A client says what happened (done, refused, surely not done, unknown); it never decides to ask again.
"""
