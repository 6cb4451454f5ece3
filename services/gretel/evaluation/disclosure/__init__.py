"""What the synthetic data gives away about the people in the training data."""
