"""What models are measured by, and what their losses are made of."""
