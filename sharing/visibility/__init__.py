"""Who can read a resource, now or after a change, and what pages and e-mails call it."""
