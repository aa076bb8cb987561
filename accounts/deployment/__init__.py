"""The deployment that accounts are on: who can reach it, its secrets, its e-mails, and what an upgrade changed."""
