"""Addresses in security groups and managed prefix lists. A rule that somebody else made is never touched."""
