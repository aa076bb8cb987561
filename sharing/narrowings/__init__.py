"""What narrows a principal: a member's role, a token's scope, a run. Each can only take away."""
