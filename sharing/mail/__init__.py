"""E-mails of sharing."""
