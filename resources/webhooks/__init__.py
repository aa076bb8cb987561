"""Webhooks: what is sent where when something happens to an account's runs and builds."""
