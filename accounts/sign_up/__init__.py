"""Making accounts: open, by invitation or by the administrator, and which passwords are refused."""
