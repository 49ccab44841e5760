"""Whitelisting in the resource policies of REST APIs. Others' statements keep their meaning, whatever happens."""
