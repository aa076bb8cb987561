"""Signing in and sessions: limits on wrong passwords, second factors, reauthentication."""
