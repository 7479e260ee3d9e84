"""Studies of hyperparameters: many trainings, on one machine or many, in one storage that Optuna reads too."""
