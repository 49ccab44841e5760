"""Addresses in the WAF IP sets that keep stages of APIs. What somebody else put into a set stays in it."""
