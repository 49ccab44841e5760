"""The ECS services and databases of one environment. What somebody else started is never stopped again."""
