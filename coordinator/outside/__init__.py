"""One module for each thing the coordinator keeps outside: tickets, messages, commits, job runs."""
