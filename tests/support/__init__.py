"""What tests share and is not a test."""
