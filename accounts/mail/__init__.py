"""Emails on their way: kept in the database until a worker has given them to the mail server."""
