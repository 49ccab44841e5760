"""What the GitHub Actions jobs run: they make AWS match the live entries of `requests/`.

Knows no web server and no Slack framework, and trusts nothing but the repository at its main branch.
"""
