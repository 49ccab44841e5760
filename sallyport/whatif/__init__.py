"""What policies would do: verdicts on asks that nobody made, example cases, explanations, and reach compared.

For operators, before a policy is in force. Nothing here records, asks or changes anything.
"""
