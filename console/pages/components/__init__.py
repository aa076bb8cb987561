"""What pages of several areas share: tables, forms, dialogs, badges."""
