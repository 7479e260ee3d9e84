"""What a study searches: hyperparameters, their space, samplers and pruning."""
