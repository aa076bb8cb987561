"""Approvals of Actors of other accounts, over HTTP."""
