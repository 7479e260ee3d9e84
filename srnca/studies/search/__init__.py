"""What a study searches: hyperparameters, their space, and who proposes the next set."""
