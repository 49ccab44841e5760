"""The language the coordinator and the actions share: entries, policies, decisions, attestations, outcomes.

Nothing here talks to a platform except `sallyport.platforms`, and nothing here reads a clock.
"""
