"""How like the training data the synthetic data is."""
