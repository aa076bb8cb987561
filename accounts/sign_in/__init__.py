"""Signing in and its sessions: limits of wrong passwords, second factors, and asking again for who it is."""
