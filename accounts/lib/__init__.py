"""What every floor stands on: errors of the API, IDs, times, SQL by hand, encryption, rate limits."""
