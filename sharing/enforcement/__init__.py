"""What the middleware needs to authorize a request: addresses, typed requests, refusals, and to ask again later."""
