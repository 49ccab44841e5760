"""Groups of commands for operators and auditors; each command imports what it needs."""
