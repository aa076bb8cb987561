"""The content of datasets: pushing items, reading them in any format, and what is known of their fields."""
