"""Studies of hyperparameters: many trainings on one or many machines, stored so that Optuna can read them too.

The folders import each other one way: storage, search, ratings, workers, explore.
"""
