"""What people see and press in Slack: forms, cards and the listeners behind them."""
