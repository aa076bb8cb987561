"""Organizations: accounts that persons act for, as members with roles."""
