"""Webhooks: what is sent where when something happens to somebody's runs and builds."""
