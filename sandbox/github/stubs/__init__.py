"""What stands for the few marketplace actions: scripts of the standard library alone, run in a job.

They read the facts of their run from the JSON file named by STUB_FACTS, and must never reach beyond loopback.
"""
