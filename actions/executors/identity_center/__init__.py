"""Account assignments of IAM Identity Center. What a person had before us is never taken away."""
