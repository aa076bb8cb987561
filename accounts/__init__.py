"""Who you are: accounts, sign-in, tokens, the principal of a request, the audit trail."""
