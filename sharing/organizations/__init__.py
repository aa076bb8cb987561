"""Organizations and what they own: members that leave, and organizations that are deleted."""
