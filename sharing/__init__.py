"""Who may do what: permissions, the decision, grants, signatures, issues, the enforcing middleware."""
